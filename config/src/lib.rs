//! TOML to a checked [`Topology`]: every rule that can be decided without running anything.
//!
//! The way of a file: `raw` (serde mirror of the text) → `load` (include, substitution, overrides) →
//! `check` (all problems at once) → [`Topology`], which only `check` can make. Pure but for reading
//! the files it is given: no clock, no network, no threads.

mod ids;
mod units;
mod schema;
mod pattern;
mod expression;
mod signature;
mod operator;
mod detect;
pub mod learning;
pub mod alert;
mod settings;
mod training;
mod topology;
mod supervision;
mod secret;
mod problem;
mod code;
mod defaults;
mod nearest;
mod time;
mod files;
mod raw;
mod load;
mod check;
mod json_schema;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod reference;

pub use alert::{
    AlertColumns, AlertRule, Alerts, Comparison, Condition, ConditionError, Measure, Selector,
    Webhook,
};
pub use detect::{Detect, DetectMethod};
pub use expression::{
    BinaryOperator, Expression, ExpressionError, ExpressionKind, Function, Literal, UnaryOperator,
    WhenThen, parse_expression,
};
pub use ids::{IdError, ModelId, NodeId, TopicName, TopologyName};
pub use json_schema::json_schema;
pub use learning::{
    DriftLimits, Gate, GateMetric, InferLog, Label, Learning, Monitor, Retrain, Rollout, Sketch,
    Statistic, Steward, Watch, Watched, Watcher,
};
pub use load::{LoadOptions, load, load_text};
pub use operator::{
    Aggregate, Emit, Hosting, Infer, InferOutput, OperatorKind, Over, Rolling, RollingColumn,
    Route, RouteBranch, Window, WindowColumn, WindowKind,
};
pub use pattern::TopicPattern;
pub use problem::{Location, Problem, Problems};
pub use schema::{Column, DataType, Schema, TimeUnit, VectorElement};
pub use secret::Secret;
pub use settings::{
    Delivery, EpochSettings, GroupProtocol, KafkaSettings, LogSettings, Membership, StateSettings,
    SupervisionSettings, TokenIssuer, TokenSource,
};
pub use signature::{Element, ModelSignatures, NoModels, Signature, TensorSpec, VersionChoice};
pub use supervision::{Backoff, Intensity, Strategy};
pub use topology::{
    Batching, DeviceChoice, Edge, EventTime, Feed, FileCompression, FileFormat, Format,
    ModelSettings, Node, NodeIndex, Operator, Order, Port, Profile, Sink, SinkTarget, Source,
    Start, SubTopology, Topology, WatermarkSettings,
};
pub use training::{Architecture, ClassWeights, TrainSettings};
pub use units::{ByteSize, Millis, UnitError};
