//! What each operator is told, after checking: columns are positions, expressions typed.

use std::sync::Arc;

use crate::{
    AlertColumns, DataType, Detect, Expression, InferLog, Label, Millis, Sketch, Steward, Watcher,
};

/// Kind of an operator with its checked settings.
#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    /// Keeps the rows where it is true.
    Filter {
        /// bool
        condition: Expression,
    },
    /// Output columns in order; kept columns are plain `Column` expressions.
    Select {
        /// Name and value of each output column.
        columns: Vec<(Arc<str>, Expression)>,
    },
    /// Ends a sub-topology: rows go to a repartition topic under this column and begin the next one.
    KeyBy {
        /// Position of the new key in the input schema.
        column: usize,
    },
    /// One row out per row in, with aggregates of the key's past.
    Rolling(Rolling),
    /// Rows per key and window.
    Window(Window),
    /// One row out per row in, with how unusual it is for its key.
    Detect(Detect),
    /// Runs a model on feature columns.
    Infer(Infer),
    /// Sends rows to ports.
    Route(Route),
    /// Several inputs of one schema.
    Union,
    /// Late labels to the rows that they are of.
    Label(Label),
    /// Watches over a model.
    Steward(Steward),
    /// Counts what a model is given and answers.
    Sketch(Sketch),
    /// Compares that with a reference.
    Watch(Watcher),
    /// When alerts fire and are resolved.
    Alert(AlertColumns),
}

impl OperatorKind {
    /// Whether it keeps state per key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        match self {
            Self::Rolling(_)
            | Self::Window(_)
            | Self::Detect(_)
            | Self::Label(_)
            | Self::Steward(_)
            | Self::Sketch(_)
            | Self::Watch(_)
            | Self::Alert(_) => true,
            Self::Filter { .. }
            | Self::Select { .. }
            | Self::KeyBy { .. }
            | Self::Infer(_)
            | Self::Route(_)
            | Self::Union => false,
        }
    }
}

/// Where the sessions of a keyed operator live, in each task. Results do not depend on it, nor does state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosting {
    /// Many in one actor, one after the other.
    Hosted {
        /// Beyond so many, those at rest leave memory; `None`: only `[state] memory` bounds them.
        max: Option<u32>,
    },
    /// Each an actor of its own.
    Dedicated {
        /// At most so many at a time.
        max: u32,
    },
    /// Actors of their own until there are so many, hosted beyond.
    Auto {
        /// How many.
        max: u32,
    },
}

/// Settings of `rolling`: the output schema is the input's columns, then `columns`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rolling {
    /// Added columns in order.
    pub columns: Vec<RollingColumn>,
}

/// One added column.
#[derive(Debug, Clone, PartialEq)]
pub struct RollingColumn {
    /// Its name.
    pub name: Arc<str>,
    /// What is computed.
    pub aggregate: Aggregate,
    /// Position of the aggregated column; `None` only for count.
    pub of: Option<usize>,
    /// How far back.
    pub over: Over,
    /// Leaves the current row out.
    pub exclude_current: bool,
    /// Type of the result.
    pub data_type: DataType,
}

/// The past that a rolling aggregate sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Rows of this key with event time in (t - span, t].
    Time(Millis),
    /// The last so many rows of this key, the current one counted (unless it is excluded: then the so many before it).
    Count(u64),
    /// Everything.
    All,
}

/// An aggregate function. NULL inputs are ignored; of nothing, count is 0 and the others NULL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// Number of rows, or of non-NULL values if `of` is given. int64
    Count,
    /// Compensated sum (Neumaier). float64, or int64 of int64 (overflow: NULL)
    Sum,
    /// Mean. float64
    Avg,
    /// Smallest. Input type
    Min,
    /// Largest. Input type
    Max,
    /// Sample variance (n - 1), NULL below two values. float64
    Variance,
    /// Square root of the variance. float64
    StdDev,
    /// Oldest in the window. Input type
    First,
    /// Newest in the window. Input type
    Last,
    /// Distinct values: exact to 256, then a HyperLogLog sketch (about 1.6 %). int64
    CountDistinct,
    /// Quantile `q` in 0..=1: exact with linear interpolation to 256 values, then a t-digest. float64
    Quantile(f64),
    /// Least-squares slope of the value over the row number (0, 1, 2 …). NULL below two values. float64
    Slope,
    /// Exponentially weighted mean with this alpha: m = alpha·x + (1 - alpha)·m, from the first value. float64
    Ewma(f64),
    /// Value minus the value so many rows before (1 unless `lag` says otherwise). Input type
    Delta(u64),
    /// The value so many rows before. Input type
    Lag(u64),
    /// (x - mean) / stddev of the window; NULL where the deviation is 0 or NULL. float64
    ZScore,
}

/// Settings of `window`. Output: key column, `window_start`, `window_end` (timestamps; end exclusive), then `columns`.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Shape.
    pub kind: WindowKind,
    /// Aggregates.
    pub columns: Vec<WindowColumn>,
    /// When rows come out.
    pub emit: Emit,
    /// How long after its end a window still takes rows: the watermark must pass end + lateness.
    pub allowed_lateness: Millis,
}

/// Shape of windows, aligned to 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowKind {
    /// Side by side.
    Tumbling {
        /// Length.
        size: Millis,
    },
    /// Overlapping.
    Sliding {
        /// Length.
        size: Millis,
        /// Distance of starts, at most `size`.
        slide: Millis,
    },
    /// Until nothing came for a while. `"session"` in TOML.
    Gap {
        /// That while.
        gap: Millis,
    },
}

/// One aggregate of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowColumn {
    /// Name.
    pub name: Arc<str>,
    /// What is computed (not Ewma, Delta, Lag, ZScore).
    pub aggregate: Aggregate,
    /// Position of the aggregated column; `None` only for count.
    pub of: Option<usize>,
    /// Type of the result.
    pub data_type: DataType,
}

/// When a window gives rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    /// Once, when the watermark passes its end.
    Final,
    /// After every row, and at the end.
    Updates,
}

/// Settings of `infer`: the output schema is the input's columns, then `outputs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Infer {
    /// Position of the model in `Topology::models`.
    pub model: usize,
    /// Positions of the feature columns in the model's order. Scalars make one matrix; a vector column is a row of it.
    pub features: Vec<usize>,
    /// Added columns.
    pub outputs: Vec<InferOutput>,
    /// The answer must be there by then, if given.
    pub deadline: Option<Millis>,
    /// Value of every output where the model fails; without it the row is a dead letter.
    pub fallback: Option<f64>,
    /// What the second port, `log`, gives; `None`: there is one port.
    pub log: Option<InferLog>,
}

/// One column made of a model's output: `score = "probabilities[1]"`.
#[derive(Debug, Clone, PartialEq)]
pub struct InferOutput {
    /// Column name.
    pub name: Arc<str>,
    /// Position of the tensor in the signature's outputs.
    pub tensor: usize,
    /// Which number of the row; `None`: all of them as a vector, or the scalar where there is one.
    pub index: Option<usize>,
    /// Type of the column.
    pub data_type: DataType,
}

/// Settings of `route`. Ports: the branches in order, then `otherwise`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Tried in order.
    pub branches: Vec<RouteBranch>,
    /// A row goes to every branch that is true, not only the first.
    pub all_matches: bool,
}

/// One branch.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteBranch {
    /// Port name.
    pub port: Arc<str>,
    /// bool
    pub condition: Expression,
}
