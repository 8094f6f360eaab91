//! A source of what matches a pattern: topics that come are taken up, from their first record; those
//! that the topology writes are not.

use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord, TopicSpec};
use actors::nodes::faults::Faults;
use config::TopicName;
use serde_json::Value;
use tests::inside::{self, Running};

const CUSTOMERS: usize = 8;

fn create(log: &MemoryLog, topic: &str, partitions: u32) {
    let spec = TopicSpec {
        name: TopicName::parse(topic).expect("a name"),
        partitions,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    assert!(log.ensure_topic(&spec).expect("created"));
}

/// An order of each customer.
fn order(log: &MemoryLog, topic: &str) {
    let record = |nth| {
        let customer = format!("c{nth}");
        let value = format!(r#"{{"customer":"{customer}"}}"#);
        LogRecord::new(Some(customer.into()), Some(value.into()), 0)
    };
    inside::append(log, topic, (0..CUSTOMERS).map(record).collect());
}

/// How many orders of each customer are told, sorted: of `n` rounds, each of 1 to `n` for every customer.
fn told(log: &MemoryLog) -> Vec<(String, u64)> {
    let values = inside::values(log, "orders-totals").concat();
    let mut told: Vec<(String, u64)> = values
        .iter()
        .map(|value| {
            let row: Value = serde_json::from_str(value).expect("JSON");
            let customer = row["customer"].as_str().expect("a customer").to_owned();
            (customer, row["orders"].as_u64().expect("a count"))
        })
        .collect();
    told.sort();
    told
}

fn rounds(rounds: u64) -> Vec<(String, u64)> {
    let customers = (0..CUSTOMERS).map(|nth| format!("c{nth}"));
    let all = customers.flat_map(|c| (1..=rounds).map(move |round| (c.clone(), round)));
    all.collect()
}

async fn until(running: &Running, log: &MemoryLog, expected: u64) {
    let what = format!("{expected} orders of each customer");
    let count = CUSTOMERS * usize::try_from(expected).expect("small");
    running
        .until(&what, || (told(log).len() >= count).then_some(()))
        .await;
    assert_eq!(told(log), rounds(expected), "once, on one state");
}

#[test]
fn topics_that_come_to_match_are_read_from_their_first_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = MemoryLog::new();
    let start = || {
        let topology = inside::topology(include_str!("topologies/orders.toml"));
        Running::start(
            topology,
            Arc::new(log.clone()),
            dir.path(),
            Faults::default(),
        )
    };
    inside::block_on(async {
        // Nothing matches yet: it runs, and reads nothing.
        let running = start().await;
        create(&log, "orders-eu", 2);
        create(&log, "orders", 2);
        order(&log, "orders-eu");
        order(&log, "orders");
        until(&running, &log, 1).await;
        // One beside it, and one that has another number of partitions.
        create(&log, "orders-us", 2);
        create(&log, "orders-odd", 3);
        order(&log, "orders-us");
        order(&log, "orders-odd");
        order(&log, "orders-eu");
        until(&running, &log, 3).await;
        running.stop().await;
        // And one that comes while nobody looks.
        create(&log, "orders-asia", 2);
        order(&log, "orders-asia");
        let running = start().await;
        until(&running, &log, 4).await;
        let origins = inside::records(&log, "orders-totals").concat();
        let origins = origins.iter().filter_map(|record| {
            let mut headers = record.headers.iter();
            let origin = headers.find(|(name, _)| *name == "thalweg.input")?.1;
            Some(
                String::from_utf8_lossy(origin)
                    .split('/')
                    .next()?
                    .to_owned(),
            )
        });
        let mut origins: Vec<String> = origins.collect();
        origins.sort();
        origins.dedup();
        assert_eq!(origins, ["orders-asia", "orders-eu", "orders-us"]);
        running.stop().await;
    });
}
