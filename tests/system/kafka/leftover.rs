//! What a killed node left open is ended by the node that takes over, long before it times out.

use std::path::Path;

use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::json;
use tests::daemon::Daemon;

use super::{Till, WITHIN, brokers};
use crate::cli::ok;
use crate::cli::topic::{feed, lines};

/// A producer under an id of the dead node. Its transactions may be open for longer than any test waits.
fn producer(till: &Till, id: &str) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &till.brokers)
        .set("transactional.id", till.topic(id))
        .set("transaction.timeout.ms", "600000")
        .create()
        .expect("a producer");
    producer.init_transactions(WITHIN).expect("transactions");
    producer.begin_transaction().expect("begun");
    producer
}

fn send(producer: &BaseProducer, topic: &str, partition: i32, key: &str, value: &str) {
    let record = BaseRecord::to(topic).partition(partition).key(key);
    producer.send(record.payload(value)).expect("queued");
    producer.flush(WITHIN).expect("delivered");
}

#[test]
fn a_dead_nodes_open_transaction_does_not_hold_its_successor_back() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "leftover", "");
    ok(&["apply", &till.file]);
    // The dead node ran both tasks, and was writing to their changelogs.
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
    let task = |name: &str| json!({ "name": name, "positions": [], "restoring": null });
    let said = json!({
        "node": "dead", "topology": till.name, "version": "0", "listen": null, "started_ms": 0,
        "at_ms": i64::try_from(now.as_millis()).expect("soon"),
        "tasks": [task("part-0-0"), task("part-0-1")],
    });
    let beats = producer(&till, "nodes.dead");
    send(&beats, &till.topic("nodes"), 0, "dead", &said.to_string());
    beats.commit_transaction(WITHIN).expect("committed");
    let dead = producer(&till, "shard.dead");
    for partition in 0..2 {
        send(
            &dead,
            &till.topic("history.changelog"),
            partition,
            "card",
            "never committed",
        );
    }

    let mut daemon = Daemon::start(Path::new(&till.file), till.data().as_ref(), &[]);
    feed(
        &[
            "topic",
            "write",
            &till.topic("payments"),
            "--data-dir",
            &till.data(),
        ],
        &lines(50),
    );
    let path = format!("/v1/topics/{}/records", till.topic("alerts"));
    daemon.wait("decisions", |daemon| {
        let records = daemon.get(&path).json();
        (records.as_array()?.len() >= 50).then_some(())
    });
    assert!(
        daemon.log().contains("holds a task back: ending it"),
        "{}",
        daemon.log()
    );
    // The zombie is fenced: what it had is gone, and it is told so.
    let told = dead.commit_transaction(WITHIN);
    let fenced = matches!(
        &told,
        Err(KafkaError::Transaction(error))
            if matches!(error.code(), RDKafkaErrorCode::Fenced | RDKafkaErrorCode::InvalidProducerEpoch)
    );
    assert!(fenced, "{told:?}");
}
