//! When which session of an operator wants to be woken: (fire time, key) of all that have a timer,
//! live or not, in the order in which they fire.

use std::collections::BTreeSet;

use bytes::Bytes;

/// The timers of one operator in one host.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(i64, Bytes)>);

impl Timers {
    pub(super) fn insert(&mut self, at: i64, key: Bytes) {
        self.0.insert((at, key));
    }

    pub(super) fn remove(&mut self, at: i64, key: &Bytes) {
        self.0.remove(&(at, key.clone()));
    }

    /// The first that the watermark has reached.
    pub(super) fn due(&self, watermark: i64) -> Option<(i64, Bytes)> {
        self.0.first().filter(|(at, _)| *at <= watermark).cloned()
    }

    /// A session's timer has moved.
    pub(super) fn shift(&mut self, key: &[u8], before: Option<i64>, after: Option<i64>) {
        let key = Bytes::copy_from_slice(key);
        if let Some(before) = before {
            self.remove(before, &key);
        }
        if let Some(after) = after {
            self.insert(after, key);
        }
    }
}
