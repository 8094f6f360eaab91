//! Records as other clients write and read them: headers, timestamps, and values that are missing.

use std::time::Instant;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::{Till, WITHIN, brokers};
use crate::cli::ok;

#[test]
fn timestamps_are_event_times_headers_are_told_and_deletes_are_counted() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "plain-clients", "");
    // Event time is the record's own: there is no time column.
    let text = std::fs::read_to_string(&till.file).expect("written");
    let text = text.replace("time = { column = \"ts\", unit = \"ms\" }\n", "");
    let text = text.replace("feed = { kind = \"http\" }\n", "");
    let text = text.replace("ts = \"timestamp\"\n", "");
    let sink = format!("topic = \"{}\"\n", till.topic("alerts"));
    let headers = format!("{sink}headers = {{ team = \"cards\" }}\n");
    std::fs::write(&till.file, text.replace(&sink, &headers)).expect("written");
    ok(&["apply", &till.file]);

    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &brokers)
        .create()
        .expect("a producer");
    let payments = till.topic("payments");
    let value = r#"{"card":"c1","amount":100}"#;
    for (value, timestamp) in [(Some(value), 1_000), (None, 2_000), (Some(value), 3_000)] {
        let trace = Header {
            key: "trace",
            value: Some("abc"),
        };
        let mut record = BaseRecord::to(&payments)
            .key("c1")
            .partition(1)
            .timestamp(timestamp)
            .headers(OwnedHeaders::new().insert(trace));
        record.payload = value;
        producer.send(record).expect("queued");
    }
    producer.flush(WITHIN).expect("delivered");

    let data = till.data();
    let run = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    ok(&[&run[..], &["--until-caught-up"]].concat());
    let alerts = read(&till, "alerts", 2);
    let told: Vec<(Option<i64>, String, String)> = alerts
        .iter()
        .map(|alert| {
            let time = alert.timestamp().to_millis();
            (time, header(alert, "team"), header(alert, "thalweg.input"))
        })
        .collect();
    let expect = |time, offset| {
        let input = format!("{payments}/1/{offset}");
        (Some(time), "cards".to_owned(), input)
    };
    assert_eq!(told, [expect(1_000, 0), expect(3_000, 2)]);
    let counts: Vec<bool> = (1..=2)
        .zip(&alerts)
        .map(|(nth, alert)| {
            let value = String::from_utf8_lossy(alert.payload().unwrap_or_default()).into_owned();
            value.contains(&format!("\"payments\":{nth}"))
        })
        .collect();
    assert_eq!(counts, [true, true], "the delete is no payment");
    let dead = ok(&["dead-letter", "list", &till.file]);
    assert!(dead.contains("0 dead letters"), "{dead}");
}

fn header(message: &OwnedMessage, name: &str) -> String {
    let headers = message.headers().expect("headers");
    let found = headers.iter().find(|header| header.key == name);
    let value = found.and_then(|header| header.value).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// Reads so many records of a topic with a plain client.
fn read(till: &Till, suffix: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &till.brokers)
        .set("group.id", till.topic("reader"))
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest")
        .create()
        .expect("a consumer");
    consumer
        .subscribe(&[&till.topic(suffix)])
        .expect("subscribed");
    let deadline = Instant::now() + WITHIN;
    let mut read = Vec::new();
    while read.len() < count {
        assert!(Instant::now() < deadline, "{} of {count}", read.len());
        if let Some(message) = consumer.poll(std::time::Duration::from_millis(100)) {
            read.push(message.expect("readable").detach());
        }
    }
    read
}
