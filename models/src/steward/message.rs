//! What a steward says and is told. JSON on topics: fields are added, never changed.

use serde::{Deserialize, Serialize};

use crate::gate::Verdict;

/// What the models' actor, or a person, tells a steward.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Control {
    /// A training has ended and its version was judged.
    Trained {
        /// Which.
        request: u64,
        /// What the gate says.
        verdict: Verdict,
    },
    /// A training has ended without a version.
    TrainingFailed {
        /// Which.
        request: u64,
        /// Why.
        reason: String,
    },
    /// A version fails on rows that it should answer.
    VersionFailed {
        /// Which.
        version: u64,
        /// Why.
        reason: String,
    },
    /// What the model is given or answers has changed.
    Drifted {
        /// As a version saw it.
        version: u64,
        /// Who says so.
        monitor: String,
    },
    /// By hand: train now.
    Retrain,
    /// By hand: the version on trial is the champion from now on.
    Promote,
    /// By hand: the rollout is taken back.
    Rollback,
}

/// A training that is to be done. The same request gives the same weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Counts up.
    pub id: u64,
    /// The number that the new version gets.
    pub version: u64,
    /// The version it must beat.
    pub champion: u64,
    /// What it was triggered by.
    pub reason: String,
    /// First offset of the labelled topic that belongs to it.
    pub from: i64,
    /// The last one.
    pub to: i64,
    /// Seed of everything random in it.
    pub seed: u64,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arms {
    /// The version of the keys that are in no experiment.
    pub champion: u64,
    /// The version on trial, if one is.
    pub challenger: Option<u64>,
    /// Share of the keys that it answers, in 0..=1.
    pub share: f64,
    /// With a key's text decides its arm.
    pub salt: String,
}

/// A labelled row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Event time, milliseconds.
    pub at: i64,
    /// Offset in the labelled topic.
    pub offset: i64,
    /// Version that answered; 0: none did, the row has the operator's fallback.
    pub version: u64,
    /// What it answered.
    pub score: f64,
    /// What is true: above 0.5 is yes.
    pub label: f64,
}

/// What a steward tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Something has happened.
    Event {
        /// When, in event time (milliseconds).
        at: i64,
        /// What: `alarm`, `train`, `verdict`, `arms`, `promoted`, `refused`, `rolled-back`.
        event: &'static str,
        /// Of which version.
        version: Option<u64>,
        /// The whole of it, JSON.
        detail: String,
    },
    /// A number of a version.
    Metric(Metric),
    /// Something for the steward.
    Control(Control),
}

/// A number of a version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metric {
    /// When, in event time (milliseconds).
    pub at: i64,
    /// Of which version.
    pub version: u64,
    /// Rows that it rests on.
    pub rows: u64,
    /// Its name: `accuracy`, `log-loss`, `brier`; of a window `psi` and the like.
    pub metric: &'static str,
    /// Its value.
    pub value: f64,
    /// Of which part of the rows; `None`: all.
    pub slice: Option<String>,
    /// Of a window: whose.
    pub monitor: Option<String>,
    /// Of a window: of which column.
    pub column: Option<String>,
    /// Of a test: how likely the value is by chance, corrected for all columns.
    pub p: Option<f64>,
    /// Of a window: whether it is beyond its limit.
    pub drifted: Option<bool>,
}

/// An event with its detail.
pub(super) fn event(
    at: i64,
    event: &'static str,
    version: Option<u64>,
    detail: &impl Serialize,
) -> Told {
    Told::Event {
        at,
        event,
        version,
        // These types have nothing that JSON cannot say.
        detail: serde_json::to_string(detail).unwrap_or_default(),
    }
}
