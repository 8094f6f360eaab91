//! What a restore must bring back: the committed state, whatever the store holds beforehand.

mod failing;
mod markers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Expectation, Progress, RestoreError, Restored, restore};
use crate::clock::ManualClock;
use crate::log::memory::MemoryLog;
use crate::log::{Log, LogRecord, TopicPartition, TopicSpec};
use crate::state::conformance::{content, entry};
use crate::state::{Entry, Marker, MemoryStore, Space, StateStore, TaskState};

use failing::FailingStore;

type Model = HashMap<(Space, Vec<u8>), Vec<u8>>;

const HASH: u64 = 42;
const CODEC: u16 = 1;
const EXPECTED: Expectation = Expectation {
    topology_hash: HASH,
    codec: CODEC,
    now_ms: 1_000_000,
    marker_age_ms_max: 1_000,
};

/// The changelogs of two keyed operators, and what they amount to.
struct Changelogs {
    log: MemoryLog,
    of: Vec<TopicPartition>,
    model: Model,
    epoch: u64,
}

impl Changelogs {
    fn new() -> Self {
        let log = MemoryLog::new();
        let of = ["changelog-0", "changelog-1"].map(|name| {
            let name = config::TopicName::parse(name).unwrap();
            log.ensure_topic(&TopicSpec {
                name: name.clone(),
                partitions: 1,
                compacted: true,
                retention_ms: None,
                retention_bytes: None,
            })
            .unwrap();
            TopicPartition::new(name, 0)
        });
        Self {
            log,
            of: of.to_vec(),
            model: Model::new(),
            epoch: 0,
        }
    }

    /// Commits an epoch; the next offsets.
    fn commit(&mut self, entries: &[Entry]) -> Vec<i64> {
        self.epoch += 1;
        let mut producer = self.log.producer("writer").unwrap();
        producer.begin().unwrap();
        for Entry { space, key, value } in entries {
            // The time is of no matter here, but deletes must not be old.
            let record = LogRecord::new(Some(key.clone()), value.clone(), i64::MAX / 2);
            let to = &self.of[usize::from(*space)];
            producer.send(to, vec![record]).unwrap();
            match value {
                Some(value) => self.model.insert((*space, key.to_vec()), value.to_vec()),
                None => self.model.remove(&(*space, key.to_vec())),
            };
        }
        producer.commit().unwrap();
        self.ends()
    }

    fn ends(&self) -> Vec<i64> {
        let end = |at: &TopicPartition| self.log.topic(&at.topic).unwrap().unwrap().ranges[0].end;
        self.of.iter().map(end).collect()
    }

    fn restore(&self, store: &dyn StateStore) -> Result<Restored, RestoreError> {
        restore(&self.log, store, &self.of, EXPECTED, &mut |_| ())
    }
}

fn keys(range: std::ops::Range<u32>, value: Option<&[u8]>) -> Vec<Entry> {
    let one = |i: u32| entry((i % 2) as Space, &i.to_be_bytes(), value);
    range.map(one).collect()
}

fn marker(changelog: Vec<i64>) -> Marker {
    Marker {
        epoch: 1,
        topology_hash: HASH,
        codec: CODEC,
        written_ms: EXPECTED.now_ms - 10,
        changelog,
        inputs: Vec::new(),
    }
}

#[test]
fn only_what_follows_a_usable_marker_is_replayed() {
    let mut changelogs = Changelogs::new();
    let store = MemoryStore::new();
    let first = keys(0..100, Some(b"first"));
    let ends = changelogs.commit(&first);
    store.put_epoch(&first, &marker(ends)).unwrap();
    let ends = changelogs.commit(&keys(50..60, None));

    let restored = changelogs.restore(&store).unwrap();
    assert_eq!((restored.replayed, restored.wiped), (10, None));
    assert_eq!(restored.changelog, ends);
    assert_eq!(content(&store), changelogs.model);
}

