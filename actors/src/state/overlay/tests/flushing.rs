//! A flush beside everything else: no lock is held over its write, and nobody sees a step back.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::super::TaskState;
use crate::clock::ManualClock;
use crate::state::conformance::entry;
use crate::state::{Entry, Marker, MemoryStore, Space, StateStore, StoreError, StoreStats};

/// Lets a test act within a write, before anything is written.
#[derive(Default)]
struct Interrupted {
    inner: MemoryStore,
    during_write: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl StateStore for Interrupted {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.inner.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let act = self.during_write.lock().take();
        if let Some(act) = act {
            act();
        }
        self.inner.put_epoch(entries, marker)
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.inner.marker()
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        self.inner.scan(space, visit)
    }

    fn wipe(&self) -> Result<(), StoreError> {
        self.inner.wipe()
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats()
    }
}

/// Keys and values of space 0 by scan, in order; each must be the same by key.
fn all(state: &TaskState) -> Vec<(Bytes, Bytes)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &Bytes| {
        found.push((Bytes::copy_from_slice(key), value.clone()));
        true
    };
    state.scan(0, &mut visit).unwrap();
    found.sort();
    for (key, value) in &found {
        assert_eq!(state.get(0, key).unwrap().as_ref(), Some(value));
    }
    found
}

fn pairs<const N: usize>(expected: [(&'static str, &'static str); N]) -> [(Bytes, Bytes); N] {
    expected.map(|(key, value)| (Bytes::from(key), Bytes::from(value)))
}

#[test]
fn commits_loads_and_scans_go_on_while_a_flush_writes() {
    let store = Arc::new(Interrupted::default());
    let clock = Arc::new(ManualClock::default());
    let state = Arc::new(TaskState::new(Arc::clone(&store) as _, 1, 1, clock));
    let first = vec![entry(0, b"a", Some(b"1")), entry(0, b"b", Some(b"1"))];
    state.committed(1, first, &[2], Vec::new());
    // Within the write and on its thread: a lock held over it would stand still here.
    let inside = Arc::clone(&state);
    *store.during_write.lock() = Some(Box::new(move || {
        assert_eq!(all(&inside), pairs([("a", "1"), ("b", "1")]));
        let second = vec![
            entry(0, b"a", Some(b"2")),
            entry(0, b"b", None),
            entry(0, b"c", Some(b"2")),
        ];
        inside.committed(2, second, &[5], Vec::new());
        assert_eq!(all(&inside), pairs([("a", "2"), ("c", "2")]));
    }));
    assert_eq!(state.flush().unwrap().entries, 2);
    assert_eq!(all(&state), pairs([("a", "2"), ("c", "2")]));
    let marker = state.restore_point().unwrap().unwrap();
    assert_eq!(
        (marker.epoch, marker.changelog),
        (1, vec![2]),
        "what came during the write is not in it"
    );
    assert_eq!(state.flush().unwrap().entries, 3);
    assert_eq!(all(&state), pairs([("a", "2"), ("c", "2")]));
    assert_eq!(state.restore_point().unwrap().unwrap().epoch, 2);
}

#[test]
fn a_scan_ends_where_the_visitor_says_in_the_store_and_in_the_overlay() {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(ManualClock::default());
    let state = TaskState::new(store, 1, 1, clock);
    let keys = |range: std::ops::Range<u8>| range.map(|key| entry(0, &[key], Some(b"1"))).collect();
    state.committed(1, keys(0..5), &[5], Vec::new());
    state.flush().unwrap();
    state.committed(2, keys(5..10), &[10], Vec::new());
    for stop in 1..=10 {
        let mut seen = 0;
        let mut visit = |_: &[u8], _: &Bytes| {
            seen += 1;
            seen < stop
        };
        state.scan(0, &mut visit).unwrap();
        assert_eq!(seen, stop);
    }
}
