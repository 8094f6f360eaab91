//! A sink: the actor that turns rows into records of its topic, in the order that the topic shall
//! have.
//!
//! Rows of one epoch come from all tasks of the shard. Behind a key-by they are put in the order of
//! (event time, input partition, offset), which every epoch continues, so that the output is the
//! same however tasks and epochs fell; elsewhere a task's rows keep their order, tasks in turn. A row
//! on which the encoder panics becomes a dead letter, alone.
//!
//! A task goes on with the next epoch as soon as it has handed over its share, so its rows may come
//! before this sink is told to close: they wait. What a transaction writes is what its offsets say.
//! Where only at-least-once is asked for, records go out at once instead ([`at_once`]).

mod at_once;

use std::sync::Arc;

use bytes::Bytes;
use config::{Delivery, Node, NodeIndex, Order, Sink, SinkTarget, TopicName};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;

use at_once::AtOnce;

use super::bisect::bisect;
use super::boundary::guarded;
use super::context::ShardContext;
use super::dead_letter::{DeadLetters, code};
use super::program::Program;
use crate::batch::Batch;
use crate::codec::{Encoded, Encoder};
use crate::log::{Headers, HeadersBuilder, LogRecord, TopicPartition, partition_for_key};
use crate::nodes::pulse::{self, Stage};
use crate::nodes::{Gone, answer, failure};

/// What a sink is told.
pub enum SinkMessage {
    /// Rows of a task.
    Rows {
        /// Whose.
        task: TaskId,
        /// Of which epoch: the open one, or the one behind it.
        epoch: u64,
        /// The rows.
        batch: Batch,
    },
    /// Ends the epoch: gives its records.
    Close {
        /// Which.
        epoch: u64,
        /// The records and when their input was appended.
        reply: RpcReplyPort<SinkEpoch>,
    },
    /// The epoch's transaction is committed: what goes beside the log is written now.
    Committed,
}

/// What one epoch brought to a sink.
#[derive(Debug, Default)]
pub struct SinkEpoch {
    /// Records by partition of the topic.
    pub sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    /// For each row, when its input record was appended (milliseconds).
    pub appended: Vec<i64>,
    /// Rows that could not be encoded.
    pub dead_letters: DeadLetters,
}

/// The actor.
pub struct SinkActor;

/// How it starts.
pub struct SinkArguments {
    /// The shard.
    pub context: Arc<ShardContext>,
    /// Which node of the topology.
    pub index: NodeIndex,
}

/// What a sink holds.
pub struct SinkState {
    context: Arc<ShardContext>,
    sink: Sink,
    encoder: Encoder,
    order: Order,
    program: Arc<Program>,
    /// Topic of the source records, if it is one and batches do not say it.
    origin: Option<TopicName>,
    partitions: u32,
    fixed: Headers,
    dead: DeadLetters,
    /// The open epoch.
    epoch: u64,
    open: Vec<Pending>,
    /// Rows of the epoch behind the open one.
    later: Vec<(TaskId, Batch)>,
    unwritten: Vec<Bytes>,
    /// `None`: records are part of their epoch.
    at_once: Option<AtOnce>,
    headers: HeadersBuilder,
}

/// A record of the open epoch.
struct Pending {
    time: i64,
    partition: u32,
    offset: i64,
    task: TaskId,
    appended: i64,
    record: LogRecord,
}

