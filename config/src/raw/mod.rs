//! The TOML file as serde sees it. Every field's description feeds the JSON Schema of
//! [`crate::json_schema()`]; `docs/topology.md` is held against that by a test.
//!
//! Nothing here is checked beyond its shape. The types have no `Debug`: they hold secrets.

mod key;
mod values;
mod settings;
mod source;
mod operator;
mod aggregate;
mod detect;
mod infer;
mod train;
mod learning;
mod alert;
mod sink;
pub(crate) mod planned;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use aggregate::{AggregateColumn, AggregateName, Over};
pub(crate) use alert::{Alert, Alerts, Webhook};
pub(crate) use detect::{Detect, DetectMethod};
pub(crate) use infer::{Batch, Device, Infer, Latest, Model, Version};
pub(crate) use key::{Key, Named};
pub(crate) use learning::{Gate, GateMetric, Monitor, Retrain, Rollout, Statistic, Watched};
pub(crate) use operator::{
    Emit, Hosting, KeyBy, Label, Operator, Rolling, Route, Select, Settings, Sketch, Steward,
    Watch, Window, WindowKind,
};
pub(crate) use settings::{
    DeadLetter, Epoch, Kafka, Log, Mechanism, Membership, Property, Security, State, Supervision,
};
pub(crate) use sink::Sink;
pub(crate) use source::{ColumnType, Feed, GeneratorFeed, Profile, Source, Start, Watermark};
pub(crate) use train::{Arch, Balanced, ClassWeights, Train};
pub(crate) use values::{Duration, Format, OneOrMore, Order, Size, Unit};

/// A topology: where records come from, what happens to them, where they go.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Thalweg topology")]
pub(crate) struct Document {
    /// Version of this file format: 1.
    pub(crate) version: Key<u32>,
    /// Name of the topology; topics and state that it owns begin with it.
    pub(crate) name: Key<String>,
    /// Files merged into this one, relative to it. What this file says wins; nodes are added.
    #[expect(
        dead_code,
        reason = "merged before; here so that the JSON Schema knows it"
    )]
    pub(crate) include: Option<Key<Vec<Key<String>>>>,
    /// Where records live. Default: the embedded log under the data directory.
    pub(crate) log: Option<Key<Log>>,
    /// When a transaction closes.
    pub(crate) epoch: Option<Key<Epoch>>,
    /// What live sessions may cost.
    pub(crate) state: Option<Key<State>>,
    /// When what fails or hangs is helped.
    pub(crate) supervision: Option<Key<Supervision>>,
    /// Where records go that cannot be processed.
    pub(crate) dead_letter: Option<Key<DeadLetter>>,
    /// Where records come in.
    #[serde(rename = "source")]
    pub(crate) sources: Option<Key<Vec<Key<Source>>>>,
    /// What happens to them.
    #[serde(rename = "operator")]
    pub(crate) operators: Option<Key<Vec<Key<Operator>>>>,
    /// Models that operators run.
    #[serde(rename = "model")]
    pub(crate) models: Option<Key<Vec<Key<Model>>>>,
    /// What watches models for drift.
    #[serde(rename = "monitor")]
    pub(crate) monitors: Option<Key<Vec<Key<Monitor>>>>,
    /// Where alerts go.
    pub(crate) alerts: Option<Key<Alerts>>,
    /// Tells somebody when a metric is not as it should be.
    #[serde(rename = "alert")]
    pub(crate) alert_rules: Option<Key<Vec<Key<Alert>>>>,
    /// Where records go out.
    #[serde(rename = "sink")]
    pub(crate) sinks: Option<Key<Vec<Key<Sink>>>>,
}
