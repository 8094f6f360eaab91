//! A real broker: what a committed transaction wrote is read, what an aborted one wrote is not; and
//! the command line and the daemon on it.

mod at_least_once;
mod changes;
mod chaos;
mod commands;
mod disk_full;
mod leftover;
mod nodes;
mod patterns;
mod records;
mod restoring;
mod secured;
mod starting;

use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message};

use crate::http::till;

const WITHIN: Duration = Duration::from_secs(30);

#[expect(
    clippy::print_stderr,
    clippy::panic,
    reason = "a skipped test says so loudly"
)]
/// The brokers to test against; says loudly that there are none.
pub(super) fn brokers() -> Option<String> {
    match std::env::var("THALWEG_TEST_BROKERS") {
        Ok(brokers) if !brokers.is_empty() => Some(brokers),
        _ if std::env::var("THALWEG_REQUIRE_KAFKA").is_ok_and(|v| v == "1") => {
            panic!("THALWEG_TEST_BROKERS names no cluster, and one is required");
        }
        _ => {
            eprintln!("SKIPPED: no Kafka: THALWEG_TEST_BROKERS names no cluster (see tests/run)");
            None
        }
    }
}

fn write(producer: &BaseProducer, topic: &str, value: &str) {
    producer.begin_transaction().expect("a transaction begins");
    producer
        .send(BaseRecord::to(topic).key("k").payload(value))
        .expect("queued");
    producer.flush(WITHIN).expect("delivered");
}

#[test]
fn a_reader_of_committed_records_sees_no_aborted_ones() {
    let Some(brokers) = brokers() else { return };
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &brokers);
    let topic = format!("thalweg-test-{}", std::process::id());
    let admin: AdminClient<DefaultClientContext> = config.create().expect("an admin client");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let created = runtime.expect("a runtime").block_on(admin.create_topics(
        [&NewTopic::new(&topic, 1, TopicReplication::Fixed(1))],
        &AdminOptions::new().operation_timeout(Some(WITHIN)),
    ));
    assert!(
        created
            .expect("the broker answers")
            .iter()
            .all(Result::is_ok)
    );
    let producer: BaseProducer = config
        .clone()
        .set("transactional.id", &topic)
        .create()
        .expect("a producer");
    producer.init_transactions(WITHIN).expect("transactions");
    write(&producer, &topic, "aborted");
    producer.abort_transaction(WITHIN).expect("aborted");
    write(&producer, &topic, "committed");
    producer.commit_transaction(WITHIN).expect("committed");
    let consumer: BaseConsumer = config
        .set("group.id", &topic)
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[&topic]).expect("subscribed");
    let deadline = Instant::now() + WITHIN;
    let value = loop {
        assert!(Instant::now() < deadline, "nothing to read");
        if let Some(message) = consumer.poll(Duration::from_millis(200)) {
            break message
                .expect("readable")
                .payload()
                .expect("a value")
                .to_vec();
        }
    };
    assert_eq!(value, b"committed");
}

/// The till on brokers, with a name and topics that no other test has; written to a folder of its own.
struct Till {
    dir: tempfile::TempDir,
    /// The topology file.
    file: String,
    /// The topology's name; its topics begin with it.
    name: String,
    brokers: String,
}

impl Till {
    /// `log` are more keys of `[log]`.
    fn on(brokers: &str, name: &str, log: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let name = format!("{name}-{}", std::process::id());
        let whole = std::fs::read_to_string(till()).expect("the topology");
        let text = whole
            .replace("name = \"till\"", &format!("name = \"{name}\""))
            .replace(
                "topic = \"payments\"",
                &format!("topic = \"{name}.payments\""),
            )
            .replace("topic = \"alerts\"", &format!("topic = \"{name}.alerts\""));
        let list: Vec<String> = brokers.split(',').map(|b| format!("\"{b}\"")).collect();
        let list = list.join(", ");
        let text = format!("{text}\n[log]\nkind = \"kafka\"\nbrokers = [{list}]\n{log}\n");
        let file = dir.path().join("till.toml");
        std::fs::write(&file, text).expect("written");
        Self {
            file: file.display().to_string(),
            dir,
            name,
            brokers: brokers.to_owned(),
        }
    }

    fn data(&self) -> String {
        self.dir.path().join("data").display().to_string()
    }

    fn topic(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.name)
    }
}
