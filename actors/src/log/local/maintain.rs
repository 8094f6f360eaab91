//! Giving space back, a bounded step at a time: retention, compaction, joining of small chunks.
//!
//! Each change of a partition is one atomic step of the index: it lets chunks go, names their
//! replacement if there is one, and notes the old ones as doomed; then the chunks are removed, then
//! the notes. A crash anywhere costs no record and, once opened again, no space.

mod retention;
mod rewrite;
mod compaction;

use std::collections::HashMap;

use super::entry::Entry;
use super::state::Indexed;
use super::storage::{ChunkKey, Storage};
use super::{Shared, put, remove};
use crate::log::{LogError, TopicPartition, TopicSpec};
use compaction::Pass;

/// Most chunks dropped by one call: some 1 GB.
const DROPS_MAX: usize = 16_384;

/// Chunks let go in one step of the index: two keys each, so that sled's batches stay below 100.
const STEP_CHUNKS_MAX: usize = 48;

/// Most bytes read by one call to be written anew, so that it takes about 50 ms.
const READ_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reading a chunk costs at least as much as reading so many bytes.
const READ_BYTES_MIN: usize = 1024;

/// What one call of `maintain` did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintained {
    /// Chunks dropped by retention.
    pub dropped: usize,
    /// Chunks that were replaced by fewer or smaller ones.
    pub rewritten: usize,
    /// There is more to do: call again soon.
    pub more: bool,
}

/// How far maintenance is. Lost at closing: it starts over.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    /// Partition to begin with, so that none waits for ever behind busy ones.
    turn: usize,
    /// Before this small chunks are joined.
    joined: HashMap<TopicPartition, i64>,
    /// The compaction under way: one at a time, for it holds keys in memory.
    pass: Option<(TopicPartition, Pass)>,
}

/// What a call may still do, and what it did.
struct Work {
    /// Bytes of chunks; the chunk or run under way when it is spent is still done.
    read_bytes: usize,
    /// Chunks.
    drops: usize,
    done: Maintained,
}

/// A change of one partition.
#[derive(Debug)]
struct Change {
    /// Chunks that go.
    old: Vec<Indexed>,
    /// What stands for them from now on.
    new: Option<Indexed>,
    /// Where the partition begins from now on.
    start: Option<i64>,
}

impl Work {
    fn has_read(&mut self, chunk: Indexed) {
        let bytes = (chunk.summary.bytes as usize).max(READ_BYTES_MIN);
        self.read_bytes = self.read_bytes.saturating_sub(bytes);
    }
}

impl<S: Storage> Shared<S> {
    /// See [`super::LocalLog::maintain`].
    pub(super) fn maintain(&self) -> Result<Maintained, LogError> {
        let mut maintenance = self.maintenance.lock();
        let mut work = Work {
            read_bytes: READ_BYTES_MAX,
            drops: DROPS_MAX,
            done: Maintained::default(),
        };
        let mut partitions = self.all_partitions();
        maintenance.turn = (maintenance.turn + 1) % partitions.len().max(1);
        partitions.rotate_left(maintenance.turn);
        let mut failed = None;
        for (at, spec) in partitions {
            // Damage in one partition must not fill the disk with the others.
            let tended = self.tend(&at, &spec, &mut maintenance, &mut work);
            failed = failed.or(tended.err());
        }
        work.done.more = work.read_bytes == 0 || work.drops == 0;
        failed.map_or(Ok(work.done), Err)
    }

    fn tend(
        &self,
        at: &TopicPartition,
        spec: &TopicSpec,
        maintenance: &mut Maintenance,
        work: &mut Work,
    ) -> Result<(), LogError> {
        self.retain(at, spec, work)?;
        if spec.compacted {
            self.compact(at, maintenance, work)
        } else {
            let joined = maintenance.joined.entry(at.clone()).or_default();
            self.join(at, joined, work)
        }
    }

    fn all_partitions(&self) -> Vec<(TopicPartition, TopicSpec)> {
        let state = self.state.lock();
        let partitions = state.topics.values().flat_map(|topic| {
            let spec = &topic.spec;
            let at = |partition| TopicPartition::new(spec.name.clone(), partition);
            (0..spec.partitions).map(move |partition| (at(partition), spec.clone()))
        });
        partitions.collect()
    }

    /// Makes a change whose old chunks are there, and removes what it let go. Under `writing`.
    fn change(&self, at: &TopicPartition, change: &Change) -> Result<(), LogError> {
        let (topic, range) = {
            let state = self.state.lock();
            state.check_writable()?;
            let (topic, partition) = state.partition(at)?;
            let mut range = partition.range;
            range.start = range.start.max(change.start.unwrap_or(range.start));
            (topic, range)
        };
        let key = |chunk: &Indexed| ChunkKey {
            topic,
            partition: at.partition,
            base: chunk.summary.base,
            generation: chunk.generation,
        };
        let entry = |c: &Indexed| Entry::Chunk(topic, at.partition, c.summary, c.generation);
        let doomed: Vec<ChunkKey> = change.old.iter().map(key).collect();
        let mut step: Vec<_> = change
            .old
            .iter()
            .map(|chunk| remove(&entry(chunk)))
            .collect();
        // After the removals: the new chunk may have the base of an old one, thus its key.
        step.extend(change.new.iter().map(|chunk| put(&entry(chunk))));
        step.extend(
            change
                .new
                .iter()
                .map(|chunk| remove(&Entry::Doomed(key(chunk)))),
        );
        step.extend(doomed.iter().map(|key| put(&Entry::Doomed(*key))));
        step.push(put(&Entry::Range(topic, at.partition, range)));
        self.step(step)?;
        {
            let mut state = self.state.lock();
            let partition = state.partition_mut(at)?;
            partition.replace(&change.old, change.new);
            partition.range = range;
        }
        self.remove_doomed(&doomed)
    }

    fn remove_doomed(&self, doomed: &[ChunkKey]) -> Result<(), LogError> {
        if doomed.is_empty() {
            return Ok(());
        }
        {
            let mut cache = self.cache.lock();
            doomed.iter().for_each(|key| cache.forget(*key));
        }
        self.written(self.storage.remove_chunks(doomed))?;
        self.note(
            doomed
                .iter()
                .map(|key| remove(&Entry::Doomed(*key)))
                .collect(),
        )
    }
}
