//! Which heartbeats count.

use std::sync::Arc;

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::log::TopicSpec;
use crate::log::memory::MemoryLog;

fn beat(node: &str, at_ms: i64) -> Heartbeat {
    Heartbeat {
        node: node.to_owned(),
        topology: "till".into(),
        version: "1".into(),
        listen: Some("127.0.0.1:8080".into()),
        started_ms: 1,
        at_ms,
        tasks: Vec::new(),
        standby: Vec::new(),
    }
}

fn topic() -> TopicName {
    TopicName::parse("till.nodes").expect("a name")
}

/// A log with these records in the nodes' topic.
fn log(records: Vec<LogRecord>) -> Arc<dyn Log> {
    let log = MemoryLog::new();
    let spec = TopicSpec {
        name: topic(),
        partitions: 1,
        compacted: true,
        retention_ms: None,
        retention_bytes: None,
    };
    log.ensure_topic(&spec).expect("made");
    let mut producer = log.producer("till.nodes.n").expect("a producer");
    producer.begin().expect("begun");
    let sent = producer.send(&TopicPartition::new(topic(), 0), records);
    sent.expect("sent");
    producer.commit().expect("committed");
    Arc::new(log)
}

#[test]
fn the_last_word_of_each_node_counts_until_it_leaves_or_is_forgotten() {
    let now = FORGOTTEN_AFTER_MS + 100_000;
    let said = |node: &str, at_ms| record(node, Some(&beat(node, at_ms)), at_ms);
    let garbage = LogRecord::new(Some("n5".into()), Some("{".into()), now);
    let keyless = LogRecord::new(None, Some("{}".into()), now);
    let log = log(vec![
        said("n4", 99_999),
        said("n2", 200_000),
        said("n1", 300_000),
        said("n3", 400_000),
        record("n3", None, 500_000),
        said("n1", now - 1),
        garbage,
        keyless,
    ]);
    let latest = latest(&*log, &topic(), now).expect("readable");
    assert_eq!(latest, [beat("n1", now - 1), beat("n2", 200_000)]);
    let stale: Vec<bool> = latest.iter().map(|beat| beat.is_stale(now)).collect();
    assert_eq!(stale, [false, true]);
}

#[test]
fn a_topic_with_more_heartbeats_than_one_read_takes_is_read_to_its_end() {
    let now = SystemClock.now_ms();
    let many = (0..3 * READ_RECORDS).map(|n| {
        let node = format!("n{}", n % 7);
        let at_ms = now - 60_000 + i64::try_from(n).expect("small");
        record(&node, Some(&beat(&node, at_ms)), at_ms)
    });
    let log = log(many.collect());
    let latest = latest(&*log, &topic(), now).expect("readable");
    assert_eq!(latest.len(), 7);
    let newest = latest.iter().map(|beat| beat.at_ms).max();
    assert_eq!(newest, Some(now - 60_000 + 2_999));
}
