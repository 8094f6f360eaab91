//! Outputs of two runs, record by record. Floats may differ by 1e-6 of their size (a model's batch
//! may change their rounding); everything else may not.

use std::path::Path;

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::log::{Log, TopicPartition};
use config::TopicName;
use serde_json::Value;

/// Relative difference of floats that counts as equal.
const TOLERANCE: f64 = 1e-6;

/// Key, value and `thalweg.input` of a record.
pub(crate) type Output = (Vec<u8>, Vec<u8>, Vec<u8>);

/// A topic as it was read: records of each partition in order.
#[derive(Debug, Clone, Default)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its records by partition.
    pub partitions: Vec<Vec<Output>>,
}

fn open(data: &Path) -> Result<EmbeddedLog, String> {
    EmbeddedLog::open(&data.join("log"), EmbeddedOptions::default()).map_err(|e| e.to_string())
}

/// Reads a whole topic from the embedded log of a data directory that no daemon uses.
///
/// # Errors
/// If the log cannot be opened or read.
pub fn read_topic(data: &Path, topic: &str) -> Result<Topic, String> {
    let log = open(data)?;
    let name = TopicName::parse(topic).map_err(|e| e.to_string())?;
    let info = log.topic(&name).map_err(|e| e.to_string())?;
    let info = info.ok_or_else(|| format!("topic {topic} is not there"))?;
    let mut read = Topic {
        name: topic.to_owned(),
        partitions: Vec::new(),
    };
    for partition in 0..info.spec.partitions {
        let at = TopicPartition::new(name.clone(), partition);
        let (mut from, mut records) = (0, Vec::new());
        loop {
            let fetched = log
                .read(&at, from, 10_000, 8 << 20)
                .map_err(|e| e.to_string())?;
            if fetched.records.is_empty() {
                break;
            }
            from = fetched.next_offset;
            records.extend(fetched.records.into_iter().map(|record| {
                let input = record
                    .headers
                    .get("thalweg.input")
                    .unwrap_or_default()
                    .to_vec();
                let bytes = |b: Option<bytes::Bytes>| b.map(|b| b.to_vec()).unwrap_or_default();
                (bytes(record.key), bytes(record.value), input)
            }));
        }
        read.partitions.push(records);
    }
    Ok(read)
}

/// Compares two topics; gives how many records are equal.
///
/// # Errors
/// The first difference.
pub fn compare(expected: &Topic, found: &Topic) -> Result<usize, String> {
    let mut records = 0;
    for (partition, (a, b)) in expected
        .partitions
        .iter()
        .zip(&found.partitions)
        .enumerate()
    {
        let place = format!("topic {} partition {partition}", expected.name);
        for (nth, (a, b)) in a.iter().zip(b).enumerate() {
            if a.0 != b.0 || a.2 != b.2 || !same_value(&a.1, &b.1) {
                let text = |r: &Output| {
                    [&r.2, &r.0, &r.1]
                        .map(|b| String::from_utf8_lossy(b).into_owned())
                        .join(" ")
                };
                return Err(format!(
                    "{place} record {nth}:\n  {}\n  {}",
                    text(a),
                    text(b)
                ));
            }
        }
        if a.len() != b.len() {
            return Err(format!("{place}: {} records, not {}", b.len(), a.len()));
        }
        records += a.len();
    }
    Ok(records)
}

fn same_value(a: &[u8], b: &[u8]) -> bool {
    if a == b {
        return true;
    }
    let (Ok(a), Ok(b)) = (serde_json::from_slice(a), serde_json::from_slice(b)) else {
        return false;
    };
    same_json(&a, &b)
}

fn same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((ka, va), (kb, vb))| ka == kb && same_json(va, vb))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b))
        }
        (Value::Number(na), Value::Number(nb)) if na.is_f64() && nb.is_f64() => {
            let (x, y) = (na.as_f64().unwrap_or(0.0), nb.as_f64().unwrap_or(1.0));
            (x - y).abs() <= TOLERANCE * x.abs().max(y.abs()).max(1e-9)
        }
        _ => a == b,
    }
}

/// Every input partition of the group has been committed to its end.
///
/// # Errors
/// Which has not.
pub(super) fn offsets_at_end(data: &Path, group: &str) -> Result<(), String> {
    let log = open(data)?;
    for info in log.topics().map_err(|e| e.to_string())? {
        for (partition, range) in (0..).zip(&info.ranges) {
            let at = TopicPartition::new(info.spec.name.clone(), partition);
            let committed = log.committed(group, std::slice::from_ref(&at));
            let committed = committed.map_err(|e| e.to_string())?;
            // Topics that the group does not read have no position.
            let Some(Some(committed)) = committed.into_iter().next() else {
                continue;
            };
            if committed.offset != range.end {
                return Err(format!(
                    "{at}: committed {}, end {}",
                    committed.offset, range.end
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(values: &[&str]) -> Topic {
        let record = |v: &&str| (b"k".to_vec(), v.as_bytes().to_vec(), b"t/0/1".to_vec());
        Topic {
            name: "t".into(),
            partitions: vec![values.iter().map(record).collect()],
        }
    }

    #[test]
    fn only_the_rounding_of_floats_may_differ() {
        let a = topic(&[r#"{"id":1,"score":0.5}"#, r#"{"id":2,"score":0.25}"#]);
        assert_eq!(compare(&a, &a), Ok(2));
        let close = topic(&[
            r#"{"id":1,"score":0.5000000001}"#,
            r#"{"id":2,"score":0.25}"#,
        ]);
        assert_eq!(compare(&a, &close), Ok(2));
        for wrong in [
            topic(&[r#"{"id":1,"score":0.51}"#, r#"{"id":2,"score":0.25}"#]),
            topic(&[r#"{"id":3,"score":0.5}"#, r#"{"id":2,"score":0.25}"#]),
            topic(&[r#"{"id":1,"score":0.5}"#]),
            topic(&[r#"{"id":2,"score":0.25}"#, r#"{"id":1,"score":0.5}"#]),
        ] {
            assert!(compare(&a, &wrong).is_err(), "{wrong:?}");
        }
    }
}
