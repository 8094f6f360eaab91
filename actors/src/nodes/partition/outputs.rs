//! What a task's open epoch has brought so far, and how it is handed over.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use config::{EpochSettings, NodeId, TopicName};
use ractor::ActorProcessingErr;
use supervisors::TaskId;

use crate::batch::Batch;
use crate::codec::key_text;
use crate::codec::row::RowEncoder;
use crate::log::{LogRecord, OffsetCommit, TopicPartition, partition_for_key};
use crate::nodes::dead_letter::DeadLetters;
use crate::nodes::failure;
use crate::nodes::marker;
use crate::nodes::program::{Action, KeyByStep, Program};
use crate::state::store::Entry;
use crate::watermark::Pace;

/// What a task gives to an epoch.
#[derive(Debug)]
pub struct TaskEpoch {
    /// Whose.
    pub task: TaskId,
    /// Repartition rows and changelog.
    pub sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    /// Records that could not be processed.
    pub dead_letters: DeadLetters,
    /// Input offsets with the progress behind them.
    pub offsets: Vec<OffsetCommit>,
    /// Where each input has been read to.
    pub positions: Vec<(TopicPartition, i64)>,
    /// The task's watermark.
    pub watermark: i64,
    /// Rows that wait for the watermark.
    pub held: usize,
    /// Records taken from sources.
    pub records: u64,
    /// The same by source.
    pub by_source: Vec<(NodeId, u64)>,
    /// Rows that came to each node but the sources.
    pub by_node: Vec<(NodeId, u64)>,
    /// Sessions in memory.
    pub sessions: usize,
    /// Their bytes, about.
    pub state_bytes: usize,
    /// Whether anything happened that must be committed.
    pub activity: bool,
}

/// What a task may take into one epoch: an equal share of the topology's among the tasks of this node
/// that read sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    records: u64,
    bytes: u64,
}

/// The open epoch.
pub(super) struct Outputs {
    share: Share,
    records: u64,
    bytes: u64,
    by_source: HashMap<NodeId, u64>,
    /// Rows that came to each step of the program.
    by_step: Vec<u64>,
    pub(super) activity: bool,
    pub(super) told_full: bool,
    repartition: HashMap<TopicName, Vec<Vec<LogRecord>>>,
    encoders: HashMap<TopicName, RowEncoder>,
    pub(super) dead: DeadLetters,
    /// Those of them that are held rows.
    pub(super) held: Vec<LogRecord>,
    last_pace: Option<Pace>,
}

/// What [`Outputs::close`] is given.
pub(super) struct Closing {
    pub(super) task: TaskId,
    pub(super) pace: Pace,
    pub(super) offsets: Vec<OffsetCommit>,
    pub(super) positions: Vec<(TopicPartition, i64)>,
    pub(super) watermark: i64,
    pub(super) held: usize,
    pub(super) entries: Arc<Vec<Entry>>,
    pub(super) sessions: usize,
    pub(super) state_bytes: usize,
    pub(super) now_ms: i64,
}

impl Share {
    /// Of a task that runs beside so many others that read sources, itself counted.
    pub(super) fn of(epoch: &EpochSettings, source_tasks: u64) -> Self {
        let tasks = source_tasks.max(1);
        Self {
            records: (epoch.records / tasks).max(1),
            bytes: (epoch.bytes.0 / tasks).max(1),
        }
    }
}

