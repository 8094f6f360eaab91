//! Heartbeats: each node of a topology on a cluster says every few seconds that it lives and what it
//! runs, in the compacted topic `<topology>.nodes`, by its id.
//!
//! Housekeeping writes them, under a transactional id of their own: no epoch waits for a heartbeat,
//! and none that fails stops the stream. Who wants to know the nodes reads the topic's last minutes
//! ([`latest`]).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use config::{LogSettings, TopicName};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::context::ShardContext;
use super::status::{PositionStatus, TaskStatus};
use crate::log::{Log, LogError, LogRecord, Producer, TopicPartition};

#[cfg(test)]
mod tests;

/// A node whose last heartbeat is older than this is stale: it has missed four.
pub const STALE_AFTER_MS: i64 = 15_000;
/// A node that has been silent for so long is not told of any more; 10 minutes.
pub const FORGOTTEN_AFTER_MS: i64 = 600_000;
/// Records of one read.
const READ_RECORDS: usize = 1_000;
/// Bytes of one read, about.
const READ_BYTES: usize = 4 << 20;
/// Reads of one look at the topic: ten minutes of a few hundred nodes.
const READS_MAX: usize = 64;

/// What a node says of itself: the value of its record, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Its id: the record's key.
    pub node: String,
    /// The topology that it runs.
    pub topology: String,
    /// Version of Thalweg.
    pub version: String,
    /// Its API, `host:port`, if it has one.
    pub listen: Option<String>,
    /// When it started: milliseconds since 1970-01-01 UTC.
    pub started_ms: i64,
    /// When it said this.
    pub at_ms: i64,
    /// The tasks that it runs, upstream first.
    pub tasks: Vec<TaskBeat>,
    /// Tasks of others whose state it keeps warm; the positions are in their changelogs.
    #[serde(default)]
    pub standby: Vec<TaskBeat>,
}

/// A task that a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskBeat {
    /// `<sub-topology>-<partition>`.
    pub name: String,
    /// Where its inputs have been read to; none before its first epoch.
    pub positions: Vec<PositionStatus>,
    /// A restore on its way: changelog offsets passed, and to pass.
    pub restoring: Option<(u64, u64)>,
}

/// The heartbeats of this node.
pub struct Heartbeats {
    started_ms: i64,
    listen: OnceLock<String>,
    writer: Mutex<Writer>,
}

#[derive(Default)]
struct Writer {
    producer: Option<Box<dyn Producer>>,
    /// The last one could not be written, and that has been told.
    failing: bool,
}

impl Heartbeats {
    /// Of a node that starts now.
    #[must_use]
    pub fn new(started_ms: i64) -> Self {
        Self {
            started_ms,
            listen: OnceLock::new(),
            writer: Mutex::default(),
        }
    }

    /// Says where the node's API is; once.
    pub fn set_listen(&self, address: String) {
        // A node has one API.
        drop(self.listen.set(address));
    }

    /// What this node would say now.
    #[must_use]
    pub fn now(&self, context: &ShardContext) -> Heartbeat {
        let known = context.status.tasks();
        let beat = |task: &supervisors::TaskId| {
            let name = context.task_name(*task);
            let status = known.iter().find(|status| status.name == name);
            TaskBeat {
                positions: status.map_or_else(Vec::new, |status| status.positions.clone()),
                restoring: status.and_then(|status: &TaskStatus| {
                    status
                        .restoring
                        .map(|restoring| (restoring.done, restoring.total))
                }),
                name,
            }
        };
        Heartbeat {
            node: context.node.clone(),
            topology: context.topology.name.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            listen: self.listen.get().cloned(),
            started_ms: self.started_ms,
            at_ms: context.clock.now_ms(),
            tasks: context.assigned().iter().map(beat).collect(),
            standby: standby(context),
        }
    }

    /// Writes what this node says now, where its log is a cluster's. Blocks. What fails is told once
    /// and tried again with the next call.
    pub fn beat(&self, context: &ShardContext) {
        if let LogSettings::Kafka(_) = context.topology.log {
            let mut writer = self.writer.lock();
            let written = writer.write(context, Some(&self.now(context)));
            writer.tell(written);
        }
    }

