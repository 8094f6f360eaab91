//! Timers are those of the newest snapshots, wherever these are.

use bytes::BytesMut;

use super::super::TaskState;
use super::task;
use crate::state::conformance::entry;
use crate::state::{StoreError, envelope};

/// Commits a snapshot with a timer, or a delete.
fn commit(state: &TaskState, epoch: u64, key: &[u8], snapshot: Option<Option<i64>>) {
    let sealed = snapshot.map(|timer| envelope::seal(1, timer, b"state", &mut BytesMut::new()));
    let entries = vec![entry(0, key, sealed.as_deref())];
    state.committed(epoch, entries, &[1], Vec::new());
}

#[test]
fn the_newest_snapshot_of_a_key_has_the_say_about_its_timer() {
    let (_, state) = task();
    for (timer, key) in (10..).zip(["moved", "stopped", "deleted", "stored"]) {
        commit(&state, 1, key.as_bytes(), Some(Some(timer)));
    }
    state.flush().unwrap();
    commit(&state, 2, b"moved", Some(Some(-20)));
    commit(&state, 2, b"stopped", Some(None));
    commit(&state, 2, b"deleted", None);
    commit(&state, 2, b"fresh", Some(Some(0)));

    let expected = [(-20, "moved"), (0, "fresh"), (13, "stored")];
    for flushed in [false, true] {
        let mut timers = Vec::new();
        let mut visit = |timer, key: &[u8]| timers.push((timer, key.to_vec()));
        state.scan_timers(0, &mut visit).unwrap();
        timers.sort();
        let expected = expected.map(|(timer, key)| (timer, key.into()));
        assert_eq!(timers, expected, "flushed: {flushed}");
        state.flush().unwrap();
    }
}

#[test]
fn a_damaged_snapshot_is_an_error_and_not_a_key_without_timer() {
    let (_, state) = task();
    let damaged = entry(0, b"a", Some(b"no envelope, but long enough to be one"));
    state.committed(1, vec![damaged], &[1], Vec::new());
    for _ in 0..2 {
        let scanned = state.scan_timers(0, &mut |_, _| {});
        assert!(
            matches!(scanned, Err(StoreError::Corrupt { .. })),
            "{scanned:?}"
        );
        state.flush().unwrap();
    }
}