/// A store with a stale key that no changelog knows: it must be gone after a wipe.
fn check_wiped(spoil: impl FnOnce(&mut Marker), why: &str) {
    let mut changelogs = Changelogs::new();
    let ends = changelogs.commit(&keys(0..100, Some(b"x")));
    let mut marker = marker(ends);
    spoil(&mut marker);
    let store = MemoryStore::new();
    store
        .put_epoch(&[entry(0, b"stale", Some(b"stale"))], &marker)
        .unwrap();

    let restored = changelogs.restore(&store).unwrap();
    let cause = restored.wiped.unwrap_or_default();
    assert!(cause.contains(why), "\"{cause}\" says \"{why}\"");
    assert_eq!(restored.replayed, 100);
    assert_eq!(content(&store), changelogs.model);
    let marker = store.marker().unwrap().unwrap();
    assert_eq!((marker.topology_hash, marker.codec), (HASH, CODEC));
    assert_eq!(
        changelogs.restore(&store).unwrap().wiped,
        None,
        "now it is usable"
    );
}

#[test]
fn a_marker_that_does_not_belong_here_costs_a_whole_replay() {
    check_wiped(|marker| marker.topology_hash += 1, "another topology");
    check_wiped(|marker| marker.codec += 1, "encoding 2");
    check_wiped(|marker| marker.changelog[1] += 1, "changelog offset 51");
    check_wiped(|marker| marker.changelog[0] = -1, "changelog offset -1");
    check_wiped(
        |marker| marker.written_ms -= EXPECTED.marker_age_ms_max,
        "older",
    );
    check_wiped(|marker| marker.changelog.push(0), "other keyed operators");
}

#[test]
fn a_marker_before_the_logs_start_costs_a_whole_replay() {
    let mut changelogs = Changelogs::new();
    let ends = changelogs.commit(&keys(0..10, Some(b"old")));
    changelogs.commit(&keys(0..10, Some(b"new")));
    let store = MemoryStore::new();
    store
        .put_epoch(&[entry(0, b"stale", Some(b"stale"))], &marker(ends))
        .unwrap();
    changelogs.log.delete_before(&changelogs.of[0], 7).unwrap();
    let restored = changelogs.restore(&store).unwrap();
    assert!(restored.wiped.is_some());
    assert_eq!(restored.replayed, 3 + 10);
}

#[test]
fn an_interrupted_restore_goes_on_where_it_stopped() {
    let mut changelogs = Changelogs::new();
    changelogs.commit(&keys(0..50_000, Some(b"x")));
    let total = 50_000;
    let store = FailingStore::after(2);
    // The process dies: the third write never happens, nor does the wipe.
    assert!(changelogs.restore(&store).is_err());
    let restored = changelogs.restore(&store.inner).unwrap();
    assert_eq!(restored.wiped, None);
    assert_eq!(restored.replayed, total - 20_000);
    assert_eq!(content(&store.inner), changelogs.model);
}

#[test]
fn gaps_and_deletes_of_a_compacted_changelog_are_passed_over() {
    let mut changelogs = Changelogs::new();
    for round in 0..20_u8 {
        let value = (round % 4 != 3).then_some([round; 200]);
        let upper = 400 - u32::from(round) * 10;
        changelogs.commit(&keys(0..upper, value.as_ref().map(<[u8; 200]>::as_slice)));
    }
    changelogs.commit(&keys(3..5, Some(b"at the end")));
    while changelogs.log.maintain().unwrap().more {}
    let store = MemoryStore::new();
    let restored = changelogs.restore(&store).unwrap();
    assert!(
        restored.replayed < 2_000,
        "{} of 6,102 are left",
        restored.replayed
    );
    assert_eq!(restored.changelog, changelogs.ends());
    assert_eq!(content(&store), changelogs.model);
}

#[test]
fn the_changelogs_end_is_read_once() {
    let mut changelogs = Changelogs::new();
    let ends = changelogs.commit(&keys(0..30_000, Some(b"x")));
    let store = MemoryStore::new();
    let log = changelogs.log.clone();
    let of = changelogs.of.clone();
    let mut told = Vec::new();
    // The log grows at each step: a restore that ran after its end would never be done.
    let mut grow = |progress: Progress| {
        told.push(progress);
        assert!(told.len() < 100, "the restore runs after the log's end");
        changelogs.commit(&keys(0..20_000, Some(b"y")));
    };
    restore(&log, &store, &of, EXPECTED, &mut grow).unwrap();
    let total = u64::try_from(ends.iter().sum::<i64>()).unwrap();
    assert!(told.iter().all(|progress| progress.total == total));
    assert_eq!(told.last().unwrap().done, total);
    assert!(told.is_sorted_by_key(|progress| progress.done));
}

