//! What the steward has committed so far, as far as its hands need it.

use config::TopicName;
use models::steward::{Arms, Request};
use serde::Deserialize;

use crate::log::{Log, LogError, TopicPartition};
use crate::nodes::pulse;

/// Events of one read.
const RECORDS: usize = 1_000;
const BYTES: usize = 4 << 20;

/// The story of a model, read from its topic of events.
pub(super) struct History {
    at: TopicPartition,
    next: i64,
    arms: Option<Arms>,
    pending: Option<Request>,
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
                    self.take(&event);
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

    fn take(&mut self, event: &Event) {
        match event.event.as_str() {
            "arms" => {
                if let Ok(arms) = serde_json::from_str(&event.detail) {
                    self.arms = Some(arms);
                }
            }
            "train" => self.pending = serde_json::from_str(&event.detail).ok(),
            "verdict" => self.pending = None,
            _ => {}
        }
    }
}
