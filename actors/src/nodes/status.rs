//! What the outside may see of a running shard: the live line, the API and the metrics read it.
//! Written by the actors at barriers and commits; never on the way of a record.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use config::{Node, NodeId, Topology};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use supervisors::TaskId;

use super::metrics;
use super::partition::TaskEpoch;
use super::program::Program;
use super::quarantine::Quarantined;
use super::restoring::Restoring;
use crate::log::TopicPartition;

/// Latencies above this are counted as this: an hour.
const LATENCY_MS_MAX: u64 = 3_600_000;

/// The status of a shard.
pub struct Status {
    /// Records taken from sources.
    pub records: AtomicU64,
    /// Rows given to sinks (committed or not).
    pub outputs: AtomicU64,
    /// Rows whose decision is committed.
    pub decisions: AtomicU64,
    /// Records in the dead letters.
    pub dead_letters: AtomicU64,
    /// Epochs committed.
    pub epochs: AtomicU64,
    latency: Mutex<Histogram<u64>>,
    tasks: Mutex<BTreeMap<TaskId, TaskStatus>>,
    keys: Mutex<BTreeMap<TaskId, Vec<KeyStatus>>>,
    sources: HashMap<NodeId, SourceStatus>,
    rows: HashMap<NodeId, AtomicU64>,
    names: HashMap<TaskId, String>,
    until_caught_up: std::sync::atomic::AtomicBool,
}

/// What a task last reported.
#[derive(Debug, Clone, Serialize)]
pub struct TaskStatus {
    /// `<sub-topology>-<partition>`.
    pub name: String,
    /// Where its inputs have been read to.
    pub positions: Vec<PositionStatus>,
    /// Milliseconds since 1970-01-01 UTC; `None` before the first record.
    pub watermark: Option<i64>,
    /// Rows that wait for the watermark.
    pub held: usize,
    /// Sessions in memory.
    pub sessions: usize,
    /// Their bytes, about.
    pub state_bytes: usize,
    /// A restore on its way.
    #[serde(skip)]
    pub restoring: Option<Restoring>,
}

/// An input position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionStatus {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Next offset to read.
    pub position: i64,
}

/// A key that fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyStatus {
    /// The keyed operator.
    pub operator: String,
    /// The key as text.
    pub key: String,
    /// The task that owns it.
    pub task: String,
    /// How it is.
    #[serde(flatten)]
    pub state: KeyState,
}

/// How a key that fails is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum KeyState {
    /// It has failed lately, and goes on.
    Failing {
        /// How often within a minute.
        failures: usize,
    },
    /// Its records are held.
    Quarantined(QuarantineStatus),
}

/// A quarantine as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuarantineStatus {
    /// Since when: milliseconds since 1970-01-01 UTC.
    pub since_ms: i64,
    /// Rows held.
    pub held: u64,
    /// Failures that led to it.
    pub failures: u32,
    /// The last of them.
    pub reason: String,
}

impl From<Quarantined> for QuarantineStatus {
    fn from(quarantined: Quarantined) -> Self {
        let Quarantined {
            since_ms,
            held,
            failures,
            reason,
        } = quarantined;
        Self {
            since_ms,
            held,
            failures,
            reason,
        }
    }
}

#[derive(Default)]
struct SourceStatus {
    fed: AtomicU64,
    read: AtomicU64,
    ended: std::sync::atomic::AtomicBool,
    unfed: bool,
}

/// Percentiles of the latency from record to decision, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Median.
    pub p50_ms: u64,
    /// 99th percentile.
    pub p99_ms: u64,
    /// Rows measured.
    pub rows: u64,
}