impl Outputs {
    /// An epoch that has begun.
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            records: 0,
            bytes: 0,
            by_source: HashMap::new(),
            by_step: Vec::new(),
            activity: false,
            told_full: false,
            repartition: HashMap::new(),
            encoders: HashMap::new(),
            dead: DeadLetters::default(),
            held: Vec::new(),
            last_pace: None,
        }
    }

    /// Counts records of a source.
    pub(super) fn count(&mut self, source: &NodeId, records: &[LogRecord]) {
        let size = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let bytes = records.iter().map(|r| size(&r.key) + size(&r.value));
        self.bytes += bytes.sum::<usize>() as u64;
        self.records += records.len() as u64;
        *self.by_source.entry(source.clone()).or_default() += records.len() as u64;
    }

    /// Counts rows that come to a step.
    pub(super) fn count_rows(&mut self, step: usize, rows: usize) {
        if self.by_step.len() <= step {
            self.by_step.resize(step + 1, 0);
        }
        self.by_step[step] += rows as u64;
    }

    /// Whether the epoch has its share: no more credit until it is handed over.
    pub(super) fn full(&self) -> bool {
        self.records >= self.share.records || self.bytes >= self.share.bytes
    }

    /// Adds rows for a repartition topic.
    pub(super) fn key_by(
        &mut self,
        id: &NodeId,
        step: &KeyByStep,
        batch: &Batch,
    ) -> Result<(), ActorProcessingErr> {
        let encoder = self
            .encoders
            .entry(step.topic.clone())
            .or_insert_with(|| RowEncoder::new(&step.schema));
        let partitions = step.partitions as usize;
        let out = self
            .repartition
            .entry(step.topic.clone())
            .or_insert_with(|| vec![Vec::new(); partitions]);
        let carried = batch.with_columns(batch.columns.project(&step.carried)?);
        let values = encoder.encode(&carried);
        if values.len() != batch.len() {
            return Err(failure(format!(
                "key-by \"{id}\" encoded {} of {} rows",
                values.len(),
                batch.len()
            )));
        }
        let column = batch.columns.column(step.column);
        let mut keys = bytes::BytesMut::with_capacity(batch.len() * 12);
        let mut text = Vec::new();
        for ((row, value), origin) in values.into_iter().enumerate().zip(&batch.rows) {
            text.clear();
            key_text(column, row, &mut text);
            keys.extend_from_slice(&text);
            let key: Bytes = keys.split().freeze();
            let partition = partition_for_key(&key, step.partitions);
            let record = LogRecord::new(Some(key), Some(value), origin.appended);
            out[partition as usize].push(record);
        }
        Ok(())
    }

    /// Hands the epoch over and begins the next.
    pub(super) fn close(
        &mut self,
        program: &Program,
        closing: Closing,
    ) -> Result<TaskEpoch, ActorProcessingErr> {
        let mut sends = Vec::new();
        self.repartition_sends(program, &closing, &mut sends);
        for (space, step) in program.keyed.iter().enumerate() {
            let entries = closing.entries.iter();
            let entries = entries.filter(|entry| usize::from(entry.space) == space);
            let mut records = Vec::with_capacity(entries.clone().count());
            records.extend(entries.map(|entry| {
                LogRecord::new(Some(entry.key.clone()), entry.value.clone(), closing.now_ms)
            }));
            if !records.is_empty() {
                let at = TopicPartition::new(step.changelog.clone(), closing.task.partition);
                sends.push((at, records));
            }
        }
        let dead_letters = std::mem::take(&mut self.dead);
        let activity = self.activity
            || !sends.is_empty()
            || !closing.entries.is_empty()
            || !dead_letters.is_empty();
        self.bytes = 0;
        self.told_full = false;
        self.activity = false;
        Ok(TaskEpoch {
            task: closing.task,
            sends,
            dead_letters,
            offsets: closing.offsets,
            positions: closing.positions,
            watermark: closing.watermark,
            held: closing.held,
            records: std::mem::take(&mut self.records),
            by_source: std::mem::take(&mut self.by_source).into_iter().collect(),
            by_node: (program.steps.iter().zip(self.by_step.drain(..)))
                .filter(|(_, rows)| *rows > 0)
                .map(|(step, rows)| (step.id.clone(), rows))
                .collect(),
            sessions: closing.sessions,
            state_bytes: closing.state_bytes,
            activity,
        })
    }

    /// Rows of the repartition topics, each partition closed by a marker with this task's pace.
    fn repartition_sends(
        &mut self,
        program: &Program,
        closing: &Closing,
        sends: &mut Vec<(TopicPartition, Vec<LogRecord>)>,
    ) {
        let moved = self.last_pace != Some(closing.pace);
        for step in &program.steps {
            let Action::KeyBy(key_by) = &step.action else {
                continue;
            };
            let partitions = key_by.partitions as usize;
            let rows = self
                .repartition
                .insert(key_by.topic.clone(), vec![Vec::new(); partitions])
                .unwrap_or_else(|| vec![Vec::new(); partitions]);
            for (partition, mut records) in (0..key_by.partitions).zip(rows) {
                if moved {
                    let value = marker::encode(closing.task.partition, closing.pace);
                    records.push(LogRecord::new(None, Some(value), closing.now_ms));
                }
                if !records.is_empty() {
                    sends.push((
                        TopicPartition::new(key_by.topic.clone(), partition),
                        records,
                    ));
                }
            }
        }
        self.last_pace = Some(closing.pace);
    }
}
