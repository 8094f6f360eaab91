//! Garbage in the input: each bad record in the dead letters once, as it came; the rest goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord, TopicSpec};
use actors::nodes::faults::Faults;
use bytes::Bytes;
use tests::inside;

const TOPOLOGY: &str = r#"
version = 1
name = "garbage"

[[source]]
id = "readings"
topic = "readings"
format = "json"
key = "series"
time = { column = "at", unit = "ms" }
[source.schema]
series = "string"
at = "timestamp"
value = "float64"

[[operator]]
id = "recent"
kind = "rolling"
input = "readings"
[operator.columns]
n = { fn = "count", over = "all" }

[[sink]]
id = "out"
input = "recent"
topic = "out"
format = "json"
key = "series"
"#;

/// One bad value of each kind in turn.
fn bad(nth: usize) -> Bytes {
    match nth % 6 {
        0 => Bytes::from_static(b"{\"series\":\"a\",\"at\":17,\"val"),
        1 => Bytes::from(format!(
            "{{\"series\":\"a\",\"at\":{nth},\"value\":\"many\"}}"
        )),
        2 => Bytes::from_static(b"{\"series\":\"\xff\xfe\",\"at\":1,\"value\":1}"),
        3 => Bytes::new(),
        4 => Bytes::from(format!(
            "{{\"series\":\"a\",\"at\":\"yesterday\",\"value\":{nth}}}"
        )),
        _ => {
            let mut large = b"{\"series\":\"".to_vec();
            large.resize(10 << 20, b'x');
            Bytes::from(large)
        }
    }
}

#[test]
fn each_bad_record_is_a_dead_letter_once_and_its_neighbours_go_on() {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let topology = inside::topology(TOPOLOGY);
    let spec = TopicSpec {
        name: "readings".parse_topic(),
        partitions: 4,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    log.ensure_topic(&spec).expect("created");
    let (mut good, mut garbage) = (0usize, Vec::new());
    for block in 0..10usize {
        let mut records = Vec::new();
        for nth in 0..200usize {
            let key = Bytes::from(format!("s{}", nth % 17));
            let value = if nth % 100 == 99 {
                let value = bad(block * 2 + nth / 100);
                garbage.push(value.clone());
                value
            } else {
                good += 1;
                Bytes::from(format!(
                    "{{\"series\":\"s{}\",\"at\":{},\"value\":1.5}}",
                    nth % 17,
                    block * 200 + nth
                ))
            };
            records.push(LogRecord::new(Some(key), Some(value), 1));
        }
        inside::append(&*log, "readings", records);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let generation = inside::run(topology, Arc::clone(&log), dir.path(), Faults::default());
    assert_eq!(generation, 0, "no actor restarts");
    let out: usize = inside::values(&*log, "out").iter().map(Vec::len).sum();
    assert_eq!(out, good);
    let dead: Vec<LogRecord> = inside::records(&*log, "garbage.dead-letters")
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(dead.len(), garbage.len(), "each bad record once");
    let places: BTreeSet<&[u8]> = dead
        .iter()
        .map(|d| d.headers.get("thalweg.input").expect("says where from"))
        .collect();
    assert_eq!(places.len(), garbage.len(), "each from another place");
    let mut found: Vec<Bytes> = dead
        .iter()
        .map(|d| d.value.clone().expect("its bytes"))
        .collect();
    found.sort();
    garbage.sort();
    assert!(found == garbage, "with the bytes they came with");
    for letter in &dead {
        for header in [
            "thalweg.code",
            "thalweg.reason",
            "thalweg.stage",
            "thalweg.topology",
        ] {
            assert!(
                letter.headers.get(header).is_some_and(|v| !v.is_empty()),
                "{header}"
            );
        }
    }
}

trait ParseTopic {
    fn parse_topic(&self) -> config::TopicName;
}

impl ParseTopic for str {
    fn parse_topic(&self) -> config::TopicName {
        config::TopicName::parse(self).expect("a topic name")
    }
}
