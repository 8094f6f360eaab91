//! What the operator `alert` has told, read back from its topic.

use config::TopicName;

use super::told::Told;
use crate::log::{Log, LogError, LogRecord, TopicPartition};

/// Records of one read.
const RECORDS: usize = 1_000;
const BYTES: usize = 1 << 20;
/// Where reading begins: so far before the end. What has fired since long and said nothing within
/// so many records of others is not shown as firing.
const BACK: i64 = 10_000;

/// Reads the topic of alerts.
pub(super) struct Follower {
    at: TopicPartition,
    next: Option<i64>,
    /// When this life of the process began: what was told before is no news.
    began_ms: i64,
}

impl Follower {
    pub(super) fn new(topic: TopicName, began_ms: i64) -> Self {
        Self {
            at: TopicPartition::new(topic, 0),
            next: None,
            began_ms,
        }
    }

    /// What has been told since the last call, and whether it is news.
    ///
    /// # Errors
    /// If the log cannot be read; what was read before is given with the next call.
    pub(super) fn read(&mut self, log: &dyn Log) -> Result<Vec<(Told, bool)>, LogError> {
        let mut next = match self.next {
            Some(next) => next,
            None => {
                let topic = log.topic(&self.at.topic)?;
                let end = topic.and_then(|topic| topic.ranges.first().map(|range| range.end));
                (end.unwrap_or(0) - BACK).max(0)
            }
        };
        let mut all = Vec::new();
        loop {
            let fetched = log.read(&self.at, next, RECORDS, BYTES)?;
            all.extend(fetched.records.iter().filter_map(told));
            next = next.max(fetched.next_offset);
            if fetched.records.is_empty() {
                break;
            }
        }
        self.next = Some(next);
        let news = |told: Told| {
            let is_news = told.at_ms >= self.began_ms;
            (told, is_news)
        };
        Ok(all.into_iter().map(news).collect())
    }
}

/// A record as what it tells; another version's may tell nothing.
pub(super) fn told(record: &LogRecord) -> Option<Told> {
    serde_json::from_slice(record.value.as_deref()?).ok()
}
