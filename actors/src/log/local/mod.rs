//! A log in this process: the engine of [`super::embedded`] and [`super::memory`], which differ only
//! in their [`Storage`].
//!
//! Records are encoded into [`chunk`]s by the producer, chunks are written first, and one atomic step
//! of the index makes a transaction visible ([`commit`]). The index is in memory as well ([`state`]),
//! so that only chunks older than the [`cache`] are read from storage. [`maintain`] gives space back.
//!
//! Locks, in this order: `maintenance`, `writing` (one writer at a time; held while bytes are
//! written), `state` (never held while bytes are read or written), `cache`.

mod varint;
mod chunk;
mod entry;
mod storage;
mod state;
mod cache;
mod open;
mod read;
mod commit;
mod producer;
mod consumer;
mod maintain;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::TopicName;
use parking_lot::{Condvar, Mutex};

pub use maintain::Maintained;
pub(super) use storage::{ChunkKey, IndexStep, Storage};

use self::cache::Cache;
use self::entry::Entry;
use self::maintain::Maintenance;
use self::state::{State, Topic};
use crate::clock::Clock;
use crate::log::{
    Committed, Consumer, ConsumerSettings, Fetched, Log, LogError, Producer, TopicInfo,
    TopicPartition, TopicSpec,
};

/// Steps of one call of [`Log::maintain`]: with one every three seconds, compaction keeps pace with
/// 10 MB/s, takes some percent of a core while there is more, and is soon done when nothing is written.
const MAINTAIN_STEPS_MAX: usize = 6;

/// A log in this process. Cheap to clone; all clones are one log.
pub struct LocalLog<S>(Arc<Shared<S>>);

/// What a local log may use.
#[derive(Clone)]
pub(super) struct LocalOptions {
    /// Tells how old records are.
    pub clock: Arc<dyn Clock>,
    /// Bytes of newest records kept in memory for readers.
    pub cache_bytes: usize,
    /// Most bytes of one transaction; they are in memory until the commit.
    pub transaction_bytes_max: usize,
}

/// The log, its readers' and writers' common ground.
struct Shared<S> {
    storage: S,
    options: LocalOptions,
    maintenance: Mutex<Maintenance>,
    writing: Mutex<()>,
    state: Mutex<State>,
    /// Told when a consumer may have something to do.
    changed: Condvar,
    cache: Mutex<Cache>,
}

impl<S: Storage> Log for LocalLog<S> {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        let state = self.0.state.lock();
        Ok(state.topics.values().map(info).collect())
    }

    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        Ok(self.0.state.lock().topics.get(name).map(info))
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        self.0.ensure_topic(spec)
    }

    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        self.0.read(at, from, max_records, max_bytes)
    }

    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.0.offset_at(at, timestamp)
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        let state = self.0.state.lock();
        let positions = partitions.iter().map(|at| state.committed(group, at));
        positions.collect()
    }

    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.0.delete_before(at, offset)
    }

    fn maintain(&self) -> Result<(), LogError> {
        for _ in 0..MAINTAIN_STEPS_MAX {
            if !self.0.maintain()?.more {
                break;
            }
        }
        Ok(())
    }

    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        Ok(Box::new(consumer::open(&self.0, settings)?))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError> {
        Ok(Box::new(producer::open(&self.0, transactional_id)?))
    }
}

impl<S: Storage> LocalLog<S> {
    /// Gives space back: drops what is past its topic's retention, keeps the last record of each key
    /// in compacted topics (a delete until it is a day old), joins small chunks. Bounded work; to be
    /// called every few seconds.
    ///
    /// # Errors
    /// If the storage fails or data are damaged.
    pub fn maintain(&self) -> Result<Maintained, LogError> {
        self.0.maintain()
    }
}

impl<S> Clone for LocalLog<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> std::fmt::Debug for LocalLog<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalLog")
    }
}

impl<S: Storage> Shared<S> {
    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        let _writing = self.writing.lock();
        let topic = {
            let state = self.state.lock();
            if let Some(topic) = state.topics.get(&spec.name) {
                let found = topic.spec.partitions;
                if found == spec.partitions {
                    return Ok(false);
                }
                return Err(LogError::PartitionCount {
                    topic: spec.name.to_string(),
                    found,
                    wanted: spec.partitions,
                });
            }
            state.check_writable()?;
            let last = state.topics.values().map(|topic| topic.number).max();
            Topic::new(last.map_or(0, |number| number + 1), spec.clone())
        };
        self.step(vec![put(&Entry::Topic(topic.number, spec.clone()))])?;
        self.state.lock().topics.insert(spec.name.clone(), topic);
        Ok(true)
    }

    /// Changes the index in the storage; after a failure nothing more is written.
    fn step(&self, step: IndexStep) -> Result<(), LogError> {
        self.written(self.storage.commit(step))
    }

    /// Changes the index in the storage without waiting, for what a crash may undo.
    fn note(&self, step: IndexStep) -> Result<(), LogError> {
        self.written(self.storage.note(step))
    }

    /// Remembers a failure of writing: what the storage holds now is not what the state says.
    fn written<T>(&self, result: Result<T, LogError>) -> Result<T, LogError> {
        if let Err(error) = &result {
            self.state.lock().broken = Some(error.to_string());
        }
        result
    }
}

/// The change that puts an entry.
fn put(entry: &Entry) -> (bytes::Bytes, Option<bytes::Bytes>) {
    let (key, value) = entry.encode();
    (key, Some(value))
}

/// The change that removes an entry.
fn remove(entry: &Entry) -> (bytes::Bytes, Option<bytes::Bytes>) {
    (entry.key(), None)
}

fn info(topic: &Topic) -> TopicInfo {
    TopicInfo {
        spec: topic.spec.clone(),
        ranges: topic.partitions.iter().map(|p| p.range).collect(),
    }
}
