//! The log as one process sees it: the cluster behind a network that fails.
//!
//! Every call is noted in the trace. The deliberate errors that are an order of calls are made here, on
//! the way between the process and the cluster.

mod consumer;
mod producer;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use actors::log::{
    Committed, Consumer, ConsumerSettings, Fetched, Log, LogError, LogRecord, OffsetRange,
    Producer, TopicInfo, TopicPartition, TopicSpec,
};
use config::TopicName;
use parking_lot::Mutex;

use super::cluster::Cluster;
use super::mutation::Mutation;
use super::process::Process;

/// Reads of one life before it counts as one that never ends.
const READS_MAX: usize = 1_000_000;

/// A process's way to the cluster.
pub(super) struct Connection {
    process: Arc<Process>,
    /// Ends of changelogs that were taken too early; for a deliberate error.
    early: Mutex<Vec<(TopicPartition, OffsetRange)>>,
    reads: Mutex<usize>,
}

impl Connection {
    pub(super) fn new(process: &Arc<Process>) -> Self {
        Self {
            process: Arc::clone(process),
            early: Mutex::default(),
            reads: Mutex::default(),
        }
    }

    /// A call that may not be answered.
    fn call<T>(
        &self,
        what: fmt::Arguments<'_>,
        call: impl FnOnce(&mut Cluster) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let Process { world, node, .. } = &*self.process;
        self.process.check()?;
        if world.strikes(world.chances.log_fails) {
            world.note(format_args!("{node} {what}: no answer"));
            return Err(LogError::Unavailable("an injected fault".to_owned()));
        }
        world.note(format_args!("{node} {what}"));
        let mut cluster = world.cluster.lock();
        cluster.expire(world.elapsed());
        call(&mut cluster)
    }

    /// Ends of all changelogs as they are before anything is decided.
    fn take_early(&self) {
        let cluster = self.process.world.cluster.lock();
        let mut early = self.early.lock();
        early.clear();
        for topic in self.process.changelogs.keys() {
            let info = cluster.topic(topic);
            let ranges = info.map(|info| info.ranges).unwrap_or_default();
            let at = |partition| TopicPartition::new(topic.clone(), partition);
            early.extend((0..).map(at).zip(ranges));
        }
    }
}

impl Log for Connection {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        self.call(format_args!("topics"), |cluster| Ok(cluster.topics()))
    }

    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        self.call(format_args!("topic {name}"), |cluster| {
            Ok(cluster.topic(name))
        })
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        self.call(format_args!("ensure {}", spec.name), |cluster| {
            cluster.ensure_topic(spec)
        })
    }

    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        _: usize,
    ) -> Result<Fetched, LogError> {
        {
            let mut reads = self.reads.lock();
            *reads += 1;
            assert!(*reads < READS_MAX, "a reader never comes to its end");
        }
        self.call(format_args!("read {at} from {from}"), |cluster| {
            let (records, next_offset) = cluster.read(at, from, max_records)?;
            Ok(Fetched {
                records,
                next_offset,
            })
        })
    }

    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.call(format_args!("offset at {at} {timestamp}"), |cluster| {
            cluster.offset_at(at, timestamp)
        })
    }

    fn settled(&self, at: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        let world = &self.process.world;
        self.call(format_args!("settled {at:?}"), |cluster| {
            let early = match world.is_mutated(Mutation::ChangelogEndFirst) {
                true => std::mem::take(&mut *self.early.lock()),
                false => Vec::new(),
            };
            cluster.decide_all();
            let range = |at: &TopicPartition| match early.iter().find(|(of, _)| of == at) {
                Some((_, range)) => Ok(*range),
                None => cluster.range(at),
            };
            at.iter().map(range).collect()
        })
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        if self.process.world.is_mutated(Mutation::ChangelogEndFirst) {
            self.take_early();
        }
        self.call(
            format_args!("committed {group} {partitions:?}"),
            |cluster| {
                // Positions are told only when nothing is open that might move them.
                cluster.decide_all();
                let committed = partitions.iter().map(|at| cluster.committed(group, at));
                Ok(committed.collect())
            },
        )
    }

    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.call(format_args!("delete {at} before {offset}"), |cluster| {
            cluster.delete_before(at, offset)
        })
    }

    fn offsets_of_commit(&self) -> i64 {
        1
    }

    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        consumer::open(self, settings)
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError> {
        producer::open(self, transactional_id)
    }
}

/// A word for records in the trace.
fn digest(records: &[LogRecord]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for record in records {
        (record.timestamp, &record.key, &record.value).hash(&mut hasher);
        record.headers.as_bytes().hash(&mut hasher);
    }
    hasher.finish()
}
