//! What every log of this process promises, as tests over any of them.

use std::time::Duration;

use bytes::Bytes;
use config::{Start, TopicName};

use super::embedded::{EmbeddedLog, EmbeddedOptions};
use super::memory::MemoryLog;
use super::{ConsumerSettings, Log, LogRecord, Polled, TopicPartition, TopicSpec};

fn name(text: &str) -> TopicName {
    TopicName::parse(text).expect("a topic name")
}

fn record(key: &str, value: &str, timestamp: i64) -> LogRecord {
    let bytes = |text: &str| Some(Bytes::copy_from_slice(text.as_bytes()));
    LogRecord::new(bytes(key), bytes(value), timestamp)
}

#[test]
fn a_committed_record_is_read_by_a_consumer() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
    check(&MemoryLog::new());
    check(&embedded);
    drop(embedded);
    let embedded = EmbeddedLog::open(dir.path(), EmbeddedOptions::default()).unwrap();
    let at = TopicPartition::new(name("t"), 1);
    let fetched = embedded.read(&at, 0, 10, 1000).unwrap();
    assert_eq!(fetched.next_offset, 1);
    assert_eq!(fetched.records[0].value.as_deref(), Some(&b"v"[..]));
}

fn check(log: &dyn Log) {
    let spec = TopicSpec {
        name: name("t"),
        partitions: 2,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    assert!(log.ensure_topic(&spec).unwrap());
    let at = TopicPartition::new(name("t"), 1);
    let mut producer = log.producer("p").unwrap();
    producer.begin().unwrap();
    producer.send(&at, vec![record("k", "v", 5)]).unwrap();
    let settings = ConsumerSettings {
        group: "g".into(),
        topics: vec![(name("t"), Start::Earliest)],
        max_records: 10,
        max_bytes: 1000,
    };
    let mut consumer = log.consumer(&settings).unwrap();
    assert!(matches!(
        consumer.poll(Duration::ZERO).unwrap(),
        Polled::Assigned(p) if p.len() == 2
    ));
    assert!(matches!(
        consumer.poll(Duration::ZERO).unwrap(),
        Polled::Nothing
    ));
    producer.commit().unwrap();
    let Polled::Records(from, fetched) = consumer.poll(Duration::ZERO).unwrap() else {
        panic!("records");
    };
    assert_eq!(from, at);
    assert_eq!(fetched.next_offset, 1);
    assert_eq!(fetched.records[0].value.as_deref(), Some(&b"v"[..]));
}
