//! Parked tasks: those that failed too often by their own fault. The supervision tree decides it and leaves them
//! out; here it stands who they are, so that the committer, the intake and the outside know.
//!
//! A parked task's partitions are paused, its offsets stay where they were committed: nothing is lost.
//! `docs/decisions/0006` says why and what it means behind a key-by.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use supervisors::TaskId;

/// Why a task is parked, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedStatus {
    /// Since when: milliseconds since 1970-01-01 UTC.
    pub since_ms: i64,
    /// When it is tried again by itself.
    pub retry_ms: i64,
    /// Its last failure.
    pub reason: String,
}

/// The parked tasks.
#[derive(Debug, Default)]
pub struct Parked(RwLock<BTreeMap<TaskId, ParkedStatus>>);

impl Parked {
    /// A task is left out from its next start on.
    pub fn park(&self, task: TaskId, status: ParkedStatus) {
        self.0.write().insert(task, status);
    }

    /// A task takes part again from its next start on.
    pub fn retry(&self, task: TaskId) {
        self.0.write().remove(&task);
    }

    /// Why a task is parked, if it is.
    #[must_use]
    pub fn get(&self, task: TaskId) -> Option<ParkedStatus> {
        self.0.read().get(&task).cloned()
    }

    /// All of them, upstream first.
    #[must_use]
    pub fn all(&self) -> Vec<(TaskId, ParkedStatus)> {
        let parked = self.0.read();
        parked.iter().map(|(task, s)| (*task, s.clone())).collect()
    }

    /// Whether one of these is parked.
    #[must_use]
    pub fn any_of(&self, tasks: &[TaskId]) -> bool {
        let parked = self.0.read();
        tasks.iter().any(|task| parked.contains_key(task))
    }
}
