//! Faults are of use if the protocol of design — read, write and offsets in one transaction, and after
//! trouble go back to what is committed — is exactly once in spite of them.

use std::time::Duration;

use bytes::Bytes;
use config::{Start, TopicName};

use super::{Faults, MemoryLog};
use crate::clock::SystemClock;
use crate::log::{
    Consumer, ConsumerSettings, Log, LogError, LogRecord, OffsetCommit, Polled, Producer, Remedy,
    TopicPartition, TopicSpec,
};

const RECORDS: i64 = 300;

#[test]
fn a_copy_that_goes_back_to_committed_offsets_is_exact_whatever_goes_wrong() {
    for seed in 0..40 {
        let (copied, _) = copy_with(Faults::all(seed, 0.15));
        assert_eq!(copied, (0..RECORDS).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let run = |seed| copy_with(Faults::all(seed, 0.15)).1;
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn each_fault_happens_when_it_is_likely_and_none_when_not_asked_for() {
    assert!(copy_with(Faults::none()).1.is_empty());
    let check = |set: fn(&mut Faults), expect: &str| {
        let mut faults = Faults::none();
        set(&mut faults);
        let (_, happened) = copy_with(faults);
        assert!(
            happened.iter().any(|what| what == expect),
            "{expect}: {happened:?}"
        );
    };
    check(|faults| faults.delay = 0.5, "nothing");
    check(|faults| faults.poll_error = 0.5, "unavailable");
    check(|faults| faults.duplicate = 0.5, "duplicate");
    check(|faults| faults.rebalance = 0.5, "revoked");
    check(|faults| faults.abort = 0.5, "aborted");
    check(|faults| faults.fence = 0.5, "fenced");
    check(|faults| faults.unknown_committed = 0.5, "unknown");
    check(|faults| faults.unknown_lost = 0.5, "unknown");
}

/// Copies numbers from one topic to another, a poll a transaction. Returns the copy and what went wrong.
fn copy_with(faults: Faults) -> (Vec<i64>, Vec<String>) {
    let log = MemoryLog::with(faults, std::sync::Arc::new(SystemClock));
    let clean = log.without_faults();
    let [input, output] = ["in", "out"].map(|topic| create(&clean, topic));
    fill(&clean, &input);
    let mut copier = Copier::open(&log, input.clone(), output.clone());
    let mut events = Vec::new();
    while copier.committed() < RECORDS {
        if let Err(error) = copier.step(&mut events) {
            events.push(event(&error).to_owned());
            match error.remedy() {
                Remedy::Retry => {}
                Remedy::Abort => copier.rewind(),
                Remedy::Reopen => copier = Copier::open(&log, input.clone(), output.clone()),
                Remedy::Stop => panic!("{error}"),
            }
        }
    }
    let copied = clean.read(&output, 0, usize::MAX, usize::MAX).unwrap();
    let number = |r: LogRecord| String::from_utf8(r.value?.to_vec()).ok()?.parse().ok();
    (
        copied.records.into_iter().filter_map(number).collect(),
        events,
    )
}

struct Copier {
    log: MemoryLog,
    consumer: Box<dyn Consumer>,
    producer: Box<dyn Producer>,
    input: TopicPartition,
    output: TopicPartition,
    /// Records before this are dealt with.
    next: i64,
}

impl Copier {
    fn open(log: &MemoryLog, input: TopicPartition, output: TopicPartition) -> Self {
        let settings = ConsumerSettings {
            group: "copy".into(),
            topics: vec![(input.topic.clone(), Start::Earliest)],
            max_records: 7,
            max_bytes: 1_000,
            together: false,
        };
        let mut copier = Self {
            log: log.clone(),
            consumer: log.consumer(&settings).unwrap(),
            producer: log.producer("copy").unwrap(),
            input,
            output,
            next: 0,
        };
        copier.next = copier.committed();
        copier
    }

    fn committed(&self) -> i64 {
        let committed = self
            .log
            .committed("copy", std::slice::from_ref(&self.input))
            .unwrap();
        committed[0]
            .as_ref()
            .map_or(0, |committed| committed.offset)
    }

    fn rewind(&mut self) {
        self.next = self.committed();
        self.consumer.seek(&self.input, self.next).unwrap();
    }

    fn step(&mut self, events: &mut Vec<String>) -> Result<(), LogError> {
        let (at, fetched) = match self.consumer.poll(Duration::ZERO)? {
            Polled::Records(at, fetched) => (at, fetched),
            Polled::Nothing => {
                events.push("nothing".into());
                return Ok(());
            }
            Polled::Revoked { .. } => {
                events.push("revoked".into());
                return Ok(());
            }
            Polled::Assigned(_) => {
                self.next = self.committed();
                return Ok(());
            }
        };
        let fresh = fetched
            .records
            .into_iter()
            .filter(|record| record.offset >= self.next);
        let fresh: Vec<LogRecord> = fresh.collect();
        if fresh.is_empty() {
            events.push("duplicate".into());
            return Ok(());
        }
        let offsets = [OffsetCommit {
            at,
            offset: fetched.next_offset,
            metadata: String::new(),
        }];
        self.producer.begin()?;
        self.producer.send(&self.output, fresh)?;
        self.producer
            .send_offsets("copy", &offsets, Some(&self.consumer.token()?))?;
        self.producer.commit()?;
        self.next = fetched.next_offset;
        Ok(())
    }
}

fn event(error: &LogError) -> &'static str {
    match error {
        LogError::Unavailable(_) => "unavailable",
        LogError::Aborted(_) => "aborted",
        LogError::Fenced(_) => "fenced",
        LogError::UnknownOutcome(_) => "unknown",
        other => panic!("{other}"),
    }
}

fn create(log: &MemoryLog, topic: &str) -> TopicPartition {
    let name = TopicName::parse(topic).unwrap();
    log.ensure_topic(&TopicSpec {
        name: name.clone(),
        partitions: 1,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    })
    .unwrap();
    TopicPartition::new(name, 0)
}

fn fill(log: &MemoryLog, to: &TopicPartition) {
    let number = |i: i64| LogRecord::new(None, Some(Bytes::from(i.to_string())), i);
    let mut producer = log.producer("fill").unwrap();
    producer.begin().unwrap();
    producer
        .send(to, (0..RECORDS).map(number).collect())
        .unwrap();
    producer.commit().unwrap();
}
