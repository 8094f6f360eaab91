//! One transaction becomes visible: chunks first, then one step of the index.
//!
//! A crash before the step leaves chunks behind the end, which opening removes; after it, all is there.

use std::collections::BTreeMap;

use super::chunk::{Chunk, ChunkBuilder};
use super::entry::Entry;
use super::state::Indexed;
use super::storage::{ChunkKey, Storage};
use super::{Shared, put};
use crate::log::{Committed, LogError, OffsetCommit, OffsetRange, TopicPartition};

/// What a producer gathered.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Records, encoded.
    pub(super) records: BTreeMap<TopicPartition, Vec<ChunkBuilder>>,
    /// Positions by group.
    pub(super) offsets: Vec<(String, OffsetCommit)>,
    /// Groups and the generations that must still be theirs.
    pub(super) members: Vec<(String, u64)>,
    /// Of all records.
    pub(super) bytes: usize,
}

/// Chunks of one partition in their places.
struct Placed {
    at: TopicPartition,
    topic: u32,
    range: OffsetRange,
    chunks: Vec<Chunk>,
}

impl<S: Storage> Shared<S> {
    /// Commits a transaction of a producer.
    ///
    /// # Errors
    /// [`LogError::Fenced`] if producer or membership are over; then nothing is visible.
    /// [`LogError::Storage`] if the storage failed: the outcome shows when the log is opened again.
    pub(super) fn commit(
        &self,
        id: &str,
        epoch: u64,
        transaction: Transaction,
    ) -> Result<(), LogError> {
        let _writing = self.writing.lock();
        let (placed, positions) = self.place(id, epoch, transaction)?;
        if placed.is_empty() && positions.is_empty() {
            return Ok(());
        }
        let mut step = Vec::new();
        let mut blocks = Vec::new();
        for part in &placed {
            step.push(put(&Entry::Range(
                part.topic,
                part.at.partition,
                part.range,
            )));
            for chunk in &part.chunks {
                let summary = chunk.summary();
                step.push(put(&Entry::Chunk(
                    part.topic,
                    part.at.partition,
                    summary,
                    0,
                )));
                blocks.push((part.key(chunk), chunk.bytes().clone()));
            }
        }
        for (group, topic, partition, committed) in &positions {
            let entry = Entry::Position(group.clone(), *topic, *partition, committed.clone());
            step.push(put(&entry));
        }
        if !blocks.is_empty() {
            self.written(self.storage.put_chunks(&blocks))?;
        }
        self.step(step)?;
        self.publish(placed, positions)
    }

    /// Checks that the transaction may commit, and gives its records their offsets.
    fn place(
        &self,
        id: &str,
        epoch: u64,
        transaction: Transaction,
    ) -> Result<(Vec<Placed>, Positions), LogError> {
        let state = self.state.lock();
        state.check_writable()?;
        state.check_producer(id, epoch)?;
        for (group, generation) in &transaction.members {
            state.check_member(group, *generation)?;
        }
        let mut placed = Vec::new();
        for (at, builders) in transaction.records {
            let (topic, partition) = state.partition(&at)?;
            let range = partition.range;
            placed.push((at, topic, range, builders));
        }
        let mut positions = Vec::new();
        for (
            group,
            OffsetCommit {
                at,
                offset,
                metadata,
            },
        ) in transaction.offsets
        {
            let (topic, _) = state.partition(&at)?;
            positions.push((group, topic, at.partition, Committed { offset, metadata }));
        }
        // Ends move only under `writing`: the rest needs no lock.
        drop(state);
        let placed = placed.into_iter();
        let placed = placed.map(|(at, topic, mut range, builders)| {
            let chunks = builders.into_iter().map(|builder| {
                let base = range.end;
                range.end += builder.span();
                builder.seal(base, range.end)
            });
            let chunks = chunks.collect();
            Placed {
                at,
                topic,
                range,
                chunks,
            }
        });
        Ok((placed.collect(), positions))
    }

    fn publish(&self, placed: Vec<Placed>, positions: Positions) -> Result<(), LogError> {
        let mut state = self.state.lock();
        let mut cache = self.cache.lock();
        for part in placed {
            let partition = state.partition_mut(&part.at)?;
            partition.range.end = part.range.end;
            for chunk in &part.chunks {
                let summary = chunk.summary();
                partition.push(Indexed {
                    summary,
                    generation: 0,
                });
                cache.put(part.key(chunk), chunk.clone());
            }
        }
        for (group, topic, partition, committed) in positions {
            let group = state.groups.entry(group).or_default();
            group.positions.insert((topic, partition), committed);
        }
        drop((cache, state));
        self.changed.notify_all();
        Ok(())
    }
}

/// Group, topic, partition, position.
type Positions = Vec<(String, u32, u32, Committed)>;

impl Placed {
    fn key(&self, chunk: &Chunk) -> ChunkKey {
        ChunkKey {
            topic: self.topic,
            partition: self.at.partition,
            base: chunk.summary().base,
            generation: 0,
        }
    }
}
