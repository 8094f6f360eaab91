//! Dead letters: records that cannot be processed, as they came, with the reason.
//!
//! A dead letter has the key and value of the record and its own headers, and beside them
//! `thalweg.code`, `thalweg.reason`, `thalweg.stage`, `thalweg.topology`, and `thalweg.input`
//! (`topic/partition/offset`), unless no single record made it: a window's row is written as JSON.
//!
//! A row that is *held*, its key being in quarantine, bears what brings it back to its operator:
//! `thalweg.key`, `thalweg.held` (`since/number`, which names it among the held rows of its key),
//! `thalweg.watermark` and `thalweg.row`, the row in the form of repartition topics.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use config::{Column, DataType, Format, NodeId, Schema};

use super::context::ShardContext;
use super::host::HeldRow;
use super::input::Rejected;
use super::program::{EntryKind, Program};
use crate::batch::Batch;
use crate::codec::Encoder;
use crate::log::{HeadersBuilder, LogRecord, TopicPartition};
use crate::operators::keyed::NO_RECORD;

/// Codes of dead letters beside those of the codec, stable.
pub(crate) mod code {
    pub(crate) use crate::codec::code::PANICKED;
    /// The task failed on the record, again and again.
    pub(crate) const TASK_FAILED: &str = "task-failed";
    /// The operator gave an error.
    pub(crate) const FAILED: &str = "operator-failed";
    /// The row's key is in quarantine.
    pub(crate) const QUARANTINED: &str = "quarantined";
    /// The model gave an error or no answer in time.
    pub(crate) const MODEL_FAILED: &str = "model-failed";
}

/// Headers of held rows.
pub(crate) mod header {
    pub(crate) const STAGE: &str = "thalweg.stage";
    pub(crate) const KEY: &str = "thalweg.key";
    pub(crate) const HELD: &str = "thalweg.held";
    pub(crate) const WATERMARK: &str = "thalweg.watermark";
    pub(crate) const ROW: &str = "thalweg.row";
}

/// Dead letters of an open epoch.
#[derive(Debug, Default)]
pub struct DeadLetters {
    /// As the topic will have them.
    pub records: Vec<LogRecord>,
    /// How many by stage and code.
    pub counts: HashMap<(String, &'static str), u64>,
}

impl DeadLetters {
    /// Adds a record that cannot be processed; `at` is where it stands, if it stands anywhere.
    pub(crate) fn add(
        &mut self,
        context: &ShardContext,
        at: Option<&TopicPartition>,
        bad: Rejected,
    ) {
        self.add_with(context, at, bad, &[]);
    }

    fn add_with(
        &mut self,
        context: &ShardContext,
        at: Option<&TopicPartition>,
        bad: Rejected,
        headers: &[(&str, &[u8])],
    ) -> LogRecord {
        let count = self.counts.entry((bad.stage.clone(), bad.code));
        *count.or_default() += 1;
        let record = encode(context, at, bad, headers);
        self.records.push(record.clone());
        record
    }

    /// Adds a row of a key in quarantine; `bytes` is the row. Gives the record.
    pub(crate) fn hold(
        &mut self,
        (context, program): (&ShardContext, &Program),
        batch: &Batch,
        stage: &NodeId,
        (held, bytes): (&HeldRow, &[u8]),
    ) -> LogRecord {
        let (at, record) = original(context, program, batch, held.row);
        let rejected = Rejected {
            stage: stage.to_string(),
            record,
            code: code::QUARANTINED,
            reason: "the record's key is in quarantine".to_owned(),
        };
        let (name, watermark) = (
            format!("{}/{}", held.since_ms, held.number),
            batch.rows[held.row].watermark.to_string(),
        );
        let headers: [(&str, &[u8]); 4] = [
            (header::KEY, &held.key),
            (header::HELD, name.as_bytes()),
            (header::WATERMARK, watermark.as_bytes()),
            (header::ROW, bytes),
        ];
        self.add_with(context, at.as_ref(), rejected, &headers)
    }

    /// Adds a row of a batch that a node cannot take.
    pub(crate) fn add_row(
        &mut self,
        (context, program): (&ShardContext, &Program),
        (batch, row): (&Batch, usize),
        stage: &NodeId,
        (code, reason): (&'static str, &str),
    ) {
        let (at, record) = original(context, program, batch, row);
        let rejected = Rejected {
            stage: stage.to_string(),
            record,
            code,
            reason: reason.to_owned(),
        };
        self.add(context, at.as_ref(), rejected);
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// Reasons are cut to this many characters.
const REASON_MAX: usize = 500;

/// The record that a row came from at first, as the source's topic has it, and where it stands; what
/// the task read, if the topic has it no longer.
fn original(
    context: &ShardContext,
    program: &Program,
    batch: &Batch,
    row: usize,
) -> (Option<TopicPartition>, LogRecord) {
    let meta = &batch.rows[row];
    if meta.index == NO_RECORD {
        return (None, made(batch, row));
    }
    let topic = batch.topic.as_deref().cloned();
    let topic = topic.or_else(|| program.origin_topic());
    let at = topic.map(|topic| TopicPartition::new(topic, meta.partition));
    let own = batch.raw.get(meta.index as usize).cloned();
    let found = match (&program.entries[0].kind, &at) {
        (EntryKind::Source(..), _) => None,
        // Its topic has it, but which of several that is is not known: it is made of the row.
        (EntryKind::Repartition { .. }, None) => return (None, made(batch, row)),
        (EntryKind::Repartition { .. }, Some(at)) => {
            let read = context.log.read(at, meta.offset, 1, 1).ok();
            let first = read.and_then(|fetched| fetched.records.into_iter().next());
            first.filter(|record| record.offset == meta.offset)
        }
    };
    let record = found.or(own).unwrap_or_else(|| made(batch, row));
    let offset = meta.offset;
    (at, LogRecord { offset, ..record })
}

/// A row that no single record made, as JSON.
fn made(batch: &Batch, row: usize) -> LogRecord {
    let one = batch.columns.slice(row, 1);
    let value = json(&one).encode(&one).values.pop();
    LogRecord::new(None, value, batch.rows[row].time)
}

/// An encoder for these columns; of their schema it needs the names alone.
fn json(columns: &RecordBatch) -> Encoder {
    let schema = columns.schema_ref();
    let column =
        |field: &arrow_schema::FieldRef| Column::new(field.name().as_str(), DataType::Bytes, true);
    let named = Schema::new(schema.fields().iter().map(column).collect());
    let all: Vec<usize> = (0..columns.num_columns()).collect();
    Encoder::new(Format::Json, &named, &all, None)
}

/// The record for the dead-letter topic.
fn encode(
    context: &ShardContext,
    at: Option<&TopicPartition>,
    bad: Rejected,
    more: &[(&str, &[u8])],
) -> LogRecord {
    let Rejected {
        stage,
        record,
        code,
        reason,
    } = bad;
    let reason: String = reason.chars().take(REASON_MAX).collect();
    let mut headers = HeadersBuilder::default();
    headers.push("thalweg.code", code.as_bytes());
    headers.push("thalweg.reason", reason.as_bytes());
    headers.push(header::STAGE, stage.as_bytes());
    headers.push(
        "thalweg.topology",
        context.topology.name.as_str().as_bytes(),
    );
    if let Some(at) = at {
        let input = format!("{}/{}/{}", at.topic, at.partition, record.offset);
        headers.push("thalweg.input", input.as_bytes());
    }
    for (name, value) in more {
        headers.push(name, value);
    }
    headers.push_block(&record.headers);
    LogRecord {
        offset: -1,
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
        headers: headers.finish(),
    }
}