    /// Takes this node's heartbeat back: it stops by will. Blocks.
    pub fn leave(&self, context: &ShardContext) {
        let mut writer = self.writer.lock();
        // Where none was written there is none to take back, and brokers that are gone are not waited for.
        if writer.producer.is_some() {
            let written = writer.write(context, None);
            writer.tell(written);
        }
    }
}

/// The warm copies of a node.
fn standby(context: &ShardContext) -> Vec<TaskBeat> {
    let beat = |task: supervisors::TaskId| {
        let changelogs = context.changelogs(task).into_iter();
        let positions = changelogs.zip(context.states.changelog(task));
        let position = |(at, position): (TopicPartition, i64)| PositionStatus {
            topic: at.topic.to_string(),
            partition: at.partition,
            position,
        };
        TaskBeat {
            name: context.task_name(task),
            positions: positions.map(position).collect(),
            restoring: None,
        }
    };
    context.following().into_iter().map(beat).collect()
}

impl Writer {
    /// Writes a heartbeat, or that there is none any more. Opens the producer if it is not open;
    /// after an error a new one is opened, for that fences what may be in flight.
    fn write(&mut self, context: &ShardContext, beat: Option<&Heartbeat>) -> Result<(), LogError> {
        let mut producer = match self.producer.take() {
            Some(producer) => producer,
            None => context.log.producer(&context.heartbeat_id(&context.node))?,
        };
        let at = TopicPartition::new(context.topology.nodes_topic(), 0);
        let record = record(&context.node, beat, context.clock.now_ms());
        producer.begin()?;
        producer.send(&at, vec![record])?;
        producer.commit()?;
        self.producer = Some(producer);
        Ok(())
    }

    fn tell(&mut self, written: Result<(), LogError>) {
        match written {
            Ok(()) => self.failing = false,
            Err(error) if !self.failing => {
                self.failing = true;
                tracing::warn!(%error, "this node's heartbeat cannot be written: trying again");
            }
            Err(error) => tracing::debug!(%error, "this node's heartbeat cannot be written"),
        }
    }
}

fn record(node: &str, beat: Option<&Heartbeat>, now_ms: i64) -> LogRecord {
    let json = |beat| {
        serde_json::to_vec(beat)
            .unwrap_or_else(|_| unreachable!("a heartbeat is texts and numbers: it is JSON"))
    };
    let value = beat.map(|beat| Bytes::from(json(beat)));
    LogRecord::new(Some(Bytes::copy_from_slice(node.as_bytes())), value, now_ms)
}

/// The last heartbeat of each node that has not left and was heard within the last
/// [`FORGOTTEN_AFTER_MS`], by id. Blocks. What is no heartbeat is passed over: another version's.
///
/// # Errors
/// If the topic does not exist or the log cannot be reached.
pub fn latest(log: &dyn Log, topic: &TopicName, now_ms: i64) -> Result<Vec<Heartbeat>, LogError> {
    let at = TopicPartition::new(topic.clone(), 0);
    let since = now_ms - FORGOTTEN_AFTER_MS;
    let mut from = log.offset_at(&at, since)?;
    let mut nodes: BTreeMap<Bytes, Heartbeat> = BTreeMap::new();
    for _ in 0..READS_MAX {
        let fetched = log.read(&at, from, READ_RECORDS, READ_BYTES)?;
        if fetched.records.is_empty() {
            break;
        }
        from = fetched.next_offset;
        for LogRecord { key, value, .. } in fetched.records {
            let Some(key) = key else { continue };
            let beat = value.map(|value| serde_json::from_slice(&value));
            match beat {
                None => drop(nodes.remove(&key)),
                Some(Ok(beat)) => drop(nodes.insert(key, beat)),
                Some(Err(error)) => tracing::debug!(%error, "a record is no heartbeat"),
            }
        }
    }
    Ok(nodes
        .into_values()
        .filter(|beat| beat.at_ms >= since)
        .collect())
}

impl Heartbeat {
    /// Whether a node that said this last has not been heard for too long.
    #[must_use]
    pub fn is_stale(&self, now_ms: i64) -> bool {
        now_ms - self.at_ms > STALE_AFTER_MS
    }
}
