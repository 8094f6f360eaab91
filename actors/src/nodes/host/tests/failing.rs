//! The contract of [`super::super::operator`] where something fails, one behaviour a test, in every hosting:
//! quarantine, counters, timers, the store, an actor; and that one session's trouble is not the others'.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::*;
use crate::state::store::{Marker, Space, StoreError, StoreStats};

/// Panics on records that say so.
fn poison() -> Faults {
    Faults::poison("session", *b"poison")
}

fn poisoned(key: &str) -> Input {
    Input {
        record: "poison".into(),
        ..row(key, 1_000)
    }
}

/// Counts how often it is asked; fails when told to.
struct Counting {
    inner: MemoryStore,
    loads: AtomicUsize,
    broken: std::sync::atomic::AtomicBool,
}

impl StateStore for Counting {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if self.broken.load(Ordering::SeqCst) {
            let source = std::io::Error::from_raw_os_error(5);
            let path = "store".into();
            return Err(StoreError::Io { path, source });
        }
        self.inner.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
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

#[test]
fn the_third_failure_within_a_minute_quarantines_a_key_in_the_middle_of_a_batch() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, poison()).await;
        let mut rows = vec![row("a", 1), row("b", 1)];
        rows.extend([
            poisoned("a"),
            row("b", 1),
            poisoned("a"),
            row("a", 1),
            poisoned("a"),
        ]);
        rows.extend([row("a", 1), row("b", 1), row("a", 1)]);
        let worked = rig.rows(&rows, 0).await.expect("runs");
        let failed: Vec<usize> = worked.failed.iter().map(|failed| failed.row).collect();
        assert_eq!(failed, [2, 4, 6]);
        let held: Vec<_> = worked
            .held
            .iter()
            .map(|held| (held.row, held.number))
            .collect();
        assert_eq!(held, [(7, 0), (9, 1)]);
        assert_eq!(worked.quarantined.len(), 1);
        assert_eq!(sums(&mut rig), ["1", "1", "2", "2", "3"]);
        // Its next rows are held too, over passivation and a restart.
        rig.close_and_commit().await;
        rig.passivate().await;
        rig.restart();
        let worked = rig
            .rows(&[row("a", 1), row("b", 1)], 0)
            .await
            .expect("runs");
        let held: Vec<_> = worked
            .held
            .iter()
            .map(|held| (held.row, held.number))
            .collect();
        assert_eq!(held, [(0, 2)]);
        let moment = rig.moment();
        let key = Bytes::from_static(b"a");
        let released = rig.sessions.release(&key, moment).await.expect("released");
        assert_eq!(released.map(|released| released.held), Some(3));
        rig.rows(&[row("a", 1), row("b", 1)], 0)
            .await
            .expect("runs");
        assert_eq!(
            sums(&mut rig),
            ["4", "3", "5"],
            "it goes on from its last good row"
        );
        rig.close_and_commit().await;
        let is_session = |key: &[u8]| key != [0xff, b'a'];
        assert!(
            rig.states().iter().all(|(key, _)| is_session(key)),
            "the quarantine is over"
        );
    });
}

#[test]
fn failures_are_counted_over_batches_epochs_and_passivation_and_forgotten_after_a_minute() {
    in_each(async |hosting| {
        let mut rig = Rig::new(&rolling(), false, hosting, poison()).await;
        for (now_ms, quarantined) in [(0, 0), (30_000, 0), (61_000, 0), (89_000, 1)] {
            rig.now_ms = now_ms;
            let rows = [poisoned("a"), row("b", 1), row("c", 1), row("d", 1)];
            let worked = rig.rows(&rows, 0).await.expect("runs");
            assert_eq!(worked.quarantined.len(), quarantined, "at {now_ms}");
            rig.close_and_commit().await;
            rig.passivate().await;
        }
        assert_eq!(rig.sessions.quarantine().keys().count(), 1);
    });
}

