//! Warm copies: what they save, and that they leave alone what runs here.

use bytes::Bytes;
use config::TopicName;

use super::*;
use crate::clock::SystemClock;
use crate::log::memory::MemoryLog;
use crate::log::{LogRecord, TopicSpec};
use crate::state::store::Entry;

const TASK: TaskId = TaskId {
    sub_topology: 0,
    partition: 0,
};

/// A changelog, and what one node keeps of it.
struct Fixture {
    log: MemoryLog,
    at: [TopicPartition; 1],
    states: States,
}

impl Fixture {
    fn new() -> Self {
        let log = MemoryLog::new();
        let name = TopicName::parse("till.history.changelog").expect("a name");
        let spec = TopicSpec {
            name: name.clone(),
            partitions: 1,
            compacted: true,
            retention_ms: None,
            retention_bytes: None,
        };
        log.ensure_topic(&spec).expect("made");
        Self {
            log,
            at: [TopicPartition::new(name, 0)],
            states: States::new(Arc::new(SystemClock), crate::state::memory::stores(), 1),
        }
    }

    /// The task's owner, here or elsewhere, commits these values of keys `0..`.
    fn commit(&self, values: &[&'static str]) {
        let mut producer = self.log.producer("owner").expect("a producer");
        producer.begin().expect("begun");
        let record = |(key, value): (usize, &&'static str)| {
            LogRecord::new(Some(Bytes::from(key.to_string())), Some((*value).into()), 1)
        };
        let records = values.iter().enumerate().map(record).collect();
        producer.send(&self.at[0], records).expect("sent");
        producer.commit().expect("committed");
    }

    fn follow(&self) -> bool {
        let ranges = self.log.settled(&self.at).expect("readable");
        let followed = self
            .states
            .follow(TASK, "t-0", &self.log, &self.at, &ranges);
        followed.expect("followed")
    }

    /// As the group gives the task to this node. Returns the records replayed.
    fn open(&self) -> u64 {
        self.states.set_claimed(&[TASK]);
        let opened = (self.states).open(TASK, "t-0", &self.log, &self.at, &mut |_| {});
        opened.expect("opened").replayed
    }

    fn value(&self, key: &'static str) -> Option<Bytes> {
        let state = self.states.current(TASK).expect("open");
        state.get(0, &key.into()).expect("readable")
    }
}

#[test]
fn a_task_that_was_followed_replays_only_what_came_since() {
    let it = Fixture::new();
    it.commit(&["a", "b", "c"]);
    assert!(it.follow());
    it.commit(&["d"]);
    assert_eq!(it.open(), 1);
    assert_eq!(it.value("0"), Some("d".into()));
    assert_eq!(it.value("2"), Some("c".into()));
}

#[test]
fn the_state_of_a_task_that_runs_here_is_never_taken_away() {
    let it = Fixture::new();
    it.commit(&["a"]);
    assert_eq!(it.open(), 1);
    it.commit(&["b"]);
    assert!(!it.follow());
    assert_eq!(it.value("0"), Some("a".into()), "as its owner knows it");
}

#[test]
fn what_was_committed_here_is_not_written_over_what_another_owner_committed_later() {
    let it = Fixture::new();
    it.commit(&["a"]);
    it.open();
    // An epoch of this node: in the changelog and in memory, not yet in the store.
    it.commit(&["b"]);
    let old = it.states.current(TASK).expect("open");
    let entry = Entry {
        space: 0,
        key: "0".into(),
        value: Some("b".into()),
    };
    let ends = it.log.settled(&it.at).expect("readable");
    old.committed(1, vec![entry], &[ends[0].end], Vec::new());
    it.states.committed(TASK, &old, &[ends[0].end]);
    // The task goes, and its new owner commits.
    it.states.set_claimed(&[]);
    it.commit(&["c"]);
    assert!(it.follow());
    assert!(it.states.current(TASK).is_err(), "it is another's");
    old.flush().expect("nothing is left to write");
    assert_eq!(it.open(), 0);
    assert_eq!(it.value("0"), Some("c".into()));
}
