//! The tasks' committed state: stores opened, restored from the changelog, and written behind.
//!
//! Stores stay open over restarts of the shard. Each start of a task makes a new [`TaskState`] over
//! its store after replaying the changelog; the one before is retired first, so that no late flush
//! of it can write over what the replay brings. Tasks of other nodes can be followed
//! ([`States::follow`]): their stores are restored again and again, and have no [`TaskState`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use supervisors::TaskId;

use crate::clock::Clock;
use crate::log::{Log, LogError, OffsetRange, TopicPartition};
use crate::state::overlay::TaskState;
use crate::state::restore::{Expectation, Progress, RestoreError, Restored, restore, restore_to};
use crate::state::store::{OpenStore, StateStore, StoreError};

#[cfg(test)]
mod tests;

/// Version of the snapshots' encoding; another one makes the stores be rebuilt.
const CODEC: u16 = 1;

/// A marker older than this is not used: deletes that follow it may be gone from the changelog.
/// One day, Kafka's default of `delete.retention.ms`, with an hour to spare.
const MARKER_AGE_MS_MAX: i64 = 23 * 3_600_000;

/// How long a flush waits for a state that is locked.
const FLUSH_WAITS: Duration = Duration::from_millis(100);

/// All tasks' states.
pub struct States {
    clock: Arc<dyn Clock>,
    open: OpenStore,
    topology_hash: u64,
    /// In their order, so that flushes have one too.
    tasks: Mutex<BTreeMap<TaskId, Arc<Slot>>>,
    /// Tasks that run here or are about to.
    claimed: Mutex<HashSet<TaskId>>,
}

#[derive(Default)]
struct Slot {
    /// Next changelog offset per space, of all that the state has taken over.
    changelog: Mutex<Vec<i64>>,
    store: Mutex<Option<Arc<dyn StateStore>>>,
    /// Locked while a flush or a restore writes.
    state: Mutex<Option<Arc<TaskState>>>,
    /// One that was left behind may still hold the state: it is not used again.
    distrusted: AtomicBool,
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
    /// No stores yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, open: OpenStore, topology_hash: u64) -> Self {
        Self {
            clock,
            open,
            topology_hash,
            tasks: Mutex::default(),
            claimed: Mutex::default(),
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
        let sound = |state: &Arc<TaskState>| !state.is_broken() && state.restore_point().is_ok();
        let trusted = !slot.distrusted.swap(false, Ordering::AcqRel);
        if trusted && state.as_ref().is_some_and(sound) && slot.is_at_end(log, changelogs)? {
            // A restart of the actors only: what they had committed is all there is.
            return Ok(Restored::nothing(self.changelog(task)));
        }
        let broken = state.as_ref().is_some_and(|state| state.is_broken());
        if broken {
            // Nothing more is asked of it, whatever it still has: it is a cache of the changelog.
            tracing::warn!(task = name, "state store has failed: rebuilding it");
            *state = None;
        }
        retire(&mut state, name);
        let store = self.store(&slot, name)?;
        let emptied = match broken {
            true => store.wipe().map_err(RestoreError::from),
            false => Ok(()),
        };
        let restored =
            emptied.and_then(|()| restore(log, &*store, changelogs, self.expected(), progress));
        if let Err(RestoreError::Full(_)) = restored {
            // A store that has once met a full disk may not write again: the next attempt opens it anew.
            *slot.store.lock() = None;
        }
        let restored = restored?;
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

    /// Says which tasks run here or are about to: their states are not [`Self::follow`]ed. A task is
    /// claimed before it is opened, and until its last actor has ended.
    pub fn set_claimed(&self, tasks: &[TaskId]) {
        *self.claimed.lock() = tasks.iter().copied().collect();
    }

    /// Brings the store of a task that another node runs up to these ends of its changelogs, so that
    /// [`Self::open`] has little left to do. False if the task is this node's, or being opened. Blocks.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn follow(
        &self,
        task: TaskId,
        name: &str,
        log: &dyn Log,
        changelogs: &[TopicPartition],
        ranges: &[OffsetRange],
    ) -> Result<bool, RestoreError> {
        let slot = self.slot(task);
        let Some(mut state) = slot.state.try_lock() else {
            return Ok(false);
        };
        // Under the lock: who claims it from here on opens it after this has ended.
        if self.claimed.lock().contains(&task) {
            return Ok(false);
        }
        // What this node committed while the task was its own comes first: the store never leads.
        let was_own = retire(&mut state, name);
        let known = slot.changelog.lock().clone();
        let mut ends = known.iter().zip(ranges);
        let is_there = known.len() == ranges.len() && ends.all(|(at, range)| *at >= range.end);
        if is_there && !was_own {
            // Ends before what is known are of a broker that has just taken over: not to be believed.
            return Ok(true);
        }
        let store = self.store(&slot, name)?;
        let at = (changelogs, ranges);
        let restored = restore_to(log, &*store, at, self.expected(), &mut |_| {})?;
        *slot.changelog.lock() = restored.changelog;
        Ok(true)
    }

    fn expected(&self) -> Expectation {
        Expectation {
            topology_hash: self.topology_hash,
            codec: CODEC,
            now_ms: self.clock.now_ms(),
            marker_age_ms_max: MARKER_AGE_MS_MAX,
        }
    }

    /// The slot's store, opened if it is not.
    fn store(&self, slot: &Slot, name: &str) -> Result<Arc<dyn StateStore>, StoreError> {
        let mut store = slot.store.lock();
        if let Some(store) = &*store {
            return Ok(Arc::clone(store));
        }
        // A damaged store comes up empty: it is a cache of the changelog, which is then replayed.
        let opened = (self.open)(name)?;
        *store = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// An actor of this task was left behind: what it holds is not used by its successor.
    pub(super) fn distrust(&self, task: TaskId) {
        self.slot(task).distrusted.store(true, Ordering::Release);
    }

    /// A committed epoch has been taken over by this state, and these are the next changelog offsets per
    /// space. A state that another has taken the place of has no say.
    pub fn committed(&self, task: TaskId, state: &Arc<TaskState>, changelog: &[i64]) {
        let slot = self.slot(task);
        // Locked for long only while it is opened anew.
        let current = slot.state.try_lock_for(FLUSH_WAITS);
        let is_current = |current: &Arc<TaskState>| Arc::ptr_eq(current, state);
        if !current.is_some_and(|current| current.as_ref().is_some_and(is_current)) {
            return;
        }
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
            // A clone, so that readers of the state do not wait for the disk. What is being restored has
            // nothing to write, and may take minutes.
            let state = slot.state.try_lock_for(FLUSH_WAITS).map(|s| s.clone());
            let Some(state) = state.flatten() else {
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

/// Takes a state away after writing what it has: what is committed need not be replayed. A failure
/// costs only time. True if there was one.
fn retire(state: &mut Option<Arc<TaskState>>, name: &str) -> bool {
    let Some(old) = state.take() else {
        return false;
    };
    if let Err(error) = old.flush() {
        tracing::warn!(task = name, %error, "state store cannot be written: rebuilding it");
    }
    old.close();
    true
}
