//! Brings a task's store up to the end of its changelog.
//!
//! The changelog is the truth, the store a cache of it. If the store's marker belongs to this
//! topology and lies within the log, only what follows it is replayed; else the store is wiped and
//! the whole changelog replayed. Snapshots are whole values, so replaying one twice is harmless:
//! this is why the store may hold more than its marker says.
//!
//! Called when a partition is assigned, after its committed offsets are read and before its actors
//! start. The order matters: the changelog's end is read here, *after* the committed offsets, so
//! the state that results is never behind the inputs' positions.

use std::collections::HashMap;

use bytes::Bytes;

use super::store::{Entry, Marker, Space, StateStore, StoreError};
use crate::log::{Log, LogError, OffsetRange, TopicPartition};

#[cfg(test)]
mod tests;

/// Most records of one read and so of one write.
const READ_RECORDS: usize = 10_000;
/// About the most bytes of one read: bounds a restore's memory to a few times this.
const READ_BYTES: usize = 8 << 20;

/// What the store's marker must say for its content to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectation {
    /// Hash of the topology (application and keyed operators).
    pub topology_hash: u64,
    /// Version of the payloads' encoding.
    pub codec: u16,
    /// Wall-clock time in milliseconds.
    pub now_ms: i64,
    /// A marker older than this is not used: the log may have dropped deletes that follow it
    /// (Kafka's `delete.retention.ms`), and keys would come back to life.
    pub marker_age_ms_max: i64,
}

/// How far a restore is, in offsets of all changelogs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Offsets passed.
    pub done: u64,
    /// Offsets to pass.
    pub total: u64,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Records replayed.
    pub replayed: u64,
    /// Why the store's content was not used, if it was not.
    pub wiped: Option<String>,
    /// The next changelog offset per space.
    pub changelog: Vec<i64>,
    /// The last epoch known to the store; 0 if there is none.
    pub epoch: u64,
}

impl Restored {
    /// Nothing was to be done: the state ends where the changelogs do.
    #[must_use]
    pub fn nothing(changelog: Vec<i64>) -> Self {
        Self {
            replayed: 0,
            wiped: None,
            changelog,
            epoch: 0,
        }
    }
}

/// A store cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The changelog cannot be read.
    #[error("changelog cannot be read")]
    Log(#[from] LogError),
    /// There is no room for the store. What it holds is sound, and the next restore goes on from there.
    #[error("no room for a state store; free space on the disk of the data directory")]
    Full(#[source] StoreError),
    /// The store failed, was wiped, and failed again.
    #[error("state store failed again after it was wiped")]
    Store(#[source] StoreError),
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        match error.is_full() {
            true => Self::Full(error),
            false => Self::Store(error),
        }
    }
}

/// Brings a store up to the end that the changelogs have now. `changelogs[i]` is of space `i`.
///
/// Interrupted, it goes on where it stopped: each write carries a marker.
///
/// # Errors
/// If the log cannot be read, or the store fails twice.
pub fn restore(
    log: &dyn Log,
    store: &dyn StateStore,
    changelogs: &[TopicPartition],
    expected: Expectation,
    progress: &mut dyn FnMut(Progress),
) -> Result<Restored, RestoreError> {
    // Settled: nothing committed may hide behind a dead member's open transaction.
    let ranges = log.settled(changelogs)?;
    restore_to(log, store, (changelogs, &ranges), expected, progress)
}

/// As [`restore`], but up to ends that the caller knows: a copy of what another node writes need not
/// wait for its open transactions.
///
/// # Errors
/// As [`restore`].
pub fn restore_to(
    log: &dyn Log,
    store: &dyn StateStore,
    (changelogs, ranges): (&[TopicPartition], &[OffsetRange]),
    expected: Expectation,
    progress: &mut dyn FnMut(Progress),
) -> Result<Restored, RestoreError> {
    let mut replay = Replay {
        log,
        store,
        changelogs,
        expected,
        progress,
    };
    let cause = match usable_marker(store, ranges, expected) {
        Ok(marker) => match replay.run(marker.as_ref(), ranges) {
            Err(RestoreError::Store(error)) => error.to_string(),
            done => return done,
        },
        Err(cause) => cause,
    };
    store.wipe()?;
    let restored = replay.run(None, ranges)?;
    Ok(Restored {
        wiped: Some(cause),
        ..restored
    })
}

/// The store's marker, if its content can be used; `None` for a new store.
///
/// # Errors
/// Why the store must be wiped.
fn usable_marker(
    store: &dyn StateStore,
    ranges: &[OffsetRange],
    expected: Expectation,
) -> Result<Option<Marker>, String> {
    let marker = match store.marker() {
        Ok(Some(marker)) => marker,
        Ok(None) => return fresh(store),
        Err(error) => return Err(error.to_string()),
    };
    if marker.topology_hash != expected.topology_hash {
        return Err("it was written by another topology".into());
    }
    if marker.codec != expected.codec {
        return Err(format!(
            "it was written with encoding {}, not {}",
            marker.codec, expected.codec
        ));
    }
    if expected.now_ms.saturating_sub(marker.written_ms) > expected.marker_age_ms_max {
        return Err("it is older than the changelog keeps deletes".into());
    }
    if marker.changelog.len() != ranges.len() {
        return Err("it was written for other keyed operators".into());
    }
    for (offset, range) in marker.changelog.iter().zip(ranges) {
        if !(range.start..=range.end).contains(offset) {
            return Err(format!(
                "its changelog offset {offset} is not within the log's {} to {}",
                range.start, range.end
            ));
        }
    }
    Ok(Some(marker))
}

/// A store without marker must be empty: what an interrupted write left would never be deleted.
fn fresh(store: &dyn StateStore) -> Result<Option<Marker>, String> {
    match store.stats() {
        Ok(stats) if stats.entries == 0 => Ok(None),
        Ok(_) => Err("it has entries but no marker".into()),
        Err(error) => Err(error.to_string()),
    }
}

struct Replay<'a> {
    log: &'a dyn Log,
    store: &'a dyn StateStore,
    changelogs: &'a [TopicPartition],
    expected: Expectation,
    progress: &'a mut dyn FnMut(Progress),
}

