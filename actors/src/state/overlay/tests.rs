//! Write-behind: what is counted, what is copied, what a failed flush leaves.
//! What goes on beside a flush: [`flushing`]; timers: [`timers`].

mod flushing;
mod timers;

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{TaskState, Values};
use crate::clock::ManualClock;
use crate::state::conformance::entry;
use crate::state::{Entry, Marker, MemoryStore, Space, StateStore, StoreError, StoreStats};

/// Keeps what it was given, and refuses once if told so.
#[derive(Default)]
struct Recorder {
    inner: MemoryStore,
    given: Mutex<Vec<Entry>>,
    refuse: Mutex<bool>,
}

impl StateStore for Recorder {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.inner.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        if std::mem::take(&mut *self.refuse.lock()) {
            return Err(StoreError::Locked("made to fail".into()));
        }
        self.given.lock().extend_from_slice(entries);
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

fn task() -> (Arc<Recorder>, TaskState) {
    let store = Arc::new(Recorder::default());
    let state = TaskState::new(
        Arc::clone(&store) as _,
        1,
        1,
        Arc::new(ManualClock::default()),
    );
    (store, state)
}

#[test]
fn a_flush_hands_over_the_committed_bytes_without_copying_them() {
    let (store, state) = task();
    let entries: Vec<Entry> = (0..100_u8)
        .map(|i| entry(0, &[i], Some(&[i; 300])))
        .collect();
    let addresses = |entries: &[Entry]| {
        let value = |entry: &Entry| entry.value.as_ref().unwrap().as_ptr().addr();
        let mut addresses: Vec<usize> = entries.iter().map(value).collect();
        addresses.sort_unstable();
        addresses
    };
    let before = addresses(&entries);
    state.committed(1, entries, &[100], Vec::new());
    let stats = state.flush().unwrap();
    assert_eq!(stats.entries, 100);
    assert_eq!(addresses(&store.given.lock()), before);
}

#[test]
fn the_last_of_several_commits_of_a_key_is_written_once() {
    let (store, state) = task();
    state.committed(
        1,
        vec![entry(0, b"a", Some(b"1")), entry(0, b"b", Some(b"1"))],
        &[2],
        Vec::new(),
    );
    state.committed(
        2,
        vec![entry(0, b"a", Some(b"2")), entry(0, b"b", None)],
        &[4],
        Vec::new(),
    );
    state.flush().unwrap();
    assert_eq!(store.given.lock().len(), 2);
    let marker = state.restore_point().unwrap().unwrap();
    assert_eq!((marker.epoch, marker.changelog), (2, vec![4]));
    assert_eq!(
        state.get(0, &Bytes::from_static(b"a")).unwrap().as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(state.keys(0).unwrap(), 1);
}

#[test]
fn what_a_failed_flush_left_stays_readable_and_goes_with_the_next() {
    let (store, state) = task();
    state.committed(
        1,
        vec![entry(0, b"a", Some(b"1")), entry(1, b"b", Some(b"1"))],
        &[1, 1],
        Vec::new(),
    );
    *store.refuse.lock() = true;
    state.flush().unwrap_err();
    assert_eq!(
        state.get(0, &Bytes::from_static(b"a")).unwrap().as_deref(),
        Some(&b"1"[..])
    );
    state.committed(2, vec![entry(0, b"a", Some(b"2"))], &[2, 1], Vec::new());
    assert_eq!(
        state.get(0, &Bytes::from_static(b"a")).unwrap().as_deref(),
        Some(&b"2"[..])
    );
    assert_eq!(state.flush().unwrap().entries, 2);
    assert_eq!(state.restore_point().unwrap().unwrap().epoch, 2);
    assert_eq!(
        state.get(1, &Bytes::from_static(b"b")).unwrap().as_deref(),
        Some(&b"1"[..])
    );
    assert_eq!(state.overlay_bytes(), 0);
}

/// What the snapshots take, by the sizes of what holds them: the table's slots with one control
/// byte each, and per key and value an allocation with the counter that `Bytes` shares it by.
fn counted(capacity: usize, entries: &[Entry]) -> usize {
    // hashbrown keeps a power of two of slots, of which 7/8 may be used.
    let slots = (capacity * 8 / 7).next_power_of_two();
    let slot = size_of::<(Bytes, Option<Bytes>)>() + 1;
    let allocation = |bytes: &Bytes| bytes.len().next_multiple_of(16) + 32;
    let held = |e: &Entry| allocation(&e.key) + e.value.as_ref().map_or(0, allocation);
    slots * slot + entries.iter().map(held).sum::<usize>()
}

#[test]
fn overlay_bytes_are_what_the_snapshots_take_within_a_fifth() {
    // Just below and just above where the table doubles, with values small and large.
    for (keys, value_bytes) in [
        (28_600_u32, 20_usize),
        (28_700, 20),
        (28_600, 200),
        (28_700, 200),
        (50_000, 300),
        (28_700, 1_000),
    ] {
        let (_, state) = task();
        let value = vec![1; value_bytes];
        let entries: Vec<Entry> = (0..keys)
            .map(|i| entry(0, format!("customer-{i:09}").as_bytes(), Some(&value)))
            .collect();
        state.committed(1, entries.clone(), &[1], Vec::new());
        // Twice does not count twice.
        state.committed(2, entries.clone(), &[2], Vec::new());
        let capacity = state
            .overlay
            .read()
            .fresh
            .spaces
            .first()
            .map_or(0, Values::capacity);
        let counted = counted(capacity, &entries) as f64;
        let told = state.overlay_bytes() as f64;
        let ratio = told / counted;
        assert!(
            (0.8..1.2).contains(&ratio),
            "{keys} of {value_bytes} bytes: {ratio:.2}"
        );
    }
}
