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
    /// What watches its features and answers.
    pub watches: Vec<Watch>,
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

/// Compares windows of what a model is given and answers with a reference.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Its name.
    pub id: NodeId,
    /// What is compared.
    pub on: Watched,
    /// The columns; empty: all that there are.
    pub columns: Vec<Arc<str>>,
    /// Rows of a window.
    pub window: u64,
    /// Share of the rows that is counted, in 0..=1.
    pub sample: f64,
    /// By which statistics.
    pub statistics: Vec<Statistic>,
    /// From where on a column has drifted.
    pub limits: DriftLimits,
    /// The reference is the stream so long ago; `None`: what the version was trained on.
    pub season: Option<Millis>,
    /// Windows of a version before the first that can alarm.
    pub warm_up: u64,
    /// Windows behind one that alarmed which do not.
    pub cool_down: u64,
    /// Whether an alarm is a reason to train.
    pub retrain: bool,
}

/// What a [`Watch`] compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// What the model is given.
    Features,
    /// What it answers.
    Predictions,
    /// How well it does, estimated from its own confidence.
    Performance,
}

/// A statistic of two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// A test.
    KolmogorovSmirnov,
    /// A test.
    CramerVonMises,
    /// A test, of tenths.
    ChiSquare,
    /// A distance, of tenths.
    Psi,
    /// A distance, of tenths.
    JensenShannon,
    /// A distance, of tenths.
    Hellinger,
    /// A distance, in standard deviations of the reference.
    Wasserstein,
}

/// From where on a column has drifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftLimits {
    /// Share of false discoveries among the columns that a test finds.
    pub significance: f64,
    /// Of PSI.
    pub psi: f64,
    /// Of the other distances.
    pub distance: f64,
    /// By how much the share of missing values moves.
    pub missing: f64,
    /// By how much the estimated accuracy falls.
    pub performance: f64,
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
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// By which number.
    pub metric: GateMetric,
    /// Share of the window, its end, that judges.
    pub holdout: f64,
    /// How much better it must be.
    pub margin: f64,
    /// Features by whose values the rows are judged and measured too.
    pub slices: Vec<Arc<str>>,
    /// How much worse it may be on a slice.
    pub slice_tolerance: f64,
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
    /// Features by whose values it measures, float64.
    pub slices: Vec<(Arc<str>, usize)>,
}

/// Settings of `sketch`: windows of the feature log, counted where its rows are made. Positions in its
/// input, whose key is the version that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Sketch {
    /// Position of the model in `Topology::models`.
    pub model: usize,
    /// Features, then answers: name and position.
    pub columns: Vec<(Arc<str>, usize)>,
    /// Position of the score in `columns`.
    pub score: usize,
    /// A score at or above it says yes.
    pub threshold: f64,
    /// Rows of a sketch.
    pub rows: u64,
    /// One row of so many is counted.
    pub one_in: u64,
}

/// Settings of `watch`: sketches put together to windows and compared. Positions in its input.
#[derive(Debug, Clone, PartialEq)]
pub struct Watcher {
    /// Position of the model in `Topology::models`.
    pub model: usize,
    /// How the model learns.
    pub learning: Box<Learning>,
    /// How many of the columns are features; the others are answers.
    pub features: usize,
    /// Version that answered. int64
    pub version: usize,
    /// JSON. string
    pub sketch: usize,
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
    /// Whether the version is in shadow: the row was answered by another too, and that answer went out.
    pub const SHADOW: &str = "shadow";
    /// A stretch of the feature log, counted.
    pub const SKETCH: &str = "sketch";
}
