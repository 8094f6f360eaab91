//! Alerts after checking: what is looked at, when somebody is told, and where.
//!
//! A rule that nobody is told of but the process itself (`to = ["log"]`) is kept in memory. One with a
//! topic or a webhook goes through the keyed operator `alert`, whose nodes `load::expand` writes, so
//! that its state commits with its records: see `docs/decisions/0007`.

mod condition;
mod measured;
mod standard;

use std::sync::Arc;

use crate::{Millis, NodeId, Secret};

pub use condition::{Comparison, Condition, ConditionError, Measure, Selector};
pub(crate) use measured::METRICS;
pub(crate) use standard::{Standard, standard};

/// All alerts of a topology.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerts {
    /// What is looked at, in the order of the file, the standard ones first.
    pub rules: Vec<AlertRule>,
    /// Who can be told by HTTP.
    pub webhooks: Vec<Webhook>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRule {
    /// Its name, unique among alerts.
    pub id: NodeId,
    /// What is looked at.
    pub condition: Condition,
    /// How long it must hold without a break before it fires.
    pub hold: Millis,
    /// Whether it is told on the topic of alerts, exactly once.
    pub committed: bool,
    /// Positions in [`Alerts::webhooks`]: who is told besides.
    pub webhooks: Vec<usize>,
    /// Where it stands what to do.
    pub see: Arc<str>,
}

/// Somebody who is told by HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Its name.
    pub id: NodeId,
    /// Where requests go: `http://` or `https://`. Some services have their secret in it.
    pub url: Secret,
    /// Headers of each request beside those that the runtime sets.
    pub headers: Vec<(String, Secret)>,
    /// How long one request may take.
    pub timeout: Millis,
    /// An alert that could not be handed over for so long is given up.
    pub give_up: Millis,
}

/// Settings of the operator `alert`: positions in its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertColumns {
    /// Which node looked. string
    pub node: usize,
    /// Whether the condition holds there. bool
    pub holds: usize,
    /// How long it must hold, in milliseconds. int64
    pub hold_ms: usize,
    /// What was measured. float64, NULL if nothing was.
    pub value: usize,
    /// `series`, `condition`, `see`: handed on as they are. string
    pub passed: [usize; 3],
}

/// Names of all metrics that an alert may look at, as `GET /metrics` shows them.
pub fn metric_names() -> impl Iterator<Item = String> {
    METRICS
        .iter()
        .map(|metric| format!("thalweg_{}", metric.name))
}

/// Names of the columns of `<topology>.alerts.control` and `<topology>.alerts`.
pub mod columns {
    /// Id of the alert; the key.
    pub const ALERT: &str = "alert";
    /// Which node looked.
    pub const NODE: &str = "node";
    /// Whether the condition holds there.
    pub const HOLDS: &str = "holds";
    /// How long it must hold.
    pub const HOLD_MS: &str = "hold_ms";
    /// What was measured.
    pub const VALUE: &str = "value";
    /// Of which series of the metric.
    pub const SERIES: &str = "series";
    /// The condition as it is written.
    pub const CONDITION: &str = "condition";
    /// Where it stands what to do.
    pub const SEE: &str = "see";
    /// When it fired or was resolved.
    pub const AT: &str = "at_ms";
    /// `firing` or `resolved`.
    pub const STATE: &str = "state";
    /// Rises by one with each firing of the alert, from 1 on.
    pub const NUMBER: &str = "number";
    /// Since when the condition has held.
    pub const SINCE: &str = "since_ms";
}
