//! `[[operator]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::aggregate::AggregateColumn;
use super::detect::Detect;
use super::infer::Infer;
use super::key::{Key, Named};
use super::values::{Duration, OneOrMore, Order};

/// What happens to records.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Operator {
    /// Name of the node, unique in the topology. State belongs to it.
    pub(crate) id: Key<String>,
    /// The node it takes rows from: `"id"` or `"id.port"`; for `union` a list of those.
    pub(crate) input: Key<OneOrMore>,
    /// What it does.
    #[serde(rename = "$rest")]
    #[schemars(flatten)]
    pub(crate) settings: Key<Settings>,
}

/// Settings by kind.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$kind", rename_all = "kebab-case")]
#[schemars(rename = "OperatorSettings", tag = "kind")]
pub(crate) enum Settings {
    /// Keeps the rows where an expression is true.
    Filter(Filter),
    /// Computes columns, keeps some and drops others.
    Select(Select),
    /// Re-keys rows by a column, through a repartition topic.
    KeyBy(KeyBy),
    /// One row out per row in, with aggregates of the key's past.
    Rolling(Rolling),
    /// Rows per key and window of event time.
    Window(Window),
    /// One row out per row in, with how unusual it is for its key.
    Detect(Detect),
    /// Runs a model.
    Infer(Infer),
    /// Sends rows to ports.
    Route(Route),
    /// Several inputs of one schema.
    Union(Union),
    /// Joins late labels to the rows they are of.
    Label(Label),
    /// Watches over a model: made by `[model.labels]`.
    Steward(Steward),
    /// Counts what a model is given and answers: made by `[[monitor]]`.
    Sketch(Sketch),
    /// Compares that with a reference: made by `[[monitor]]`.
    Watch(Watch),
    /// When an alert fires and is resolved: made by `[alerts]`.
    Alert(AlertState),
}

/// Keeps the rows where an expression is true.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Filter {
    /// A SQL expression of type bool.
    #[serde(rename = "where")]
    pub(crate) condition: Key<String>,
}

/// Computes columns, keeps some and drops others. Out come the kept columns, then the computed ones;
/// with neither `keep` nor `drop` only the computed ones.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Select {
    /// New columns, each a SQL expression.
    pub(crate) columns: Option<Key<Named<String>>>,
    /// Columns that stay; `["*"]` is all.
    pub(crate) keep: Option<Key<Vec<Key<String>>>>,
    /// Columns that go.
    pub(crate) drop: Option<Key<Vec<Key<String>>>>,
}

/// Re-keys rows by a column, through a repartition topic.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct KeyBy {
    /// The new key column.
    pub(crate) key: Key<String>,
    /// Partitions of the repartition topic. Default: those of its input.
    pub(crate) partitions: Option<Key<u32>>,
}

/// One row out per row in, with aggregates of the key's past.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Rolling {
    /// Added columns.
    pub(crate) columns: Key<Named<AggregateColumn>>,
    /// In which order rows are taken. Default: arrival behind a source, event-time behind a key-by.
    pub(crate) order: Option<Key<Order>>,
    /// Where its sessions live. Default: hosted.
    pub(crate) sessions: Option<Key<Sessions>>,
}

/// Where the sessions of a keyed operator live.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Sessions {
    /// Whether a session is an actor of its own.
    pub(crate) hosting: Key<Hosting>,
    /// Hosted: sessions in memory in each task beyond which those at rest leave, unbounded without it. Otherwise: sessions that are actors, in each task. Default: 1,000 actors.
    pub(crate) max: Option<Key<u32>>,
}

/// Whether a session is an actor of its own.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hosting {
    /// Many sessions in one actor, one after the other.
    Hosted,
    /// Each session an actor of its own.
    Dedicated,
    /// Actors until there are `max`, hosted beyond.
    Auto,
}

/// Rows per key and window of event time: the key, `window_start`, `window_end`, then the columns.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Window {
    /// Shape of the windows.
    pub(crate) window: Key<WindowKind>,
    /// Aggregates.
    pub(crate) columns: Key<Named<AggregateColumn>>,
    /// When rows come out. Default: final.
    pub(crate) emit: Option<Key<Emit>>,
    /// How long after its end a window still takes rows; later ones leave by `.late`. Default: 0s.
    pub(crate) allowed_lateness: Option<Key<Duration>>,
    /// In which order rows are taken. Default: arrival behind a source, event-time behind a key-by.
    pub(crate) order: Option<Key<Order>>,
    /// Where its sessions live. Default: hosted.
    pub(crate) sessions: Option<Key<Sessions>>,
}

/// Shape of windows, aligned to 1970-01-01 UTC.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$kind", rename_all = "kebab-case")]
#[schemars(rename = "WindowKind", tag = "kind")]
pub(crate) enum WindowKind {
    /// Side by side.
    Tumbling(Tumbling),
    /// Overlapping.
    Sliding(Sliding),
    /// Until nothing came for a while.
    Session(SessionGap),
}

/// Windows side by side.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tumbling {
    /// Length.
    pub(crate) size: Key<Duration>,
}

/// Windows that overlap.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sliding {
    /// Length.
    pub(crate) size: Key<Duration>,
    /// Distance from one start to the next, at most `size`.
    pub(crate) slide: Key<Duration>,
}

/// Windows that end in silence.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SessionGap {
    /// How long nothing comes.
    pub(crate) gap: Key<Duration>,
}

/// When a window gives rows.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Emit {
    /// Once, when the watermark passes its end.
    Final,
    /// After every row, and at the end.
    Updates,
}

/// Sends rows to ports: those of the branches, and `.otherwise`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Route {
    /// Tried in order; the first that is true gets the row.
    pub(crate) branches: Key<Vec<Key<Branch>>>,
    /// Every branch that is true gets the row. Default: false.
    pub(crate) all_matches: Option<Key<bool>>,
}

/// One way out.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Branch {
    /// Name of the port, as in `input = "id.port"`.
    pub(crate) port: Key<String>,
    /// A SQL expression of type bool.
    #[serde(rename = "where")]
    pub(crate) condition: Key<String>,
}

/// Several inputs of one schema.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Union {}

/// Joins late labels to rows by the key. Rows whose column `label` is NULL wait; one with a value is the
/// label of the row with its key, and that row comes out with it. Rows without label leave by `.unlabelled`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Label {
    /// The column.
    pub(crate) label: Key<String>,
    /// How long a row waits for its label, in event time. Default: 30d.
    pub(crate) horizon: Option<Key<Duration>>,
    /// In which order rows are taken. Default: arrival behind a source, event-time behind a key-by.
    pub(crate) order: Option<Key<Order>>,
}

/// Watches over a model: metrics, drift, when to train, who answers. `[model.labels]` makes it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Steward {
    /// Id of a `[[model]]`.
    pub(crate) model: Key<String>,
    /// Column of the model's score.
    pub(crate) score: Key<String>,
}

/// Counts what a model is given and answers, by the version that did. `[[monitor]]` makes it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Sketch {
    /// Id of a `[[model]]`.
    pub(crate) model: Key<String>,
    /// Column of the model's score.
    pub(crate) score: Key<String>,
}

/// Puts sketches together to windows and compares them with a reference. `[[monitor]]` makes it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Watch {
    /// Id of a `[[model]]`.
    pub(crate) model: Key<String>,
    /// How many of the columns are features; the others are answers.
    pub(crate) features: Key<u64>,
}

/// When an alert fires and is resolved, by what the nodes say of their metrics. `[alerts]` makes it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AlertState {}
