//! The figures that a page shows live, once a second: what is counted, and how far the tasks are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::nodes::status::KeyState;
use serde::Serialize;
use tokio::sync::watch;

use super::{Control, ControlError, PartitionView};

/// From one pulse to the next.
pub const PULSE_EVERY: Duration = Duration::from_secs(1);

/// A topology at a moment. Counts are those of this life of this node's process.
#[derive(Debug, Clone, Serialize)]
pub struct Pulse {
    /// Milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// Whether all actors have started and nothing drains.
    pub ready: bool,
    /// Records taken from sources.
    pub records: u64,
    /// Rows whose decision is committed.
    pub decisions: u64,
    /// Records in the dead letters.
    pub dead_letters: u64,
    /// Epochs committed.
    pub epochs: u64,
    /// Keys in quarantine.
    pub quarantined: usize,
    /// By node: rows that came to it; of a source, the records read.
    pub rows: BTreeMap<String, u64>,
    /// As `GET /v1/partitions`; `None` while the log does not answer.
    pub partitions: Option<Vec<PartitionView>>,
    /// Why there are no partitions.
    pub trouble: Option<String>,
}

impl Control {
    /// The topology now. Blocks on the log.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        let status = &self.context().status;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let keys = status.keys();
        let held = |state: &KeyState| matches!(state, KeyState::Quarantined(_));
        let (partitions, trouble) = match self.partitions() {
            Ok(partitions) => (Some(partitions), None),
            Err(error) => (None, Some(ControlError::from(error).to_string())),
        };
        Pulse {
            at_ms: self.context().clock.now_ms(),
            ready: self.is_ready(),
            records: count(&status.records),
            decisions: count(&status.decisions),
            dead_letters: count(&status.dead_letters),
            epochs: count(&status.epochs),
            quarantined: keys.iter().filter(|key| held(&key.state)).count(),
            rows: (status.rows().into_iter())
                .map(|(node, rows)| (node.to_string(), rows))
                .collect(),
            partitions,
            trouble,
        }
    }

    /// Tells when the topology begins to drain.
    pub(crate) fn drains(&self) -> watch::Receiver<bool> {
        self.0.draining.subscribe()
    }
}
