//! How a model learns from the stream: `[model.log]`, `[model.labels]`, `[model.retrain]`,
//! `[model.gate]`, `[model.rollout]` and `[[monitor]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::source::ColumnType;
use super::values::Duration;

/// The feature log: what the model was given, what it answered, and which version did.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ModelLog {
    /// Column that names the row; a label names its row by the same.
    pub(crate) id: Key<String>,
    /// Share of the rows that is kept, chosen by the hash of the id. Default: 1.
    pub(crate) sample: Option<Key<f64>>,
    /// Partitions of the topic. Default: 4.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) partitions: Option<Key<u32>>,
}

/// True outcomes, which come later on a topic of their own.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ModelLabels {
    /// The topic read.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) topic: Key<String>,
    /// Partitions of the topic where Thalweg creates it. Default: 4.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) partitions: Option<Key<u32>>,
    /// Columns of its records, JSON: at least the id and the label.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) schema: Key<Named<ColumnType>>,
    /// Column that names the row.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) id: Key<String>,
    /// Column of the outcome: a bool or a number.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) label: Key<String>,
    /// Timestamp column that says when the label came. Default: the record's own timestamp.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) time: Option<Key<String>>,
    /// How long a row waits for its label, in event time. Default: 30d.
    #[expect(dead_code, reason = "read where the nodes of the loop are written")]
    pub(crate) horizon: Option<Key<Duration>>,
    /// A score at or above it says yes. Default: 0.5.
    pub(crate) threshold: Option<Key<f64>>,
}

/// When a new version is trained beside the stream, as `[model.train]` says.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Retrain {
    /// Labelled rows after an alarm before training begins: the new world must be seen. Default: 2000.
    pub(crate) after: Option<Key<u64>>,
    /// Labelled rows trained on, the newest; the gate's holdout is among them. Default: 20000.
    pub(crate) window: Option<Key<u64>>,
    /// Trains after so many labelled rows too, alarm or not. Default: never.
    pub(crate) every: Option<Key<u64>>,
}

/// What a new version must be before it takes a row.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Gate {
    /// By which number the two are compared. Default: accuracy.
    pub(crate) metric: Option<Key<GateMetric>>,
    /// Share of the window that training never sees: its end. Default: 0.3.
    pub(crate) holdout: Option<Key<f64>>,
    /// How much better it must be, in the metric of its kind. Default: 0.
    pub(crate) margin: Option<Key<f64>>,
    /// Features by whose values the rows are also judged, and measured once labels come: on no slice of at
    /// least 100 rows may it be worse than the tolerance. Default: none.
    pub(crate) slices: Option<Key<Vec<Key<String>>>>,
    /// How much worse it may be on a slice, in the metric of its kind. Default: 0.02.
    pub(crate) slice_tolerance: Option<Key<f64>>,
}

/// By which number two versions are compared.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GateMetric {
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
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rollout {
    /// Shares of the keys, ascending, the last 1. Default: 0.05, 0.25, 1.
    pub(crate) steps: Option<Key<Vec<Key<f64>>>>,
    /// Labelled rows of the new version before the next step. Default: 200.
    pub(crate) rows: Option<Key<u64>>,
    /// Rows in sequence that fail (error, NaN) before it is taken back. Default: 3.
    pub(crate) failures: Option<Key<u32>>,
}

/// Watches a model for drift: of its errors by a detector, of what it is given and answers by windows.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Monitor {
    /// Name.
    pub(crate) id: Key<String>,
    /// Id of a `[[model]]` with `[model.log]`; for errors also with `[model.labels]`.
    pub(crate) model: Key<String>,
    /// What is watched. Default: errors.
    pub(crate) on: Option<Key<Watched>>,
    /// Of errors: adwin, ddm, eddm, hddm-a, hddm-w, page-hinkley, kswin.
    pub(crate) detector: Option<Key<String>>,
    /// Parameters of the detector; of windows the limits significance (0.01), psi (0.2), distance (0.1),
    /// missing (0.05), performance (0.05).
    pub(crate) set: Option<Key<Named<f64>>>,
    /// Of windows: rows of one. Default: 5000.
    pub(crate) window: Option<Key<u64>>,
    /// Of windows: share of the logged rows that is counted. Default: 1.
    pub(crate) sample: Option<Key<f64>>,
    /// Of windows: the columns. Default: all features, or all answers.
    pub(crate) columns: Option<Key<Vec<Key<String>>>>,
    /// Of windows: by which statistics. Default: kolmogorov-smirnov, psi.
    pub(crate) statistics: Option<Key<Vec<Key<Statistic>>>>,
    /// Of windows: the reference is the window so long ago, in event time. Default: what the version was
    /// trained on; of a version that does not say so, its first 5000 rows.
    pub(crate) season: Option<Key<Duration>>,
    /// Of windows: so many of a version do not alarm at first. Default: 0.
    pub(crate) warm_up: Option<Key<u64>>,
    /// Of windows: so many do not alarm behind one that did. Default: 4.
    pub(crate) cool_down: Option<Key<u64>>,
    /// Of windows: an alarm is a reason to train, where there is `[model.retrain]`. Default: false.
    pub(crate) retrain: Option<Key<bool>>,
}

/// What a monitor watches.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Watched {
    /// Its errors, once labels come.
    Errors,
    /// What the model is given.
    Features,
    /// What it answers.
    Predictions,
    /// How well it does, estimated from its own confidence: no labels needed.
    Performance,
}

/// A statistic of a window against its reference.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Statistic {
    /// A test of numbers.
    KolmogorovSmirnov,
    /// A test of numbers.
    CramerVonMises,
    /// A test of tenths.
    ChiSquare,
    /// A distance of tenths.
    Psi,
    /// A distance of tenths.
    JensenShannon,
    /// A distance of tenths.
    Hellinger,
    /// A distance of numbers, in standard deviations of the reference.
    Wasserstein,
}
