//! The windows of one key as JSON, for people.

use std::collections::VecDeque;

use config::DataType;
use serde_json::json;

use super::{Slot, WindowState};
use crate::operators::keyed::{column, time};
use crate::operators::window::plan::Plan;
use crate::operators::window::shape::Shape;

/// Windows of each kind that are shown to people, at most.
const SHOWN_MAX: usize = 100;

impl WindowState {
    /// The windows (sliding: panes) that take rows, and those that wait for their time.
    pub(in crate::operators::window) fn describe(
        &self,
        plan: &Plan,
        columns: &[(&str, &DataType)],
    ) -> serde_json::Value {
        let shown = |slots: &VecDeque<Slot>| -> Vec<serde_json::Value> {
            let slots = slots.iter().take(SHOWN_MAX);
            slots.map(|slot| slot.describe(plan, columns)).collect()
        };
        let shape = match plan.shape {
            Shape::Tumbling { .. } | Shape::Gap { .. } => "windows",
            Shape::Sliding { .. } => "panes",
        };
        json!({
            shape: shown(&self.open),
            "closed": shown(&self.closed),
            "open": self.open.len(),
        })
    }
}

impl Slot {
    fn describe(&self, plan: &Plan, columns: &[(&str, &DataType)]) -> serde_json::Value {
        let values = plan.outputs.iter().zip(columns);
        let values: serde_json::Map<_, _> = values
            .map(|((aggregate, at), (name, data_type))| {
                let value = self.accumulators[*at].value(*aggregate, None);
                ((*name).to_owned(), column(value, data_type))
            })
            .collect();
        json!({"start": time(self.start), "end": time(self.end), "columns": values})
    }
}
