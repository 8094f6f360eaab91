//! Write-behind: the state of one task, committed snapshots first in memory, later in the store.
//!
//! A snapshot passes through three places: the *fresh* generation (since the last flush), the
//! *flushing* generation (being written now), the store. Reads ask them in this order, so they see
//! every committed snapshot at once; the store may lag, and it never leads, because nothing comes
//! here before its epoch is committed.
//!
//! The committer calls [`TaskState::committed`], sessions [`TaskState::load_many`], the store actor
//! [`TaskState::flush`] on its own thread; no lock is held over the store's I/O.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::envelope;
use super::store::{Entry, Marker, Space, StateStore, StoreError, StoreStats};
use crate::clock::Clock;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod interleavings;

/// What an entry of the overlay costs beside its key and value: a slot of 65 bytes in a table that
/// is between 7/16 and 7/8 full (74 to 149 bytes), and for key and value each what an allocation
/// rounds up by and the counter that `Bytes` shares it by (about 40).
const ENTRY_OVERHEAD_BYTES: usize = 192;

type Values = HashMap<Bytes, Option<Bytes>, foldhash::fast::RandomState>;

/// The committed state of one task. Shared by `Arc`.
pub struct TaskState {
    store: Arc<dyn StateStore>,
    topology_hash: u64,
    codec: u16,
    clock: Arc<dyn Clock>,
    overlay: RwLock<Overlay>,
    /// Held by the one flush that runs.
    flushing: Mutex<()>,
    /// The store has failed.
    broken: AtomicBool,
    /// Nothing is taken over or written any more.
    closed: AtomicBool,
}

/// What one flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlushStats {
    /// Keys written.
    pub entries: usize,
    /// Their bytes, keys and values.
    pub bytes: usize,
}

#[derive(Default)]
struct Overlay {
    fresh: Generation,
    flushing: Option<Arc<Generation>>,
}

/// Snapshots of some epochs, last write per key.
#[derive(Default)]
struct Generation {
    /// By space.
    spaces: Vec<Values>,
    /// As of the last commit in it; `None` while it is empty.
    position: Option<Position>,
    bytes: usize,
}

#[derive(Clone)]
struct Position {
    epoch: u64,
    changelog: Vec<i64>,
    inputs: Vec<(String, i64)>,
}

