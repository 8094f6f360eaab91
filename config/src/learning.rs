//! How a model learns from the stream, after checking.

use std::sync::Arc;

use crate::{Millis, NodeId};

/// A model that is watched. Beside it stand the nodes that `[model.log]` and `[model.labels]` add to the
/// graph: see `load::expand`.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    /// Column that names the row.
    pub id: Arc<str>,
    /// Share of the rows that is logged, in 0..=1, by the hash of the id.
    pub sample: f64,
    /// A score at or above it says yes.
    pub threshold: f64,
    /// What watches the model's errors.
    pub monitors: Vec<Monitor>,
    /// When a new version is trained; `None`: never by itself.
    pub retrain: Option<Retrain>,
    /// What it must be.
    pub gate: Gate,
    /// How it takes over.
    pub rollout: Rollout,
}

/// A drift detector over a model's errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Its name.
    pub id: NodeId,
    /// Which detector.
    pub detector: Arc<str>,
    /// Its parameters, as far as the file gives them.
    pub parameters: Vec<(Arc<str>, f64)>,
}

/// When a new version is trained. Numbers of labelled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retrain {
    /// So many after an alarm.
    pub after: u64,
    /// The newest so many are trained and judged on.
    pub window: u64,
    /// After so many since the last time, alarm or not.
    pub every: Option<u64>,
}

/// What a new version must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// By which number.
    pub metric: GateMetric,
    /// Share of the window, its end, that judges.
    pub holdout: f64,
    /// How much better it must be.
    pub margin: f64,
}

/// By which number two versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateMetric {
    /// Share of rows whose class is the most probable one.
    Accuracy,
    /// Average precision of class 1.
    AveragePrecision,
    /// ROC-AUC of class 1.
    RocAuc,
    /// Mean negative logarithm of the true class's probability.
    LogLoss,
    /// Mean squared error of a number.
    SquaredError,
}

/// How a new version takes over.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Shares of the keys, ascending; the last is 1.
    pub steps: Vec<f64>,
    /// Labelled rows of the new version before the next step.
    pub rows: u64,
    /// Rows in sequence that fail before it is taken back.
    pub failures: u32,
}

/// Settings of `label`: rows whose column is NULL wait for the row of their key that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// Position of the column.
    pub label: usize,
    /// How long a row waits, in event time.
    pub horizon: Millis,
}

/// Settings of `steward`. Positions in its input.
#[derive(Debug, Clone, PartialEq)]
pub struct Steward {
    /// How the model learns.
    pub learning: Box<Learning>,
    /// Position of the model in `Topology::models`.
    pub model: usize,
    /// The score: the first output of the model's `infer`. float64
    pub score: usize,
    /// float64, NULL for rows without.
    pub label: usize,
    /// Version that answered. int64
    pub version: usize,
    /// What the models' actor says; JSON, NULL for rows. string
    pub control: usize,
}

/// What the port `log` of an `infer` gives: `row_id`, the features, the numbers among the outputs,
/// `model_version`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InferLog {
    /// Position of the id in the input.
    pub id: usize,
    /// Share of the rows.
    pub sample: f64,
}

/// Names of the columns that the loop adds to a model's own.
pub mod columns {
    /// Names the row; the key of the feature log.
    pub const ROW: &str = "row_id";
    /// Version that answered.
    pub const VERSION: &str = "model_version";
    /// The true outcome.
    pub const LABEL: &str = "label";
    /// Id of the model; the key of what its steward reads.
    pub const MODEL: &str = "model";
    /// What the models' actor says.
    pub const CONTROL: &str = "control";
}
