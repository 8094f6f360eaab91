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
    /// By hand: train now.
    Retrain,
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
    /// How well a version does.
    Metric {
        /// When, in event time (milliseconds).
        at: i64,
        /// Which.
        version: u64,
        /// Labelled rows that it rests on.
        rows: u64,
        /// `accuracy`, `log-loss`, `brier`.
        metric: &'static str,
        /// Its value.
        value: f64,
    },
}