impl TaskState {
    /// The state of a task whose store is already restored ([`super::restore::restore`]).
    #[must_use]
    pub fn new(
        store: Arc<dyn StateStore>,
        topology_hash: u64,
        codec: u16,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            topology_hash,
            codec,
            clock,
            overlay: RwLock::default(),
            flushing: Mutex::new(()),
            broken: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        }
    }

    /// Takes over what a **committed** epoch left: snapshots, the next changelog offset per space
    /// and the next offset per input. Costs O(entries), no I/O. Nothing happens once it is closed.
    pub fn committed(
        &self,
        epoch: u64,
        entries: Vec<Entry>,
        changelog: &[i64],
        inputs: Vec<(String, i64)>,
    ) {
        let mut overlay = self.overlay.write();
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        let fresh = &mut overlay.fresh;
        for entry in entries {
            fresh.put(entry);
        }
        fresh.position = Some(Position {
            epoch,
            changelog: changelog.to_vec(),
            inputs,
        });
    }

    /// Committed values of many keys of a space, in the keys' order; `None` where there is none.
    ///
    /// # Errors
    /// If the store must be asked and fails.
    pub fn load_many(
        &self,
        space: Space,
        keys: &[Bytes],
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut values = vec![None; keys.len()];
        let mut missing = Vec::new();
        let overlay = self.overlay.read();
        for (i, key) in keys.iter().enumerate() {
            match overlay.get(space, key) {
                Some(value) => values[i].clone_from(value),
                None => missing.push(i),
            }
        }
        drop(overlay);
        // What leaves the overlay from here on is in the store, so it cannot be missed.
        if !missing.is_empty() {
            let wanted: Vec<Bytes> = missing.iter().map(|i| keys[*i].clone()).collect();
            let loaded = self.store.load_many(space, &wanted);
            let loaded = loaded.inspect_err(|_| self.broken.store(true, Ordering::Relaxed))?;
            for (i, value) in missing.into_iter().zip(loaded) {
                values[i] = value;
            }
        }
        Ok(values)
    }

    /// The committed value of one key.
    ///
    /// # Errors
    /// If the store must be asked and fails.
    pub fn get(&self, space: Space, key: &Bytes) -> Result<Option<Bytes>, StoreError> {
        let mut values = self.load_many(space, std::slice::from_ref(key))?;
        Ok(values.pop().flatten())
    }

    /// Ends it: another state is about to be restored from the changelog over the same store. Whoever still
    /// holds this one can do no harm with it. Waits for a flush that runs.
    pub fn close(&self) {
        let _no_flush = self.flushing.lock();
        let _no_commit = self.overlay.write();
        self.closed.store(true, Ordering::Release);
    }

    /// Writes everything committed so far to the store, data first, then the marker. Runs beside
    /// commits and loads; a second flush waits for the first.
    ///
    /// # Errors
    /// If the store fails. Nothing is lost: what was to be written stays readable and goes with the
    /// next flush. The cure is to stop the task and restore it.
    pub fn flush(&self) -> Result<FlushStats, StoreError> {
        let _one_at_a_time = self.flushing.lock();
        if self.closed.load(Ordering::Acquire) {
            return Ok(FlushStats::default());
        }
        let Some((generation, position)) = self.begin_flush() else {
            return Ok(FlushStats::default());
        };
        let entries = generation.entries();
        let marker = Marker {
            epoch: position.epoch,
            topology_hash: self.topology_hash,
            codec: self.codec,
            written_ms: self.clock.now_ms(),
            changelog: position.changelog,
            inputs: position.inputs,
        };
        let written = self.store.put_epoch(&entries, &marker);
        written.inspect_err(|_| self.broken.store(true, Ordering::Relaxed))?;
        // Freed after the lock: it is large.
        let _written = self.overlay.write().flushing.take();
        Ok(FlushStats {
            entries: entries.len(),
            bytes: generation.bytes,
        })
    }

    /// Whether the store has failed since this was made: then it is to be wiped and rebuilt when the
    /// task starts again.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// About how many bytes of memory the snapshots take that are not in the store yet.
    #[must_use]
    pub fn overlay_bytes(&self) -> usize {
        let overlay = self.overlay.read();
        let flushing = overlay.flushing.as_ref().map_or(0, |g| g.bytes);
        overlay.fresh.bytes + flushing
    }

    /// Visits every committed key of a space with its value, in no promised order, until `visit`
    /// returns false.
    ///
    /// # Errors
    /// If the store fails.
    pub fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        let newer = self.overlay.read().values(space);
        let mut go_on = true;
        self.store.scan(space, &mut |key, value| {
            go_on = newer.contains_key(key) || visit(key, value);
            go_on
        })?;
        if go_on {
            let mut present = newer
                .iter()
                .filter_map(|(key, value)| Some((key, value.as_ref()?)));
            // `all` stops at the first false.
            present.all(|(key, value)| visit(key, value));
        }
        Ok(())
    }

    /// Visits every committed key of a space that has a timer, in no promised order.
    ///
    /// # Errors
    /// If the store fails or holds a damaged value.
    pub fn scan_timers(
        &self,
        space: Space,
        visit: &mut dyn FnMut(i64, &[u8]),
    ) -> Result<(), StoreError> {
        let mut damaged = None;
        self.scan(space, &mut |key, value| match envelope::open(value) {
            Ok(opened) => {
                if let Some(timer) = opened.timer {
                    visit(timer, key);
                }
                true
            }
            Err(error) => {
                damaged = Some(error);
                false
            }
        })?;
        damaged.map_or(Ok(()), |error| {
            Err(StoreError::Corrupt {
                path: std::path::PathBuf::new(),
                what: error.to_string(),
            })
        })
    }

    /// Number of committed keys of a space. Costs a scan.
    ///
    /// # Errors
    /// If the store fails.
    pub fn keys(&self, space: Space) -> Result<u64, StoreError> {
        let mut count = 0;
        self.scan(space, &mut |_, _| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    /// Up to where the store (not the overlay) is complete.
    ///
    /// # Errors
    /// If the store fails.
    pub fn restore_point(&self) -> Result<Option<Marker>, StoreError> {
        self.store.marker()
    }

    /// Size of the store (not of the overlay).
    ///
    /// # Errors
    /// If the store fails.
    pub fn store_stats(&self) -> Result<StoreStats, StoreError> {
        self.store.stats()
    }

    /// Makes the fresh generation the flushing one; with it goes what a failed flush left.
    /// `None` if nothing was committed since the last flush.
    fn begin_flush(&self) -> Option<(Arc<Generation>, Position)> {
        let mut overlay = self.overlay.write();
        let mut generation = std::mem::take(&mut overlay.fresh);
        if let Some(failed) = overlay.flushing.take() {
            generation = failed.followed_by(generation);
        }
        let position = generation.position.clone()?;
        let generation = Arc::new(generation);
        overlay.flushing = Some(Arc::clone(&generation));
        Some((generation, position))
    }
}

impl Overlay {
    /// What is known here of a key: `Some(&None)` is a delete.
    fn get(&self, space: Space, key: &Bytes) -> Option<&Option<Bytes>> {
        let flushing = || self.flushing.as_ref()?.get(space, key);
        self.fresh.get(space, key).or_else(flushing)
    }

    /// All that is known here of a space.
    fn values(&self, space: Space) -> Values {
        let mut values = Values::default();
        let generations = self.flushing.as_deref().into_iter().chain([&self.fresh]);
        for known in generations.filter_map(|g| g.spaces.get(usize::from(space))) {
            values.extend(
                known
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        values
    }
}

impl Generation {
    fn get(&self, space: Space, key: &Bytes) -> Option<&Option<Bytes>> {
        self.spaces.get(usize::from(space))?.get(key)
    }

    fn put(&mut self, entry: Entry) {
        let space = usize::from(entry.space);
        if space >= self.spaces.len() {
            self.spaces.resize_with(space + 1, Values::default);
        }
        let key_bytes = entry.key.len();
        self.bytes += entry.value.as_ref().map_or(0, Bytes::len);
        match self.spaces[space].insert(entry.key, entry.value) {
            Some(old) => self.bytes -= old.as_ref().map_or(0, Bytes::len),
            None => self.bytes += key_bytes + ENTRY_OVERHEAD_BYTES,
        }
    }

    fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(self.spaces.iter().map(HashMap::len).sum());
        for (space, values) in (0..).zip(&self.spaces) {
            entries.extend(values.iter().map(|(key, value)| Entry {
                space,
                key: key.clone(),
                value: value.clone(),
            }));
        }
        entries
    }

    /// This generation with a later one on top.
    fn followed_by(&self, later: Self) -> Self {
        let mut both = Self::default();
        for entry in self.entries().into_iter().chain(later.entries()) {
            both.put(entry);
        }
        both.position = later.position.or_else(|| self.position.clone());
        both
    }
}
