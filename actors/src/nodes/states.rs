//! The tasks' committed state: stores opened, restored from the changelog, and written behind.
//!
//! Stores stay open over restarts of the shard. Each start of a task makes a new [`TaskState`] over
//! its store after replaying the changelog; the one before is retired first, so that no late flush
//! of it can write over what the replay brings.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use supervisors::TaskId;

use crate::clock::Clock;
use crate::log::{Log, LogError, TopicPartition};
use crate::state::memory::MemoryStore;
use crate::state::overlay::TaskState;
use crate::state::restore::{Expectation, Progress, RestoreError, Restored, restore};
use crate::state::sled_store::SledStore;
use crate::state::store::{StateStore, StoreError};

/// Version of the snapshots' encoding; another one makes the stores be rebuilt.
const CODEC: u16 = 1;

/// A marker older than this is not used: deletes that follow it may be gone from the changelog.
/// One day, Kafka's default of `delete.retention.ms`, with an hour to spare.
const MARKER_AGE_MS_MAX: i64 = 23 * 3_600_000;

/// All tasks' states.
pub struct States {
    clock: Arc<dyn Clock>,
    dir: Option<PathBuf>,
    topology_hash: u64,
    tasks: Mutex<HashMap<TaskId, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    /// Next changelog offset per space, of all that the state has taken over.
    changelog: Mutex<Vec<i64>>,
    store: Mutex<Option<Arc<dyn StateStore>>>,
    /// Locked while a flush or a restore writes.
    state: Mutex<Option<Arc<TaskState>>>,
}

impl Slot {
    /// Whether the state has all that the changelogs hold.
    fn is_at_end(&self, log: &dyn Log, changelogs: &[TopicPartition]) -> Result<bool, LogError> {
        let ends = log.settled(changelogs)?;
        let known = self.changelog.lock();
        Ok(ends.iter().map(|range| range.end).eq(known.iter().copied()))
    }
}

/// A task's state is asked for before the task has started.
#[derive(Debug, thiserror::Error)]
#[error("state of task \"{0}\" is not open")]
pub struct NotOpen(TaskId);

impl States {
    /// No stores yet; they are opened under `dir`, or in memory.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, dir: Option<PathBuf>, topology_hash: u64) -> Self {
        Self {
            clock,
            dir,
            topology_hash,
            tasks: Mutex::default(),
        }
    }

    fn slot(&self, task: TaskId) -> Arc<Slot> {
        Arc::clone(self.tasks.lock().entry(task).or_default())
    }

    /// Opens a task's store (wiping one that cannot be opened) and brings it to the end of its
    /// changelogs; `changelogs[i]` is of space `i`. Blocks: minutes for a large changelog.
    ///
    /// # Errors
    /// If the changelog cannot be read, or the store fails twice.
    pub fn open(
        &self,
        task: TaskId,
        name: &str,
        log: &dyn Log,
        changelogs: &[TopicPartition],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Restored, RestoreError> {
        let slot = self.slot(task);
        let mut state = slot.state.lock();
        let sound = |state: &Arc<TaskState>| state.restore_point().is_ok();
        if state.as_ref().is_some_and(sound) && slot.is_at_end(log, changelogs)? {
            // A restart of the actors only: what they had committed is all there is.
            return Ok(Restored::nothing(self.changelog(task)));
        }
        if let Some(old) = state.take() {
            // What is committed but not yet in the store need not be replayed. A failure costs only time.
            if let Err(error) = old.flush() {
                tracing::warn!(task = name, %error, "state store cannot be written: rebuilding it");
            }
        }
        let mut slot_store = slot.store.lock();
        let store = match &*slot_store {
            Some(store) => Arc::clone(store),
            None => self.open_store(name)?,
        };
        *slot_store = Some(Arc::clone(&store));
        let expected = Expectation {
            topology_hash: self.topology_hash,
            codec: CODEC,
            now_ms: self.clock.now_ms(),
            marker_age_ms_max: MARKER_AGE_MS_MAX,
        };
        let restored = restore(log, &*store, changelogs, expected, progress)?;
        slot.changelog.lock().clone_from(&restored.changelog);
        let clock = Arc::clone(&self.clock);
        *state = Some(Arc::new(TaskState::new(
            store,
            self.topology_hash,
            CODEC,
            clock,
        )));
        Ok(restored)
    }

    fn open_store(&self, name: &str) -> Result<Arc<dyn StateStore>, StoreError> {
        let Some(dir) = &self.dir else {
            return Ok(Arc::new(MemoryStore::new()));
        };
        // A damaged store comes up empty: it is a cache of the changelog, which is then replayed.
        Ok(Arc::new(SledStore::open(&dir.join(name))?))
    }

    /// A committed epoch has been taken over, and these are the next changelog offsets per space.
    pub fn committed(&self, task: TaskId, changelog: &[i64]) {
        let slot = self.slot(task);
        let mut known = slot.changelog.lock();
        known.clear();
        known.extend_from_slice(changelog);
    }

    /// Next changelog offset per space of a task: as it was opened, or as its last epoch left them.
    #[must_use]
    pub fn changelog(&self, task: TaskId) -> Vec<i64> {
        self.slot(task).changelog.lock().clone()
    }

    /// A task's state as it was opened last.
    ///
    /// # Errors
    /// If it was not.
    pub fn current(&self, task: TaskId) -> Result<Arc<TaskState>, NotOpen> {
        self.slot(task).state.lock().clone().ok_or(NotOpen(task))
    }

    /// Bytes committed but not yet in the stores.
    #[must_use]
    pub fn overlay_bytes(&self) -> usize {
        let slots: Vec<Arc<Slot>> = self.tasks.lock().values().cloned().collect();
        slots
            .iter()
            .filter_map(|slot| slot.state.try_lock().and_then(|state| state.clone()))
            .map(|state| state.overlay_bytes())
            .sum()
    }

    /// Writes what is committed to every store. Blocks on the disk.
    ///
    /// # Errors
    /// The first store that fails; the others are written.
    pub fn flush(&self) -> Result<(), StoreError> {
        let slots: Vec<Arc<Slot>> = self.tasks.lock().values().cloned().collect();
        let mut first = Ok(());
        for slot in slots {
            // A clone, so that readers of the state do not wait for the disk.
            let Some(state) = slot.state.lock().clone() else {
                continue;
            };
            let flushed = state.flush();
            if first.is_ok() {
                first = flushed.map(|_| ());
            }
        }
        first
    }
}
