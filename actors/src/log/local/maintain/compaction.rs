//! Compaction: of each key the last record stays.
//!
//! As Kafka's log cleaner does it: a pass first learns the last offset of each key in the dirty part
//! (what came since the last pass), then writes all chunks up to there anew without the records that
//! have a later one. Both go on over several calls. The newest chunk is never part of a pass.
//! Source: Kafka, `LogCleaner`.

use std::collections::HashMap;

use super::rewrite::Run;
use super::{Maintenance, Work};
use crate::log::local::Shared;
use crate::log::local::chunk::CHUNK_BYTES_TARGET;
use crate::log::local::state::Indexed;
use crate::log::local::storage::Storage;
use crate::log::{LogError, LogRecord, TopicPartition};

/// Deletes stay so long, in milliseconds, for readers that were away (Kafka: `delete.retention.ms`).
const DELETES_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Most bytes of the keys that one pass learns; a pass over more keys ends early, the next goes on.
const KEYS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What an entry of the map costs beside its key.
const KEY_OVERHEAD_BYTES: usize = 48;

/// A compaction under way.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Last offset of each key in the dirty part.
    last: HashMap<Box<[u8]>, i64>,
    keys_bytes: usize,
    /// Learned up to here.
    learned_to: i64,
    /// Learning ends here.
    dirty_to: i64,
    /// Written anew up to here; `None` while learning.
    written_to: Option<i64>,
}

impl<S: Storage> Shared<S> {
    /// Goes on with the partition's pass, or begins one if at least half of it is dirty and no other
    /// partition's is under way.
    pub(super) fn compact(
        &self,
        at: &TopicPartition,
        maintenance: &mut Maintenance,
        work: &mut Work,
    ) -> Result<(), LogError> {
        if maintenance.pass.is_none() {
            let clean_to = maintenance.clean.get(at).copied().unwrap_or(0);
            let pass = self.begin_pass(at, clean_to)?;
            maintenance.pass = pass.map(|pass| (at.clone(), pass));
        }
        let Some((_, pass)) = maintenance.pass.as_mut().filter(|(of, _)| of == at) else {
            return Ok(());
        };
        if pass.written_to.is_none() {
            self.learn(at, pass, work)?;
        }
        if pass.written_to.is_some() && self.rewrite(at, pass, work)? {
            maintenance.clean.insert(at.clone(), pass.dirty_to);
            maintenance.pass = None;
        }
        Ok(())
    }

    fn begin_pass(&self, at: &TopicPartition, clean_to: i64) -> Result<Option<Pass>, LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        let Some(newest) = partition.chunks.back() else {
            return Ok(None);
        };
        let bytes = |chunk: &Indexed| u64::from(chunk.summary.bytes);
        let dirty = partition.chunks.range(partition.first_at(clean_to)..);
        let dirty: u64 = dirty.map(bytes).sum::<u64>() - bytes(newest);
        let clean = partition.bytes - bytes(newest) - dirty;
        Ok((dirty > 0 && dirty >= clean).then(|| Pass {
            learned_to: clean_to,
            dirty_to: newest.summary.base,
            ..Pass::default()
        }))
    }

    /// Learns keys until all are known, the map is full, or this call has read enough.
    fn learn(&self, at: &TopicPartition, pass: &mut Pass, work: &mut Work) -> Result<(), LogError> {
        while pass.learned_to < pass.dirty_to && work.read_bytes > 0 {
            let Some(chunk) = self.chunk_from(at, pass.learned_to, pass.dirty_to)? else {
                break;
            };
            work.has_read(chunk);
            self.each_record(at, chunk, |record| pass.note(&record))?;
            pass.learned_to = chunk.summary.next;
            if pass.keys_bytes >= KEYS_BYTES_MAX {
                pass.dirty_to = pass.learned_to;
            }
        }
        if work.read_bytes > 0 {
            pass.written_to = Some(i64::MIN);
        }
        Ok(())
    }

    /// Writes chunks anew; true when the pass is through.
    fn rewrite(
        &self,
        at: &TopicPartition,
        pass: &mut Pass,
        work: &mut Work,
    ) -> Result<bool, LogError> {
        let deletes_from = self.options.clock.now_ms() - DELETES_KEPT_MS;
        let mut from = pass.written_to.unwrap_or(i64::MIN);
        let mut run = Run::new();
        let through = loop {
            if work.read_bytes == 0 {
                break false;
            }
            let Some(chunk) = self.chunk_from(at, from, pass.dirty_to)? else {
                break true;
            };
            // A chunk from before the clean part's end may be whole: it is still joined or skipped.
            if run.bytes() + chunk.summary.bytes as usize > CHUNK_BYTES_TARGET {
                self.write_run(at, std::mem::replace(&mut run, Run::new()), work)?;
            }
            work.has_read(chunk);
            run.add(chunk);
            self.each_record(at, chunk, |record| {
                if pass.stays(&record, deletes_from) {
                    run.keep(&record);
                }
            })?;
            from = chunk.summary.next;
        };
        self.write_run(at, run, work)?;
        pass.written_to = Some(from);
        Ok(through)
    }

    /// The first chunk at or after an offset that lies before another.
    fn chunk_from(
        &self,
        at: &TopicPartition,
        from: i64,
        before: i64,
    ) -> Result<Option<Indexed>, LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        let chunk = partition.chunks.get(partition.first_at(from)).copied();
        Ok(chunk.filter(|chunk| chunk.summary.base < before))
    }
}

impl Pass {
    fn note(&mut self, record: &LogRecord) {
        let Some(key) = record.key.as_deref() else {
            return;
        };
        if let Some(last) = self.last.get_mut(key) {
            *last = record.offset;
        } else {
            self.keys_bytes += key.len() + KEY_OVERHEAD_BYTES;
            self.last.insert(key.into(), record.offset);
        }
    }

    /// Whether no later record has its key, and it is no old delete. A record without a key stays.
    fn stays(&self, record: &LogRecord, deletes_from: i64) -> bool {
        let Some(key) = record.key.as_deref() else {
            return true;
        };
        let is_last = self.last.get(key).is_none_or(|last| record.offset >= *last);
        is_last && (record.value.is_some() || record.timestamp >= deletes_from)
    }
}
