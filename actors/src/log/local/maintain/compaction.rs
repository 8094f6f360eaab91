//! Compaction: of each key the last record stays.
//!
//! As Kafka's log cleaner does it: a pass first learns the last offset of each key in the dirty part
//! (what came since the last pass), then writes all chunks up to there anew without the records that
//! have a later one. Both go on over several calls. The newest chunk is never part of a pass.
//! Source: Kafka, `LogCleaner`.

use std::collections::HashMap;

use super::rewrite::Run;
use super::{Maintenance, Work};
use crate::log::local::chunk::CHUNK_BYTES_TARGET;
use crate::log::local::entry::Entry;
use crate::log::local::state::Indexed;
use crate::log::local::storage::Storage;
use crate::log::local::{Shared, put};
use crate::log::{LogError, LogRecord, TopicPartition};

/// Deletes stay so long, in milliseconds, for readers that were away (Kafka: `delete.retention.ms`).
const DELETES_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// Most bytes of the keys that one pass learns; a pass over more keys ends early, the next goes on.
const KEYS_BYTES_MAX: usize = 24 * 1024 * 1024;

/// What an entry of the map costs beside its key: a slot of 25 bytes in a table that is between 7/16
/// and 7/8 full, and what an allocation rounds up by.
const KEY_OVERHEAD_BYTES: usize = 64;

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
            let pass = self.begin_pass(at)?;
            maintenance.pass = pass.map(|pass| (at.clone(), pass));
        }
        let Some((_, pass)) = maintenance.pass.as_mut().filter(|(of, _)| of == at) else {
            return Ok(());
        };
        if pass.written_to.is_none() {
            self.learn(at, pass, work)?;
        }
        if pass.written_to.is_some() && self.rewrite(at, pass, work)? {
            self.is_clean(at, pass.dirty_to)?;
            maintenance.pass = None;
        }
        Ok(())
    }

    /// Remembers how far a partition is clean, also for the next opening: nothing would be to do then,
    /// but all of it to be read.
    fn is_clean(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let _writing = self.writing.lock();
        let topic = {
            let state = self.state.lock();
            state.check_writable()?;
            state.partition(at)?.0
        };
        self.note(vec![put(&Entry::Clean(topic, at.partition, offset))])?;
        self.state.lock().partition_mut(at)?.clean_to = offset;
        Ok(())
    }

    fn begin_pass(&self, at: &TopicPartition) -> Result<Option<Pass>, LogError> {
        let state = self.state.lock();
        let (_, partition) = state.partition(at)?;
        let clean_to = partition.clean_to;
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use config::TopicName;

    use crate::log::embedded::{EmbeddedLog, EmbeddedOptions};
    use crate::log::{Log, LogRecord, TopicPartition, TopicSpec};

    #[test]
    fn what_is_clean_is_not_read_again_when_the_log_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let at = TopicPartition::new(TopicName::parse("t").unwrap(), 0);
        let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
        let spec = TopicSpec {
            name: at.topic.clone(),
            partitions: 1,
            compacted: true,
            retention_ms: None,
            retention_bytes: None,
        };
        log.ensure_topic(&spec).unwrap();
        let mut producer = log.producer("p").unwrap();
        for round in 0..5 {
            let record = |key: i64| {
                let value = Bytes::from(format!("{round} of {key}"));
                LogRecord::new(Some(Bytes::from(key.to_string())), Some(value), round)
            };
            producer.begin().unwrap();
            producer.send(&at, (0..100).map(record).collect()).unwrap();
            producer.commit().unwrap();
        }
        assert!(log.0.begin_pass(&at).unwrap().is_some(), "it is dirty");
        assert!(log.maintain().unwrap().rewritten > 0);
        drop((producer, log));

        let log = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
        assert!(log.0.begin_pass(&at).unwrap().is_none(), "it is clean");
    }
}