#[test]
fn a_store_that_fails_is_wiped_once_and_the_changelog_replayed() {
    let mut changelogs = Changelogs::new();
    changelogs.commit(&keys(0..30_000, Some(b"x")));
    let store = FailingStore {
        cured_by_wipe: true,
        ..FailingStore::after(1)
    };
    let restored = changelogs.restore(&store).unwrap();
    assert!(restored.wiped.unwrap().contains("made to fail"));
    assert_eq!(store.wipes.load(Ordering::Relaxed), 1);
    assert_eq!(restored.replayed, 30_000);
    assert_eq!(content(&store), changelogs.model);
}

#[test]
fn a_full_disk_costs_nothing_of_what_the_store_has() {
    let mut changelogs = Changelogs::new();
    changelogs.commit(&keys(0..30_000, Some(b"x")));
    let store = FailingStore {
        full: true,
        cured_by_wipe: true,
        ..FailingStore::after(2)
    };
    let error = changelogs.restore(&store).unwrap_err();
    assert!(matches!(error, RestoreError::Full(_)), "{error}");
    assert_eq!(store.wipes.load(Ordering::Relaxed), 0);
    // There is room again: the first changelog's 15,000 are there.
    let restored = changelogs.restore(&store.inner).unwrap();
    assert_eq!(restored.replayed, 15_000);
    assert_eq!(content(&store.inner), changelogs.model);
}

/// What may happen to a task's state.
#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<(Space, u8, Option<u8>)>),
    Flush,
    /// The process dies with the overlay; the store stays, or is lost too.
    Crash {
        store_lost: bool,
    },
    Compact,
}

fn step() -> impl Strategy<Value = Step> {
    let commit = prop::collection::vec((0..2_u16, 0..30_u8, any::<Option<u8>>()), 0..20);
    prop_oneof![
        6 => commit.prop_map(Step::Commit),
        3 => Just(Step::Flush),
        2 => any::<bool>().prop_map(|store_lost| Step::Crash { store_lost }),
        1 => Just(Step::Compact),
    ]
}

fn check(state: &TaskState, model: &Model) {
    let mut seen = Model::new();
    for space in 0..2 {
        let keys: Vec<Bytes> = (0..30_u8).map(|key| Bytes::from(vec![key])).collect();
        for (key, value) in keys.iter().zip(state.load_many(space, &keys).unwrap()) {
            let expected = model.get(&(space, key.to_vec())).map(Vec::as_slice);
            assert_eq!(value.as_deref(), expected, "{space} {key:?}");
        }
        let mut visit = |key: &[u8], value: &Bytes| {
            let twice = seen.insert((space, key.to_vec()), value.to_vec());
            assert!(twice.is_none(), "a key is visited once");
            true
        };
        state.scan(space, &mut visit).unwrap();
    }
    assert_eq!(&seen, model);
}

fn run(steps: Vec<Step>) {
    let clock = Arc::new(ManualClock::default());
    clock.set_ms(EXPECTED.now_ms);
    let mut changelogs = Changelogs::new();
    let mut store = Arc::new(MemoryStore::new());
    let task = |store: &Arc<MemoryStore>| {
        let store = Arc::clone(store) as Arc<dyn StateStore>;
        TaskState::new(
            store,
            HASH,
            CODEC,
            Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
        )
    };
    let mut state = task(&store);
    for step in steps {
        match step {
            Step::Commit(writes) => {
                let one = |(space, key, value): (Space, u8, Option<u8>)| {
                    let value = value.map(|value| vec![value; 5]);
                    entry(space, &[key], value.as_deref())
                };
                let entries: Vec<Entry> = writes.into_iter().map(one).collect();
                let ends = changelogs.commit(&entries);
                state.committed(changelogs.epoch, entries, &ends, Vec::new());
            }
            Step::Flush => {
                state.flush().unwrap();
                assert_eq!(state.overlay_bytes(), 0);
                assert_eq!(content(&*store), changelogs.model);
            }
            Step::Crash { store_lost } => {
                if store_lost {
                    store = Arc::new(MemoryStore::new());
                }
                let restored = changelogs.restore(&*store).unwrap();
                assert_eq!(restored.wiped, None);
                assert_eq!(restored.changelog, changelogs.ends());
                state = task(&store);
            }
            Step::Compact => while changelogs.log.maintain().unwrap().more {},
        }
        check(&state, &changelogs.model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_task_has_its_committed_state_through_flushes_crashes_and_restores(
        steps in prop::collection::vec(step(), 1..30)
    ) {
        run(steps);
    }
}
