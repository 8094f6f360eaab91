//! What is told of an alert: a record of the topic of alerts, an event, an answer of the API.

use serde::{Deserialize, Serialize};

/// An alert that fired or was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Its id.
    pub alert: String,
    /// When: milliseconds since 1970-01-01 UTC.
    pub at_ms: i64,
    /// What happened.
    pub state: AlertState,
    /// Which firing of the alert, from 1 on.
    pub number: u64,
    /// Since when the condition has held.
    pub since_ms: i64,
    /// The node that said so last.
    pub node: Option<String>,
    /// What was measured.
    pub value: Option<f64>,
    /// Of which series of the metric.
    pub series: Option<String>,
    /// The condition as it is written.
    pub condition: Option<String>,
    /// Where it stands what to do.
    pub see: Option<String>,
}

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    /// Its condition has held for long enough.
    Firing,
    /// It holds no more.
    Resolved,
}

impl AlertState {
    /// In one word, as in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}
