//! The log on a real broker: what every log promises, as far as it is Kafka's to keep, and what only
//! Kafka has. Records are written by a plain client, not by the producer of this module.
//!
//! Brokers are those of `THALWEG_TEST_BROKERS` (`tests/run` starts some); without, each test says
//! that it was skipped. Topics have names of their own, so any cluster may be used.

mod reading;
mod topics;
mod transactions;
mod members;
mod unreachable;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use config::{KafkaSettings, TopicName};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{KafkaLog, NodeIdentity};
use crate::clock::{Clock, SystemClock};
use crate::log::{Log, LogError, LogRecord, OffsetRange, TopicPartition, TopicSpec};

const WITHIN: Duration = Duration::from_secs(30);

/// A log on the brokers of the environment.
struct Subject {
    log: KafkaLog,
    brokers: String,
}

impl Subject {
    /// `None` if there are no brokers, which it says loudly.
    fn new() -> Option<Self> {
        let brokers = std::env::var("THALWEG_TEST_BROKERS").unwrap_or_default();
        if brokers.is_empty() {
            let required = std::env::var("THALWEG_REQUIRE_KAFKA").is_ok_and(|v| v == "1");
            assert!(
                !required,
                "THALWEG_TEST_BROKERS names no cluster, and one is required"
            );
            eprintln!("SKIPPED: no Kafka: THALWEG_TEST_BROKERS names no cluster (see tests/run)");
            return None;
        }
        let log = connect(&brokers);
        Some(Self { log, brokers })
    }

    /// A topic that no one else has.
    fn topic(&self, partitions: u32) -> TopicName {
        let name = unique();
        assert!(
            self.log
                .ensure_topic(&spec(&name, partitions))
                .expect("created")
        );
        name
    }

    /// A transactional producer that is none of ours.
    fn producer(&self) -> BaseProducer {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("transactional.id", unique().as_str())
            .set("transaction.timeout.ms", "10000")
            .create()
            .expect("a producer");
        producer.init_transactions(WITHIN).expect("transactions");
        producer
    }

    /// Commits values to a partition in a transaction of their own.
    fn commit(&self, producer: &BaseProducer, at: &TopicPartition, values: &[&str]) {
        producer.begin_transaction().expect("begun");
        self.write(producer, at, values);
        producer.commit_transaction(WITHIN).expect("committed");
        self.visible(at);
    }

    /// Waits until what is decided can be seen: brokers write a transaction's marker to its
    /// partitions after they have answered the producer.
    fn visible(&self, at: &TopicPartition) {
        let written = self.log.settled(std::slice::from_ref(at));
        written.expect("no open transaction");
    }

    /// Writes values into the open transaction, and waits until the broker has them.
    fn write(&self, producer: &BaseProducer, at: &TopicPartition, values: &[&str]) {
        for value in values {
            let record = BaseRecord::to(at.topic.as_str())
                .partition(i32::try_from(at.partition).expect("small"))
                .key("k")
                .payload(*value);
            producer.send(record).expect("queued");
        }
        producer.flush(WITHIN).expect("delivered");
    }

    fn range(&self, at: &TopicPartition) -> OffsetRange {
        let info = self
            .log
            .topic(&at.topic)
            .expect("an answer")
            .expect("the topic");
        info.ranges[at.partition as usize]
    }

    /// Reads to the end, a few records at a time.
    fn read_all(&self, at: &TopicPartition) -> Vec<LogRecord> {
        let (mut records, mut next) = (Vec::new(), 0);
        loop {
            let fetched = self.log.read(at, next, 7, 1 << 20).expect("readable");
            if fetched.records.is_empty() {
                return records;
            }
            records.extend(fetched.records);
            assert!(fetched.next_offset > next);
            next = fetched.next_offset;
        }
    }
}

fn connect(brokers: &str) -> KafkaLog {
    let settings = KafkaSettings::of(brokers.split(',').map(str::to_owned).collect());
    let node = NodeIdentity {
        id: "test".into(),
        static_membership: false,
    };
    KafkaLog::connect(&settings, node).expect("librdkafka takes the settings")
}

/// A name that no other test of any process has.
fn unique() -> TopicName {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let nth = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = now_ms();
    let text = format!("test-{}-{now}-{nth}", std::process::id());
    TopicName::parse(&text).expect("a name")
}

fn now_ms() -> i64 {
    SystemClock.now_ms()
}

fn spec(name: &TopicName, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.clone(),
        partitions,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    }
}

fn at(topic: &TopicName, partition: u32) -> TopicPartition {
    TopicPartition::new(topic.clone(), partition)
}

fn values(records: &[LogRecord]) -> Vec<String> {
    let value = |record: &LogRecord| {
        let value = record.value.as_deref().unwrap_or_default();
        String::from_utf8(value.to_vec()).expect("text")
    };
    records.iter().map(value).collect()
}
