//! The log in memory: for tests and simulation, with injected faults. Nothing survives the last clone.

mod faults;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use config::TopicName;
use parking_lot::Mutex;

use super::local::{ChunkKey, IndexStep, LocalLog, LocalOptions, Storage};
use super::{
    Committed, Consumer, ConsumerSettings, Fetched, Log, LogError, Maintained, Producer, TopicInfo,
    TopicPartition, TopicSpec,
};
use crate::clock::{Clock, SystemClock};

pub use faults::Faults;

/// Chunks and index as two sorted maps. Cheap to clone; all clones are one place.
#[derive(Debug, Clone, Default)]
pub(super) struct MemoryStorage(Arc<Mutex<Maps>>);

#[derive(Debug, Default)]
struct Maps {
    chunks: BTreeMap<ChunkKey, Bytes>,
    index: BTreeMap<Bytes, Bytes>,
}

/// A log in memory. Cheap to clone; all clones are one log.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    log: LocalLog<MemoryStorage>,
    faults: Arc<faults::Dice>,
}

/// Chunks are in memory anyway; the cache saves checking them again at each read.
const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// As much as a test may want.
const TRANSACTION_BYTES_MAX: usize = 256 * 1024 * 1024;

impl MemoryLog {
    /// An empty log without faults, by the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Faults::none(), Arc::new(SystemClock))
    }

    /// An empty log with these faults, by this clock (for retention).
    #[must_use]
    pub fn with(faults: Faults, clock: Arc<dyn Clock>) -> Self {
        let options = LocalOptions {
            clock,
            cache_bytes: CACHE_BYTES,
            transaction_bytes_max: TRANSACTION_BYTES_MAX,
        };
        Self {
            log: LocalLog::empty_on(MemoryStorage::default(), options),
            faults: Arc::new(faults::Dice::new(faults)),
        }
    }

    /// The same log without faults: for looking at what a test left in it.
    #[must_use]
    pub fn without_faults(&self) -> Self {
        Self {
            log: self.log.clone(),
            faults: Arc::new(faults::Dice::new(Faults::none())),
        }
    }

    /// Gives space back: see [`super::embedded::EmbeddedLog`].
    ///
    /// # Errors
    /// None but of damaged data, which cannot be here.
    pub fn maintain(&self) -> Result<Maintained, LogError> {
        self.log.maintain()
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Log for MemoryLog {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        self.log.topics()
    }

    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        self.log.topic(name)
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        self.log.ensure_topic(spec)
    }

    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        self.log.read(at, from, max_records, max_bytes)
    }

    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.log.offset_at(at, timestamp)
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        self.log.committed(group, partitions)
    }

    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.log.delete_before(at, offset)
    }

    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        faults::consumer(&self.log, settings, &self.faults)
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError> {
        faults::producer(&self.log, transactional_id, &self.faults)
    }
}

impl Storage for MemoryStorage {
    fn index(&self) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let maps = self.0.lock();
        let entries = maps.index.iter();
        Ok(entries
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn put_chunks(&self, chunks: &[(ChunkKey, Bytes)]) -> Result<(), LogError> {
        self.0.lock().chunks.extend(chunks.iter().cloned());
        Ok(())
    }

    fn chunk(&self, key: ChunkKey) -> Result<Option<Bytes>, LogError> {
        Ok(self.0.lock().chunks.get(&key).cloned())
    }

    fn chunks_from(&self, first: ChunkKey) -> Result<Vec<ChunkKey>, LogError> {
        let maps = self.0.lock();
        let keys = maps.chunks.range(first..).map(|(key, _)| *key);
        Ok(keys.take_while(|key| key.is_of(first)).collect())
    }

    fn remove_chunks(&self, keys: &[ChunkKey]) -> Result<(), LogError> {
        let mut maps = self.0.lock();
        for key in keys {
            maps.chunks.remove(key);
        }
        Ok(())
    }

    fn commit(&self, step: IndexStep) -> Result<(), LogError> {
        let mut maps = self.0.lock();
        for (key, value) in step {
            match value {
                Some(value) => maps.index.insert(key, value),
                None => maps.index.remove(&key),
            };
        }
        Ok(())
    }
}