impl Actor for SinkActor {
    type Msg = SinkMessage;
    type State = SinkState;
    type Arguments = SinkArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<SinkMessage>,
        arguments: SinkArguments,
    ) -> Result<SinkState, ActorProcessingErr> {
        let SinkArguments { context, index } = arguments;
        let Node::Sink(sink) = context.topology.node(index).clone() else {
            return Err(failure(format!(
                "node {} is no sink",
                context.topology.node(index).id()
            )));
        };
        let program = context
            .topology
            .sub_topologies
            .iter()
            .zip(&context.programs)
            .find(|(sub, _)| sub.nodes.contains(&index))
            .map(|(_, program)| program)
            .ok_or(Gone("the sink"))?;
        let partitions = match &sink.target {
            SinkTarget::Topic(topic) => context
                .log
                .topic(topic)?
                .map_or(sink.partitions, |info| info.spec.partitions),
            SinkTarget::File(_) | SinkTarget::Stdout => 1,
        };
        let mut fixed = HeadersBuilder::default();
        fixed.push(
            "thalweg.topology",
            context.topology.name.as_str().as_bytes(),
        );
        for (name, value) in &sink.headers {
            fixed.push(name, value.as_bytes());
        }
        let encoder = Encoder::new(sink.format, &sink.input_schema, &sink.columns, sink.key);
        let at_once = match context.topology.epoch.delivery {
            Delivery::ExactlyOnce => None,
            Delivery::AtLeastOnce => Some(AtOnce::open(&context).await?),
        };
        context.wiring.set_sink(index, myself);
        Ok(SinkState {
            encoder,
            order: program.order,
            origin: program.origin_topic(),
            program: Arc::clone(program),
            partitions,
            fixed: fixed.finish(),
            dead: DeadLetters::default(),
            sink,
            epoch: 1,
            open: Vec::new(),
            later: Vec::new(),
            unwritten: Vec::new(),
            at_once,
            headers: HeadersBuilder::default(),
            context,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<SinkMessage>,
        message: SinkMessage,
        state: &mut SinkState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.reach("sink").await;
        match message {
            SinkMessage::Rows { task, epoch, batch } if epoch > state.epoch => {
                state.later.push((task, batch));
            }
            SinkMessage::Rows { task, batch, .. } => {
                state.take(task, &batch);
                if state.order == Order::Arrival {
                    state.write_at_once().await?;
                }
            }
            SinkMessage::Close { epoch, reply } => {
                state.write_at_once().await?;
                answer(reply, state.close().await?)?;
                state.epoch = epoch + 1;
                for (task, batch) in std::mem::take(&mut state.later) {
                    state.take(task, &batch);
                }
                if state.order == Order::Arrival {
                    state.write_at_once().await?;
                }
            }
            SinkMessage::Committed => state.write_beside()?,
        }
        Ok(())
    }
}

impl SinkState {
    /// Encodes rows; those on which the encoder panics become dead letters, alone.
    fn take(&mut self, task: TaskId, batch: &Batch) {
        let Self {
            encoder, context, ..
        } = self;
        let faults = &context.faults;
        let mut encode = |batch: &Batch| {
            guarded(|| {
                faults.rows("sink", batch);
                encoder.encode(&batch.columns)
            })
        };
        if let Ok(encoded) = encode(batch) {
            self.add(task, batch, encoded);
            return;
        }
        let halves = batch.len().div_ceil(2);
        let found = bisect(batch.len(), halves, usize::MAX, |range| {
            encode(&batch.slice(range))
        });
        for (row, panic) in found.culprits() {
            let place = (&*self.context, &*self.program);
            let reason = (code::PANICKED, &*panic.to_string());
            let stage = &self.sink.id;
            self.dead.add_row(place, (batch, row), stage, reason);
        }
        for (range, encoded) in found.good {
            self.add(task, &batch.slice(range), encoded);
        }
    }

    fn add(&mut self, task: TaskId, batch: &Batch, encoded: Encoded) {
        self.open.reserve(batch.len());
        self.headers
            .reserve(batch.len() * (self.fixed.as_bytes().len() + ORIGIN_BYTES));
        let rows_per_row = batch.rows.iter().zip(encoded.values).zip(encoded.keys);
        for ((row, value), key) in rows_per_row {
            self.headers.push_block(&self.fixed);
            let origin = batch.topic.as_deref().or(self.origin.as_ref());
            if let Some(origin) = origin {
                push_origin(&mut self.headers, origin, row.partition, row.offset);
            }
            for tag in batch.models.iter() {
                push_model(&mut self.headers, tag.model.as_str(), tag.version);
            }
            let headers = self.headers.finish();
            let record = LogRecord {
                offset: -1,
                timestamp: row.time,
                key,
                value: Some(value),
                headers,
            };
            self.open.push(Pending {
                time: row.time,
                partition: row.partition,
                offset: row.offset,
                task,
                appended: row.appended,
                record,
            });
        }
    }

    /// Ends the epoch; what went out at once is acknowledged by then.
    async fn close(&mut self) -> Result<SinkEpoch, ActorProcessingErr> {
        let (sends, mut appended) = self.ordered();
        if let Some(at_once) = &mut self.at_once {
            at_once.flush().await?;
            appended = std::mem::take(&mut at_once.appended);
        }
        Ok(SinkEpoch {
            sends,
            appended,
            dead_letters: std::mem::take(&mut self.dead),
        })
    }

    /// Writes what is there, if it does not wait for its epoch.
    async fn write_at_once(&mut self) -> Result<(), ActorProcessingErr> {
        if self.at_once.is_none() || self.open.is_empty() {
            return Ok(());
        }
        let (sends, appended) = self.ordered();
        self.write_beside()?;
        if let Some(at_once) = &mut self.at_once {
            at_once.appended.extend(appended);
            at_once.append(sends).await?;
        }
        Ok(())
    }

    /// The records that are there, in their order and by partition, and when their input was appended.
    fn ordered(&mut self) -> (Vec<(TopicPartition, Vec<LogRecord>)>, Vec<i64>) {
        let mut open = std::mem::take(&mut self.open);
        match self.order {
            Order::EventTime => open.sort_by_key(|p| (p.time, p.partition, p.offset, p.task)),
            Order::Arrival => open.sort_by_key(|p| p.task),
        }
        let appended = open.iter().map(|pending| pending.appended).collect();
        let SinkTarget::Topic(topic) = &self.sink.target else {
            self.unwritten
                .extend(open.into_iter().filter_map(|pending| pending.record.value));
            return (Vec::new(), appended);
        };
        // Keys spread evenly, or nearly so.
        let expected = open.len() / self.partitions.max(1) as usize;
        let mut by_partition: Vec<Vec<LogRecord>> = (0..self.partitions)
            .map(|_| Vec::with_capacity(expected + expected / 8))
            .collect();
        for pending in open {
            let partition = match &pending.record.key {
                Some(key) => partition_for_key(key, self.partitions),
                None => pending.partition % self.partitions,
            };
            by_partition[partition as usize].push(pending.record);
        }
        let sends = (0..self.partitions)
            .zip(by_partition)
            .filter(|(_, records)| !records.is_empty())
            .map(|(partition, records)| (TopicPartition::new(topic.clone(), partition), records))
            .collect();
        (sends, appended)
    }

    /// Writes to a file or standard output. Exactly-once: after the commit, and a crash just then loses the
    /// lines. At-least-once: before it, and a crash just then writes them again.
    fn write_beside(&mut self) -> std::io::Result<()> {
        use std::io::Write;
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let _call = pulse::enter(Stage::File);
        let mut lines = Vec::new();
        for value in self.unwritten.drain(..) {
            lines.extend_from_slice(&value);
            lines.push(b'\n');
        }
        match &self.sink.target {
            SinkTarget::Topic(_) => Ok(()),
            SinkTarget::Stdout => std::io::stdout().lock().write_all(&lines),
            SinkTarget::File(path) => std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)?
                .write_all(&lines),
        }
    }
}

/// What a row's origin takes in its headers, about.
const ORIGIN_BYTES: usize = 64;

/// `thalweg.input` = `topic/partition/offset` of the source record.
fn push_origin(headers: &mut HeadersBuilder, topic: &TopicName, partition: u32, offset: i64) {
    let mut text = [0u8; 300];
    let mut at = 0;
    let mut put = |part: &[u8]| {
        let end = (at + part.len()).min(text.len());
        text[at..end].copy_from_slice(&part[..end - at]);
        at = end;
    };
    let mut number = itoa::Buffer::new();
    put(topic.as_str().as_bytes());
    put(b"/");
    put(number.format(partition).as_bytes());
    put(b"/");
    put(number.format(offset).as_bytes());
    headers.push("thalweg.input", &text[..at]);
}

/// `thalweg.model` = `id@version`.
fn push_model(headers: &mut HeadersBuilder, model: &str, version: u64) {
    headers.push("thalweg.model", format!("{model}@{version}").as_bytes());
}