#[test]
fn a_timer_that_panics_twice_quarantines_its_key_and_waits_until_it_is_released() {
    in_each(async |hosting| {
        let broken = Arc::new(AtomicUsize::new(2));
        let left = Arc::clone(&broken);
        let faults = Faults::by_content(Arc::new(move |stage, key| {
            let spare = |left: usize| left.checked_sub(1);
            let panics = stage == "timer"
                && key == b"b"
                && left
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spare)
                    .is_ok();
            assert!(!panics, "a broken timer");
        }));
        let mut rig = Rig::new(&window(Emit::Final), true, hosting, faults).await;
        let rows = ["a", "b", "c"].map(|key| at(key, 5, 1));
        rig.rows(&rows, 0).await.expect("runs");
        let worked = rig.rows(&[], 10).await.expect("runs");
        assert_eq!(worked.quarantined.len(), 1);
        assert_eq!((rig.outputs.len(), broken.load(Ordering::SeqCst)), (2, 0));
        rig.close_and_commit().await;
        rig.passivate().await;
        rig.rows(&[], 20).await.expect("runs");
        assert_eq!(rig.outputs.len(), 2, "it waits");
        let (key, moment) = (Bytes::from_static(b"b"), rig.moment());
        let released = rig.sessions.release(&key, moment).await.expect("released");
        assert!(released.is_some());
        rig.rows(&[], 20).await.expect("runs");
        assert_eq!(rig.outputs.len(), 3, "it fires");
    });
}

#[test]
fn a_batch_asks_the_store_once_for_all_its_keys_and_an_error_of_the_store_is_one_of_the_batch() {
    let many = [
        Hosting::Hosted { max: None },
        Hosting::Dedicated { max: 100 },
        Hosting::Auto { max: 100 },
    ];
    for hosting in many {
        on_threads(async {
            let store = Arc::new(Counting {
                inner: MemoryStore::new(),
                loads: AtomicUsize::new(0),
                broken: false.into(),
            });
            let (operator, shared) = (rolling(), Arc::clone(&store));
            let mut rig = Rig::on(shared, (&operator, false), hosting, Faults::default()).await;
            let rows: Vec<Input> = (0..50).map(|key| row(&format!("k{key}"), 1)).collect();
            rig.rows(&rows, 0).await.expect("runs");
            rig.rows(&rows, 0).await.expect("runs");
            assert_eq!(store.loads.load(Ordering::SeqCst), 1, "{hosting:?}");
            store.broken.store(true, Ordering::SeqCst);
            rig.rows(&rows, 0).await.expect("all are in memory");
            let failed = rig.rows(&[row("new", 1)], 0).await;
            assert!(failed.is_err(), "{hosting:?}");
        });
    }
}

#[test]
fn a_slow_dedicated_session_does_not_hold_up_the_others_of_its_batch() {
    on_threads(async {
        // The first key's row ends only after the last key's has run.
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = Arc::clone(&done);
        let faults = Faults::by_content(Arc::new(move |stage, record| {
            let (done, told) = &*shared;
            let mut done = done.lock();
            match (stage, record) {
                ("session", b"slow") => {
                    let waited = told.wait_while_for(&mut done, |done| !*done, PATIENCE);
                    assert!(!waited.timed_out(), "the others have not run meanwhile");
                }
                ("session-end", b"quick") => {
                    *done = true;
                    told.notify_all();
                }
                _ => {}
            }
        }));
        let hosting = Hosting::Dedicated { max: 10 };
        let mut rig = Rig::new(&rolling(), false, hosting, faults).await;
        let record = |key: &str, value, record: &str| Input {
            record: record.into(),
            ..row(key, value)
        };
        let rows = [record("a", 1, "slow"), row("b", 2), record("c", 3, "quick")];
        let worked = rig.rows(&rows, 0).await.expect("runs");
        assert!(worked.failed.is_empty());
        assert_eq!(
            sums(&mut rig),
            ["1", "2", "3"],
            "in the order of the rows all the same"
        );
    });
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_dedicated_session_whose_actor_ends_is_an_error_and_a_new_host_goes_on() {
    on_threads(async {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let faults = Faults::new(Arc::new(move |kind| {
            let fails = kind == "session" && counted.fetch_add(1, Ordering::SeqCst) == 4;
            assert!(!fails, "the actor itself fails");
        }));
        let hosting = Hosting::Dedicated { max: 10 };
        let mut rig = Rig::new(&rolling(), false, hosting, faults).await;
        rig.rows(&[row("a", 1), row("b", 1)], 0)
            .await
            .expect("runs");
        rig.close_and_commit().await;
        let failed = rig.rows(&[row("a", 1), row("b", 1)], 0).await;
        assert!(matches!(failed, Err(HostingError::Lost(_))), "{failed:?}");
        rig.outputs.clear();
        rig.restart();
        rig.rows(&[row("a", 1), row("b", 1)], 0)
            .await
            .expect("runs");
        assert_eq!(sums(&mut rig), ["2", "2"]);
    });
}