impl Status {
    /// Of a shard that has not begun.
    #[must_use]
    pub fn new(topology: &Topology, programs: &[Arc<Program>], tasks: &[TaskId]) -> Self {
        let sources = topology.nodes.iter().filter_map(|node| match node {
            Node::Source(source) => {
                let unfed = matches!(source.feed, None | Some(config::Feed::Http));
                Some((
                    source.id.clone(),
                    SourceStatus {
                        unfed,
                        ..SourceStatus::default()
                    },
                ))
            }
            Node::Operator(_) | Node::Sink(_) => None,
        });
        let name =
            |task: &TaskId| format!("{}-{}", programs[task.sub_topology].name, task.partition);
        Self {
            records: AtomicU64::new(0),
            outputs: AtomicU64::new(0),
            decisions: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            epochs: AtomicU64::new(0),
            latency: Mutex::new(empty_histogram()),
            tasks: Mutex::default(),
            keys: Mutex::default(),
            sources: sources.collect(),
            rows: (topology.nodes.iter())
                .map(|node| (node.id().clone(), AtomicU64::new(0)))
                .collect(),
            names: tasks.iter().map(|task| (*task, name(task))).collect(),
            until_caught_up: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// A task's share of an epoch.
    pub fn task(&self, epoch: &TaskEpoch) {
        self.records.fetch_add(epoch.records, Ordering::Relaxed);
        let positions = epoch.positions.iter().map(position).collect();
        self.update(epoch.task, |task| {
            task.positions = positions;
            task.watermark = (epoch.watermark != i64::MIN).then_some(epoch.watermark);
            task.held = epoch.held;
            task.sessions = epoch.sessions;
            task.state_bytes = epoch.state_bytes;
            task.restoring = None;
        });
        for (source, count) in &epoch.by_source {
            if let Some(status) = self.sources.get(source) {
                status.read.fetch_add(*count, Ordering::Relaxed);
            }
        }
        for (node, count) in epoch.by_source.iter().chain(&epoch.by_node) {
            if let Some(rows) = self.rows.get(node) {
                rows.fetch_add(*count, Ordering::Relaxed);
            }
        }
    }

    /// A task begins at these positions.
    pub fn started(&self, task: TaskId, positions: &[(TopicPartition, i64)]) {
        let positions = positions.iter().map(position).collect();
        self.update(task, |status| status.positions = positions);
    }

    /// How far a task's event time had come when it was last heard of.
    #[must_use]
    pub fn watermark(&self, task: TaskId) -> Option<i64> {
        self.tasks.lock().get(&task)?.watermark
    }

    /// A task is parked: it is shown, even if it never got anywhere.
    pub fn parked(&self, task: TaskId) {
        self.update(task, |status| status.restoring = None);
    }

    /// A task is being restored.
    pub fn restoring(&self, task: TaskId, restoring: Restoring) {
        self.update(task, |status| {
            status.restoring = (restoring.left() > 0).then_some(restoring);
        });
    }

    /// Forgets tasks that are another node's now.
    pub fn retain(&self, tasks: &[TaskId]) {
        self.tasks.lock().retain(|task, _| tasks.contains(task));
    }

    fn update(&self, task: TaskId, change: impl FnOnce(&mut TaskStatus)) {
        let mut tasks = self.tasks.lock();
        let status = tasks.entry(task).or_insert_with(|| TaskStatus {
            name: self.names.get(&task).cloned().unwrap_or_default(),
            positions: Vec::new(),
            watermark: None,
            held: 0,
            sessions: 0,
            state_bytes: 0,
            restoring: None,
        });
        change(status);
    }

    /// An epoch is committed whose outputs' inputs were appended at these times.
    pub fn committed(&self, appended: &[i64], now_ms: i64) {
        self.epochs.fetch_add(1, Ordering::Relaxed);
        self.decisions
            .fetch_add(appended.len() as u64, Ordering::Relaxed);
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for at in appended {
            let ms = u64::try_from(now_ms - at)
                .unwrap_or(0)
                .clamp(1, LATENCY_MS_MAX);
            *counts.entry(ms).or_default() += 1;
        }
        let mut latency = self.latency.lock();
        for (ms, rows) in counts {
            latency.saturating_record_n(ms, rows);
            #[expect(
                clippy::cast_precision_loss,
                reason = "at most an hour in milliseconds"
            )]
            metrics::latency(ms as f64 / 1e3, rows);
        }
    }

    /// Latency since the last call of this.
    pub fn take_latency(&self) -> Latency {
        let mut latency = self.latency.lock();
        let taken = Latency {
            p50_ms: latency.value_at_quantile(0.5),
            p99_ms: latency.value_at_quantile(0.99),
            rows: latency.len(),
        };
        latency.reset();
        taken
    }

    /// All tasks, upstream first.
    pub fn tasks(&self) -> Vec<TaskStatus> {
        self.tasks.lock().values().cloned().collect()
    }

    /// The keys of a task that fail.
    pub fn set_keys(&self, task: TaskId, keys: Vec<KeyStatus>) {
        let mut all = self.keys.lock();
        if keys.is_empty() {
            all.remove(&task);
        } else {
            all.insert(task, keys);
        }
    }

    /// All keys that fail: those in quarantine first, by operator and key.
    pub fn keys(&self) -> Vec<KeyStatus> {
        let mut all: Vec<KeyStatus> = self.keys.lock().values().flatten().cloned().collect();
        let held = |key: &KeyStatus| matches!(key.state, KeyState::Quarantined(_));
        let place = |key: &KeyStatus| (!held(key), key.operator.clone(), key.key.clone());
        all.sort_by_cached_key(place);
        all
    }

    /// Records that a source's feed has written in this life of the process.
    pub fn fed(&self, source: &NodeId) -> u64 {
        self.sources
            .get(source)
            .map_or(0, |status| status.fed.load(Ordering::Relaxed))
    }

    /// Records of a source that were read in this life of the process.
    pub fn read(&self, source: &NodeId) -> u64 {
        self.sources
            .get(source)
            .map_or(0, |status| status.read.load(Ordering::Relaxed))
    }

    /// Rows that came to each node in this life of the process; a source's are the records read.
    pub fn rows(&self) -> BTreeMap<NodeId, u64> {
        let rows = self.rows.iter();
        rows.map(|(node, rows)| (node.clone(), rows.load(Ordering::Relaxed)))
            .collect()
    }

    /// A feed has written records.
    pub fn add_fed(&self, source: &NodeId, records: u64) {
        if let Some(status) = self.sources.get(source) {
            status.fed.fetch_add(records, Ordering::Relaxed);
        }
    }

    /// A feed has ended: its source gets no more records.
    pub fn set_source_ended(&self, source: &NodeId) {
        if let Some(status) = self.sources.get(source) {
            status.ended.store(true, Ordering::Release);
        }
    }

    /// From now on, sources that nothing feeds count as ended where they are read to their end.
    pub fn set_until_caught_up(&self) {
        self.until_caught_up.store(true, Ordering::Release);
    }

    /// Whether a source gets no more records.
    pub fn source_ended(&self, source: &NodeId) -> bool {
        self.sources.get(source).is_some_and(|status| {
            status.ended.load(Ordering::Acquire)
                || (status.unfed && self.until_caught_up.load(Ordering::Acquire))
        })
    }

    /// Whether no source gets more records.
    pub fn feeds_ended(&self) -> bool {
        self.sources.keys().all(|source| self.source_ended(source))
    }
}

fn position((at, position): &(TopicPartition, i64)) -> PositionStatus {
    PositionStatus {
        topic: at.topic.to_string(),
        partition: at.partition,
        position: *position,
    }
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MS_MAX, 2)
        .unwrap_or_else(|_| unreachable!("1 to an hour with two digits are valid bounds"))
}
