//! `[[monitor]]` on features, predictions or performance: two operators, and the topic between them.

use super::super::tree::Table;
use super::{Loop, text};
use crate::learning::columns::{MODEL, SKETCH, VERSION};

/// Whether a `[[monitor]]` compares windows of this model.
pub(super) fn is_watch(monitor: &Table, model: &str) -> bool {
    text(monitor, "model") == Some(model) && text(monitor, "on").is_some_and(|on| on != "errors")
}

impl Loop<'_> {
    /// Counted where the rows are, compared in one place.
    pub(super) fn watched(&self) -> String {
        let Self {
            topics,
            id,
            infer,
            score,
            features,
            ..
        } = self;
        // An alarm is a reason to train only where there is somebody who trains.
        let control = match self.is_labelled {
            true => format!(
                r#"
[[sink]]
id = "{id}-alarms-out"
input = "{id}-watch.control"
topic = "{topics}.control"
key = "{MODEL}"
partitions = 1
"#
            ),
            false => String::new(),
        };
        format!(
            r#"
[[operator]]
id = "{id}-sketch"
kind = "sketch"
input = "{infer}.log"
model = "{id}"
score = {score}

[[sink]]
id = "{id}-sketches-out"
input = "{id}-sketch"
topic = "{topics}.sketches"
key = "{MODEL}"
partitions = 1

[[source]]
id = "{id}-sketches"
topic = "{topics}.sketches"
key = "{MODEL}"
partitions = 1
[source.schema]
{MODEL} = "string"
{VERSION} = "int64"
{SKETCH} = "string"

[[operator]]
id = "{id}-watch"
kind = "watch"
input = "{id}-sketches"
model = "{id}"
features = {features}

[[sink]]
id = "{id}-drift-out"
input = "{id}-watch"
topic = "{topics}.events"
key = "{MODEL}"
partitions = 1

[[sink]]
id = "{id}-drift-metrics-out"
input = "{id}-watch.metrics"
topic = "{topics}.metrics"
key = "{MODEL}"
partitions = 1
{control}"#
        )
    }
}
