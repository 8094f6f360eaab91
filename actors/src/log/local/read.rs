//! Reading: the index says which chunks, the cache or the storage has them.

use super::Shared;
use super::chunk::{Budget, Chunk};
use super::state::Indexed;
use super::storage::{ChunkKey, Storage};
use crate::log::{Fetched, LogError, TopicPartition};

/// A chunk may be rewritten or dropped between index and storage; then the index is asked again.
/// More often than this in a row cannot be.
const LOOKUPS_MAX: usize = 8;

/// What there is at or after an offset.
enum Found<C> {
    /// A chunk, to be read from this offset on.
    Chunk(C, i64),
    /// Nothing: the end is here.
    End(i64),
}

impl<S: Storage> Shared<S> {
    /// See [`crate::log::Log::read`].
    pub(super) fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        let mut fetched = Fetched {
            records: Vec::new(),
            next_offset: from,
        };
        let mut left = Some(Budget {
            records: max_records,
            bytes: max_bytes,
        });
        while let Some(budget) = left {
            match self.chunk_at(at, fetched.next_offset)? {
                Found::Chunk(chunk, from) => {
                    (fetched.next_offset, left) = chunk.read(from, budget, &mut fetched.records)?;
                }
                Found::End(end) => {
                    fetched.next_offset = fetched.next_offset.max(end);
                    left = None;
                }
            }
        }
        Ok(fetched)
    }

    /// See [`crate::log::Log::offset_at`]. Timestamps need not grow with offsets, so that every
    /// summary is looked at; the first chunk that has one late enough is read.
    pub(super) fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        let (mut from, end) = self.range(at)?;
        while from < end {
            let Some(offset) = self.first_late_chunk(at, from, timestamp)? else {
                break;
            };
            let Found::Chunk(chunk, start) = self.chunk_at(at, offset)? else {
                break;
            };
            let mut records = chunk.records();
            while let Some(record) = records.next()? {
                if record.offset >= start && record.timestamp >= timestamp {
                    return Ok(record.offset);
                }
            }
            from = chunk.summary().next;
        }
        Ok(end)
    }

    fn chunk_at(&self, at: &TopicPartition, offset: i64) -> Result<Found<Chunk>, LogError> {
        for _ in 0..LOOKUPS_MAX {
            match self.find(at, offset)? {
                Found::End(end) => return Ok(Found::End(end)),
                Found::Chunk((key, indexed), from) => {
                    if let Some(chunk) = self.load(key, indexed)? {
                        // Consumers read a chunk in parts.
                        self.cache.lock().put(key, chunk.clone());
                        return Ok(Found::Chunk(chunk, from));
                    }
                }
            }
        }
        Err(LogError::Damaged(format!(
            "a chunk of \"{at}\" at offset {offset} is missing"
        )))
    }

    /// A chunk from the cache or the storage; `None` if it is in neither.
    pub(super) fn load(&self, key: ChunkKey, indexed: Indexed) -> Result<Option<Chunk>, LogError> {
        if let Some(chunk) = self.cache.lock().get(key) {
            return Ok(Some(chunk));
        }
        let Some(bytes) = self.storage.chunk(key)? else {
            return Ok(None);
        };
        let chunk = Chunk::parse(bytes)?;
        if chunk.summary() != indexed.summary {
            return Err(LogError::Damaged(format!(
                "chunk {key:?} is not what the index says"
            )));
        }
        Ok(Some(chunk))
    }

    fn find(
        &self,
        at: &TopicPartition,
        offset: i64,
    ) -> Result<Found<(ChunkKey, Indexed)>, LogError> {
        let state = self.state.lock();
        let (topic, partition) = state.partition(at)?;
        let from = offset.max(partition.range.start);
        let Some(&indexed) = partition.chunks.get(partition.first_at(from)) else {
            return Ok(Found::End(partition.range.end));
        };
        let key = ChunkKey {
            topic,
            partition: at.partition,
            base: indexed.summary.base,
            generation: indexed.generation,
        };
        Ok(Found::Chunk((key, indexed), from))
    }

    fn first_late_chunk(
        &self,
        at: &TopicPartition,
        from: i64,
        timestamp: i64,
    ) -> Result<Option<i64>, LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        let mut chunks = partition.chunks.range(partition.first_at(from)..);
        let late = chunks.find(|chunk| chunk.summary.max_timestamp >= timestamp);
        Ok(late.map(|chunk| chunk.summary.base.max(from)))
    }

    fn range(&self, at: &TopicPartition) -> Result<(i64, i64), LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        Ok((partition.range.start, partition.range.end))
    }
}