impl Replay<'_> {
    /// Replays from the marker (or the start) to the end.
    fn run(
        &mut self,
        from: Option<&Marker>,
        ranges: &[OffsetRange],
    ) -> Result<Restored, RestoreError> {
        let mut marker = Marker {
            epoch: from.map_or(0, |marker| marker.epoch),
            topology_hash: self.expected.topology_hash,
            codec: self.expected.codec,
            written_ms: self.expected.now_ms,
            changelog: from.map_or_else(
                || ranges.iter().map(|range| range.start).collect(),
                |marker| marker.changelog.clone(),
            ),
            inputs: Vec::new(),
        };
        let mut replayed = 0;
        let mut at = Progress {
            done: 0,
            total: left(&marker, ranges),
        };
        (self.progress)(at);
        for (space, range) in (0..).zip(ranges) {
            while marker.changelog[usize::from(space)] < range.end {
                replayed += self.step(space, *range, &mut marker)?;
                at.done = at.total - left(&marker, ranges);
                (self.progress)(at);
            }
        }
        Ok(Restored {
            replayed,
            wiped: None,
            changelog: marker.changelog,
            epoch: marker.epoch,
        })
    }

    /// Replays one read of a space and moves the marker past it. Returns the records replayed.
    fn step(
        &self,
        space: Space,
        range: OffsetRange,
        marker: &mut Marker,
    ) -> Result<u64, RestoreError> {
        let position = marker.changelog[usize::from(space)];
        let changelog = &self.changelogs[usize::from(space)];
        let fetched = self
            .log
            .read(changelog, position, READ_RECORDS, READ_BYTES)?;
        // Nothing visible up to the end: control records take offsets and are never returned.
        let next = if fetched.next_offset > position {
            fetched.next_offset
        } else {
            range.end
        };
        let replayed = fetched.records.len() as u64;
        // The last of a key only: less to write, and compaction keeps no more.
        let mut last: HashMap<Bytes, Option<Bytes>> = HashMap::new();
        for record in fetched.records {
            if let Some(key) = record.key {
                last.insert(key, record.value);
            }
        }
        let entries: Vec<Entry> = last
            .into_iter()
            .map(|(key, value)| Entry { space, key, value })
            .collect();
        marker.changelog[usize::from(space)] = next;
        self.store.put_epoch(&entries, marker)?;
        Ok(replayed)
    }
}

/// Offsets from the marker to the ends.
fn left(marker: &Marker, ranges: &[OffsetRange]) -> u64 {
    let pairs = marker.changelog.iter().zip(ranges);
    let left = pairs.map(|(offset, range)| u64::try_from(range.end - offset).unwrap_or(0));
    left.sum()
}
