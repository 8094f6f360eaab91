//! Writing neighbouring chunks anew as one: without records that need not stay, or just joined.
//!
//! Small epochs make small chunks, ten a second and partition; joined they cost the index nothing.

use super::{Change, Work};
use crate::log::local::chunk::{CHUNK_BYTES_TARGET, ChunkBuilder};
use crate::log::local::entry::Entry;
use crate::log::local::state::Indexed;
use crate::log::local::storage::{ChunkKey, Storage};
use crate::log::local::{Shared, put};
use crate::log::{LogError, LogRecord, TopicPartition};

/// Fewer neighbours are not joined: the bytes written would not pay for the entries saved.
const JOIN_CHUNKS_MIN: usize = 4;

/// Neighbours that become one chunk.
pub(super) struct Run {
    pub(super) old: Vec<Indexed>,
    builder: ChunkBuilder,
    records: u32,
}

impl Run {
    pub(super) fn new() -> Self {
        Self {
            old: Vec::new(),
            builder: ChunkBuilder::with_capacity(CHUNK_BYTES_TARGET),
            records: 0,
        }
    }

    /// Bytes it would be written as.
    pub(super) fn bytes(&self) -> usize {
        self.builder.bytes()
    }

    /// Adds the next chunk.
    pub(super) fn add(&mut self, chunk: Indexed) {
        self.records += chunk.summary.count;
        self.old.push(chunk);
    }

    /// Keeps a record of the chunks added.
    pub(super) fn keep(&mut self, record: &LogRecord) {
        let base = self
            .old
            .first()
            .map_or(record.offset, |chunk| chunk.summary.base);
        let gap = record.offset - base - self.builder.span();
        self.builder.push(record, gap);
    }

    /// Whether writing it anew saves anything.
    fn saves(&self) -> bool {
        self.builder.count() < self.records || self.old.len() > 1
    }
}

impl<S: Storage> Shared<S> {
    /// Joins small chunks of a partition that are not at its end.
    pub(super) fn join(
        &self,
        at: &TopicPartition,
        joined: &mut i64,
        work: &mut Work,
    ) -> Result<(), LogError> {
        while work.read_bytes > 0
            && let Some(chunks) = self.small_neighbours(at, joined)?
        {
            let mut run = Run::new();
            for chunk in chunks {
                work.has_read(chunk);
                run.add(chunk);
                self.each_record(at, chunk, |record| run.keep(&record))?;
            }
            self.write_run(at, run, work)?;
        }
        Ok(())
    }

    /// Replaces a run's chunks, unless that saves nothing.
    pub(super) fn write_run(
        &self,
        at: &TopicPartition,
        run: Run,
        work: &mut Work,
    ) -> Result<(), LogError> {
        let (Some(first), Some(last)) = (run.old.first(), run.old.last()) else {
            return Ok(());
        };
        if !run.saves() {
            return Ok(());
        }
        let (base, next) = (first.summary.base, last.summary.next);
        let generation = first.generation.wrapping_add(1);
        let rewritten = run.old.len();
        let _writing = self.writing.lock();
        let topic = {
            let state = self.state.lock();
            state.check_writable()?;
            let (topic, partition) = state.partition(at)?;
            if partition.position_of(&run.old).is_none() {
                // Retention was here since the run was read.
                return Ok(());
            }
            topic
        };
        let new = if run.builder.count() == 0 {
            None
        } else {
            let chunk = run.builder.seal(base, next);
            let key = ChunkKey {
                topic,
                partition: at.partition,
                base,
                generation,
            };
            // Doomed until the index names it, should the process end in between.
            self.note(vec![put(&Entry::Doomed(key))])?;
            self.written(self.storage.put_chunks(&[(key, chunk.bytes().clone())]))?;
            let summary = chunk.summary();
            Some(Indexed {
                summary,
                generation,
            })
        };
        let change = Change {
            old: run.old,
            new,
            start: None,
        };
        self.change(at, &change)?;
        work.done.rewritten += rewritten;
        Ok(())
    }

    /// Calls for each record of a chunk that can still be read; not at all if the chunk is gone.
    pub(super) fn each_record(
        &self,
        at: &TopicPartition,
        chunk: Indexed,
        mut each: impl FnMut(LogRecord),
    ) -> Result<(), LogError> {
        let (topic, start) = self.topic_number(at)?;
        let key = ChunkKey {
            topic,
            partition: at.partition,
            base: chunk.summary.base,
            generation: chunk.generation,
        };
        let Some(loaded) = self.load(key, chunk)? else {
            return Ok(());
        };
        let mut records = loaded.records();
        while let Some(record) = records.next()? {
            if record.offset >= start {
                each(record);
            }
        }
        Ok(())
    }

    fn topic_number(&self, at: &TopicPartition) -> Result<(u32, i64), LogError> {
        let state = self.state.lock();
        let (topic, partition) = state.partition(at)?;
        Ok((topic, partition.range.start))
    }

    /// The next chunks to be joined, behind `joined`, which moves past what need not be. `None`: there
    /// are none, or their last one is near the end and more will come.
    fn small_neighbours(
        &self,
        at: &TopicPartition,
        joined: &mut i64,
    ) -> Result<Option<Vec<Indexed>>, LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        let newest = partition.chunks.len().saturating_sub(1);
        let first = partition.first_at(*joined).min(newest);
        let (mut run, mut bytes) = (Vec::new(), 0);
        for chunk in partition.chunks.range(first..newest) {
            let size = chunk.summary.bytes as usize;
            if bytes + size > CHUNK_BYTES_TARGET {
                if run.len() >= JOIN_CHUNKS_MIN {
                    *joined = chunk.summary.base;
                    return Ok(Some(run));
                }
                run.clear();
                bytes = 0;
            }
            if run.is_empty() {
                *joined = chunk.summary.base;
            }
            run.push(*chunk);
            bytes += size;
        }
        Ok(None)
    }
}
