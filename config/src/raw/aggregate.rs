//! Aggregates of `rolling` and `window`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::Key;

/// One added column: `{ fn = "avg", of = "amount", over = "7d" }`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct AggregateColumn {
    /// What is computed.
    #[serde(rename = "fn")]
    pub(crate) function: Key<AggregateName>,
    /// The aggregated column; may be left out for `count`.
    pub(crate) of: Option<Key<String>>,
    /// How far back (`rolling` only): a duration, a number of rows, or `"all"` (the default).
    pub(crate) over: Option<Key<Over>>,
    /// Leaves the current row out (`rolling` only). Default: false.
    pub(crate) exclude_current: Option<Key<bool>>,
    /// `quantile`: which, 0 to 1.
    pub(crate) q: Option<Key<f64>>,
    /// `ewma`: weight of the newest value, above 0 to 1. Default: 0.1.
    pub(crate) alpha: Option<Key<f64>>,
    /// `delta`, `lag`: how many rows back. Default: 1.
    pub(crate) lag: Option<Key<u64>>,
}

/// How far back.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "Over", untagged)]
pub(crate) enum Over {
    /// A duration of event time, or `all`.
    Text(String),
    /// A number of rows.
    Number(u64),
}

/// Aggregate functions.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AggregateName {
    /// Number of rows, or of values.
    Count,
    /// Sum.
    Sum,
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Sample variance.
    Variance,
    /// Standard deviation.
    Stddev,
    /// Oldest.
    First,
    /// Newest.
    Last,
    /// Number of different values; a sketch above 256.
    CountDistinct,
    /// Quantile `q`; a sketch above 256 values.
    Quantile,
    /// Slope of the value over the row number.
    Slope,
    /// Exponentially weighted mean.
    Ewma,
    /// Value minus the value `lag` rows before.
    Delta,
    /// The value `lag` rows before.
    Lag,
    /// Distance from the mean in standard deviations.
    Zscore,
}

impl AggregateName {
    /// As users write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Variance => "variance",
            Self::Stddev => "stddev",
            Self::First => "first",
            Self::Last => "last",
            Self::CountDistinct => "count-distinct",
            Self::Quantile => "quantile",
            Self::Slope => "slope",
            Self::Ewma => "ewma",
            Self::Delta => "delta",
            Self::Lag => "lag",
            Self::Zscore => "zscore",
        }
    }
}
