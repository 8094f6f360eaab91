//! What the steward has committed so far, as far as its hands need it.

use config::TopicName;
use models::steward::{Arms, Request};
use serde::Deserialize;

use crate::log::{Log, LogError, TopicPartition};
use crate::nodes::pulse;

/// Events of one read.
const RECORDS: usize = 1_000;
const BYTES: usize = 4 << 20;

/// Events that somebody should know of, each with its name in the metrics.
const TROUBLES: [(&str, &str); 3] = [
    ("alarm", "drift"),
    ("refused", "refused"),
    ("rolled-back", "rolled-back"),
];
/// How long they are shown, unless a version is promoted before; an hour.
const TROUBLE_MS: i64 = 3_600_000;

/// The story of a model, read from its topic of events.
pub(super) struct History {
    at: TopicPartition,
    next: i64,
    arms: Option<Arms>,
    pending: Option<Request>,
    /// When each of [`TROUBLES`] was told last, since a version was promoted.
    told_ms: [Option<i64>; TROUBLES.len()],
}

/// A record of the topic.
#[derive(Deserialize)]
struct Event {
    event: String,
    detail: String,
}

impl History {
    pub(super) fn new(topic: TopicName) -> Self {
        Self {
            at: TopicPartition::new(topic, 0),
            next: 0,
            arms: None,
            pending: None,
            told_ms: [None; TROUBLES.len()],
        }
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn read(&mut self, log: &dyn Log) -> Result<(), LogError> {
        loop {
            pulse::progress();
            let fetched = log.read(&self.at, self.next, RECORDS, BYTES)?;
            for record in &fetched.records {
                let value = record.value.as_deref().unwrap_or_default();
                if let Ok(event) = serde_json::from_slice::<Event>(value) {
                    self.take(&event, record.timestamp);
                }
            }
            self.next = self.next.max(fetched.next_offset);
            if fetched.records.is_empty() {
                return Ok(());
            }
        }
    }

    /// Who answers; `None` before the steward has ever said so.
    pub(super) fn arms(&self) -> Option<&Arms> {
        self.arms.as_ref()
    }

    /// The training that is asked for and has no verdict yet.
    pub(super) fn pending(&self) -> Option<&Request> {
        self.pending.as_ref()
    }

    /// What has befallen the model within the last hour, by its name in the metrics.
    pub(super) fn troubles(&self, now_ms: i64) -> impl Iterator<Item = (&'static str, bool)> {
        let told = TROUBLES.iter().zip(self.told_ms);
        told.map(move |((_, what), at)| {
            let is_so = at.is_some_and(|at| now_ms - at < TROUBLE_MS);
            (*what, is_so)
        })
    }

    fn take(&mut self, event: &Event, at_ms: i64) {
        let trouble = TROUBLES.iter().position(|(name, _)| *name == event.event);
        if let Some(trouble) = trouble {
            self.told_ms[trouble] = Some(at_ms);
        }
        match event.event.as_str() {
            "arms" => {
                if let Ok(arms) = serde_json::from_str(&event.detail) {
                    self.arms = Some(arms);
                }
            }
            "train" => self.pending = serde_json::from_str(&event.detail).ok(),
            "verdict" => self.pending = None,
            "promoted" => self.told_ms = [None; TROUBLES.len()],
            _ => {}
        }
    }
}
