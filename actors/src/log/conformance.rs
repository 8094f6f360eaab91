//! What every log of this process promises, as tests that run over each of them.

mod transactions;
mod consumers;
mod reading;
mod maintenance;
mod model;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{Start, TopicName};
use tempfile::TempDir;

use super::embedded::{EmbeddedLog, EmbeddedOptions};
use super::memory::{Faults, MemoryLog};
use super::{
    Consumer, ConsumerSettings, Fetched, Headers, HeadersBuilder, Log, LogError, LogRecord,
    Maintained, OffsetCommit, OffsetRange, Polled, Producer, TopicPartition, TopicSpec,
};
use crate::clock::ManualClock;

/// A log under test with its clock, and how its concrete type is asked to maintain itself.
struct Subject {
    log: Arc<dyn Log>,
    clock: Arc<ManualClock>,
    maintain_once: Box<dyn Fn() -> Result<Maintained, LogError>>,
    /// Of the embedded log.
    dir: Option<TempDir>,
}

/// Runs a test over each log.
fn each_log(test: impl Fn(&Subject)) {
    for subject in [Subject::memory(), Subject::embedded()] {
        println!(
            "over {}",
            if subject.dir.is_some() {
                "embedded"
            } else {
                "memory"
            }
        );
        test(&subject);
    }
}

impl Subject {
    fn memory() -> Self {
        let clock = Arc::new(ManualClock::default());
        let log = MemoryLog::with(Faults::none(), clock.clone());
        Self {
            log: Arc::new(log.clone()),
            clock,
            maintain_once: Box::new(move || log.maintain()),
            dir: None,
        }
    }

    fn embedded() -> Self {
        Self::embedded_in(
            tempfile::tempdir().unwrap(),
            Arc::new(ManualClock::default()),
        )
    }

    fn embedded_in(dir: TempDir, clock: Arc<ManualClock>) -> Self {
        let options = EmbeddedOptions {
            clock: clock.clone(),
            // Small, so that tests read from sled as well.
            cache_bytes: 128 * 1024,
            ..EmbeddedOptions::default()
        };
        let log = EmbeddedLog::open(dir.path(), options).unwrap();
        Self {
            log: Arc::new(log.clone()),
            clock,
            maintain_once: Box::new(move || log.maintain()),
            dir: Some(dir),
        }
    }

    /// Closes and opens the log; one in memory stays as it is.
    fn reopened(self) -> Self {
        let Self {
            log,
            clock,
            maintain_once,
            dir,
        } = self;
        match dir {
            None => Self {
                log,
                clock,
                maintain_once,
                dir,
            },
            Some(dir) => {
                drop((log, maintain_once));
                Self::embedded_in(dir, clock)
            }
        }
    }

    fn maintain(&self) {
        while (self.maintain_once)().unwrap().more {}
    }

    fn create(&self, topic: &str, partitions: u32) {
        assert!(self.log.ensure_topic(&spec(topic, partitions)).unwrap());
    }

    /// Appends in a transaction of its own.
    fn append(&self, to: &TopicPartition, records: Vec<LogRecord>) {
        let mut producer = self.log.producer("appender").unwrap();
        producer.begin().unwrap();
        producer.send(to, records).unwrap();
        producer.commit().unwrap();
    }

    fn read_all(&self, at: &TopicPartition) -> Vec<LogRecord> {
        self.read(at, 0).records
    }

    fn read(&self, at: &TopicPartition, from: i64) -> Fetched {
        self.log.read(at, from, usize::MAX, usize::MAX).unwrap()
    }

    fn range(&self, at: &TopicPartition) -> OffsetRange {
        let info = self.log.topic(&at.topic).unwrap().expect("the topic");
        info.ranges[at.partition as usize]
    }

    /// A consumer that has heard of its partitions.
    fn consumer(&self, group: &str, topic: &str, start: Start) -> Box<dyn Consumer> {
        let mut consumer = self.log.consumer(&settings(group, topic, start)).unwrap();
        let polled = consumer.poll(Duration::ZERO).unwrap();
        assert!(matches!(polled, Polled::Assigned(_)), "{polled:?}");
        consumer
    }
}

fn settings(group: &str, topic: &str, start: Start) -> ConsumerSettings {
    ConsumerSettings {
        group: group.to_owned(),
        topics: vec![(name(topic), start)],
        max_records: 4,
        max_bytes: 1024 * 1024,
        together: false,
    }
}

fn name(text: &str) -> TopicName {
    TopicName::parse(text).expect("a topic name")
}

fn at(topic: &str, partition: u32) -> TopicPartition {
    TopicPartition::new(name(topic), partition)
}

fn spec(topic: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name(topic),
        partitions,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A record whose value is a text.
fn text(value: &str) -> LogRecord {
    LogRecord::new(None, Some(bytes(value)), 0)
}

fn keyed(key: &str, value: &str, timestamp: i64) -> LogRecord {
    LogRecord::new(Some(bytes(key)), Some(bytes(value)), timestamp)
}

fn headers(pairs: &[(&str, &[u8])]) -> Headers {
    let mut builder = HeadersBuilder::default();
    pairs
        .iter()
        .for_each(|(name, value)| builder.push(name, value));
    builder.finish()
}

fn values(records: &[LogRecord]) -> Vec<String> {
    let value = |r: &LogRecord| String::from_utf8(r.value.clone().unwrap().to_vec()).unwrap();
    records.iter().map(value).collect()
}

fn commit_of(at: &TopicPartition, offset: i64, metadata: &str) -> OffsetCommit {
    OffsetCommit {
        at: at.clone(),
        offset,
        metadata: metadata.to_owned(),
    }
}

/// The next records, of whichever partition.
fn next_records(consumer: &mut dyn Consumer) -> Option<(TopicPartition, Vec<LogRecord>)> {
    match consumer.poll(Duration::ZERO).unwrap() {
        Polled::Records(at, fetched) => Some((at, fetched.records)),
        Polled::Nothing => None,
        other => panic!("{other:?} instead of records"),
    }
}

/// Sends offsets alone in a transaction.
fn commit_offsets(
    producer: &mut dyn Producer,
    group: &str,
    offsets: &[OffsetCommit],
    consumer: &dyn Consumer,
) -> Result<(), LogError> {
    producer.begin()?;
    producer.send_offsets(group, offsets, Some(&consumer.token()?))?;
    producer.commit()
}
