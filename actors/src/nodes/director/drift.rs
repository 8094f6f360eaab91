//! What the last windows of a model said, for people: the newest number of each column and statistic.

use std::collections::BTreeMap;

use config::TopicName;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::log::{Log, LogError, TopicPartition};

/// Records behind the end that are read at first: some windows of many columns.
const LAST: i64 = 5_000;
/// Records of one read.
const RECORDS: usize = 1_000;
const BYTES: usize = 4 << 20;
/// Numbers kept, at most.
const NUMBERS_MAX: usize = 2_000;

/// The newest numbers, read from the model's topic of metrics.
pub(super) struct DriftView {
    at: TopicPartition,
    next: Option<i64>,
    /// By monitor, column and statistic.
    numbers: BTreeMap<(String, String, String), Value>,
}

/// A record of the topic.
#[derive(Deserialize)]
struct Number {
    at: Value,
    model_version: u64,
    metric: String,
    value: Option<f64>,
    monitor: Option<String>,
    column: Option<String>,
    p: Option<f64>,
    drifted: Option<bool>,
}

impl DriftView {
    pub(super) fn new(topic: TopicName) -> Self {
        Self {
            at: TopicPartition::new(topic, 0),
            next: None,
            numbers: BTreeMap::new(),
        }
    }

    /// Reads what is new; true if there was something.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn read(&mut self, log: &dyn Log) -> Result<bool, LogError> {
        let mut next = match self.next {
            Some(next) => next,
            None => {
                let settled = log.settled(std::slice::from_ref(&self.at))?;
                settled
                    .first()
                    .map_or(0, |range| range.start.max(range.end - LAST))
            }
        };
        let before = self.next;
        loop {
            let fetched = log.read(&self.at, next, RECORDS, BYTES)?;
            for record in &fetched.records {
                let value = record.value.as_deref().unwrap_or_default();
                if let Ok(number) = serde_json::from_slice::<Number>(value) {
                    self.take(number);
                }
            }
            next = next.max(fetched.next_offset);
            self.next = Some(next);
            if fetched.records.is_empty() {
                return Ok(before != self.next);
            }
        }
    }

    /// As `/v1/models` has it.
    pub(super) fn view(&self) -> Value {
        self.numbers.values().cloned().collect()
    }

    fn take(&mut self, number: Number) {
        let Some(monitor) = number.monitor else {
            return;
        };
        let key = (
            monitor.clone(),
            number.column.clone().unwrap_or_default(),
            number.metric.clone(),
        );
        if self.numbers.len() >= NUMBERS_MAX && !self.numbers.contains_key(&key) {
            return;
        }
        let view = json!({
            "monitor": monitor,
            "version": number.model_version,
            "column": number.column,
            "statistic": number.metric,
            "value": number.value,
            "p": number.p,
            "drifted": number.drifted,
            "at_ms": at_ms(&number.at),
        });
        self.numbers.insert(key, view);
    }
}

/// A time of a topic, which has it as text or as milliseconds.
fn at_ms(at: &Value) -> Option<i64> {
    match at {
        Value::String(text) => {
            let time = chrono::DateTime::parse_from_rfc3339(text);
            time.ok().map(|time| time.timestamp_millis())
        }
        other => other.as_i64(),
    }
}
