//! Dropping the oldest records: too old, too many, or read by all who wanted them.

use super::{Change, STEP_CHUNKS_MAX, Work};
use crate::log::local::Shared;
use crate::log::local::state::{Indexed, Partition};
use crate::log::local::storage::Storage;
use crate::log::{LogError, TopicPartition, TopicSpec};

impl<S: Storage> Shared<S> {
    /// See [`crate::log::Log::delete_before`]. Whole chunks go; a chunk in part only from sight.
    pub(in crate::log::local) fn delete_before(
        &self,
        at: &TopicPartition,
        offset: i64,
    ) -> Result<(), LogError> {
        let _writing = self.writing.lock();
        let (old, start) = {
            let state = self.state.lock();
            let (_, partition) = state.partition(at)?;
            let start = offset.min(partition.range.end);
            if start <= partition.range.start {
                return Ok(());
            }
            let old = partition.chunks.range(..partition.first_at(start));
            (old.copied().collect::<Vec<_>>(), start)
        };
        self.drop_front(at, &old)?;
        let change = Change {
            old: Vec::new(),
            new: None,
            start: Some(start),
        };
        self.change(at, &change)
    }

    /// Drops what is past the topic's retention.
    pub(super) fn retain(
        &self,
        at: &TopicPartition,
        spec: &TopicSpec,
        work: &mut Work,
    ) -> Result<(), LogError> {
        let oldest = spec.retention_ms.map(|ms| self.options.clock.now_ms() - ms);
        let _writing = self.writing.lock();
        let old = {
            let state = self.state.lock();
            let (_, partition) = state.partition(at)?;
            expired(partition, oldest, spec.retention_bytes, work.drops)
        };
        work.drops -= old.len();
        work.done.dropped += old.len();
        self.drop_front(at, &old)
    }

    /// Drops chunks from the partition's front; it begins behind them. Under `writing`.
    fn drop_front(&self, at: &TopicPartition, chunks: &[Indexed]) -> Result<(), LogError> {
        for old in chunks.chunks(STEP_CHUNKS_MAX) {
            let change = Change {
                old: old.to_vec(),
                new: None,
                start: old.last().map(|chunk| chunk.summary.next),
            };
            self.change(at, &change)?;
        }
        Ok(())
    }
}

/// The chunks at the front that are too old or too many. By size the newest chunk stays, so that
/// "keep 1 MB" with records of 2 MB keeps one.
fn expired(
    partition: &Partition,
    oldest: Option<i64>,
    bytes_max: Option<u64>,
    count_max: usize,
) -> Vec<Indexed> {
    let mut bytes = partition.bytes;
    let mut left = partition.chunks.len();
    let mut chunks = Vec::new();
    for chunk in partition.chunks.iter().take(count_max) {
        let too_old = oldest.is_some_and(|oldest| chunk.summary.max_timestamp < oldest);
        let too_many = left > 1 && bytes_max.is_some_and(|max| bytes > max);
        if !too_old && !too_many {
            break;
        }
        bytes -= u64::from(chunk.summary.bytes);
        left -= 1;
        chunks.push(*chunk);
    }
    chunks
}
