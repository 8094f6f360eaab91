//! The topology of docs/detect.md, as it stands: over two runs it raises the alarms that its detectors raise over one.

use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord, TopicSpec};
use actors::nodes::faults::Faults;
use config::TopicName;
use models::detect::Detector;
use serde_json::Value;
use tests::{inside, nab};

const ROWS: usize = 2_400;
/// Where the wave stops, and where one value stands out.
const STILL: std::ops::Range<usize> = 1_700..1_760;
const SPIKE: usize = 2_100;

/// A wave with some noise, and two things wrong with it.
fn value(row: usize) -> f64 {
    let noise = (row * 7_919 % 101) as f64 / 1_000.0;
    match row {
        SPIKE => 7.5,
        _ if STILL.contains(&row) => 0.25,
        _ => (row as f64 / 9.0).sin() + noise,
    }
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/detect.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let block = page.split("```toml\n").nth(1).expect("a topology");
    block.split("```").next().expect("its end").into()
}

fn alarms(log: &MemoryLog) -> Vec<f64> {
    let values = inside::values(log, "alarms").concat();
    let value = |text: &String| {
        let row: Value = serde_json::from_str(text).expect("JSON");
        assert!(row["anomaly"].as_bool().expect("a truth"), "{row}");
        row["value"].as_f64().expect("a number")
    };
    values.iter().map(value).collect()
}

#[test]
fn alarms_of_two_runs_are_those_of_a_detector_that_never_stopped() {
    let dir = tempfile::tempdir().expect("a folder");
    let log = MemoryLog::new();
    let spec = TopicSpec {
        name: TopicName::parse("readings").expect("a name"),
        partitions: 4,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    assert!(log.ensure_topic(&spec).expect("created"));
    for rows in [0..ROWS / 2, ROWS / 2..ROWS] {
        let record = |row: usize| {
            let text = format!(r#"{{"sensor":"a","value":{}}}"#, value(row));
            LogRecord::new(Some("a".into()), Some(text.into()), 0)
        };
        inside::append(&log, "readings", rows.map(record).collect());
        let topology = inside::topology(&page());
        inside::run(
            topology,
            Arc::new(log.clone()),
            dir.path(),
            Faults::default(),
        );
    }
    let settings = nab::settings("");
    let mut detector = Detector::new(&settings, 0);
    let mut judge = |row: &usize| detector.row(&settings, &[value(*row)]).anomaly;
    let expected: Vec<usize> = (0..ROWS).filter(|row| judge(row)).collect();
    let values: Vec<f64> = expected.iter().map(|row| value(*row)).collect();
    assert_eq!(alarms(&log), values);
    assert!(expected.contains(&SPIKE), "{expected:?}");
    assert!(expected.len() <= 8, "{expected:?}");
}
