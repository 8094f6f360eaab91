//! Gauges that are read rather than counted, set once a second.
//!
//! A task or a partition that another node has taken over is not heard of here any more: its gauges go to
//! zero, or an alert on them would fire for ever.

use std::collections::BTreeSet;

use actors::nodes::metrics;
use actors::nodes::status::KeyState;

use crate::control::Control;

/// What this node has told of so far.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    tasks: BTreeSet<String>,
    inputs: BTreeSet<(String, u32)>,
}

impl Gauges {
    /// Sets them; gives the lag of the sources.
    pub(super) fn set(&mut self, control: &Control) -> i64 {
        let context = control.context();
        metrics::overlay(context.states.overlay_bytes());
        let keys = context.status.keys();
        let quarantined = (keys.iter()).filter(|key| matches!(key.state, KeyState::Quarantined(_)));
        metrics::quarantined(quarantined.count());
        for task in &context.tasks {
            let waiting = context.credits[task].taken();
            metrics::mailbox("partition", &context.task_name(*task), waiting);
        }
        for (model, settings) in context.models.iter().zip(&context.topology.models) {
            metrics::mailbox("inference", settings.id.as_str(), model.waiting());
        }
        self.tasks(control)
    }

    fn tasks(&mut self, control: &Control) -> i64 {
        let now = control.context().clock.now_ms();
        // A log that does not answer has no figures; whoever reads or writes it says why.
        let Ok(partitions) = control.partitions() else {
            return 0;
        };
        let (mut tasks, mut inputs, mut source_lag) = (BTreeSet::new(), BTreeSet::new(), 0);
        for task in partitions {
            let left = task.restoring.map_or(0, |restoring| restoring.left);
            metrics::restore(&task.name, left);
            let late = task.watermark.map(|watermark| now - watermark);
            metrics::task(&task.name, task.sessions, task.state_bytes, task.held, late);
            for input in &task.inputs {
                metrics::lag(&input.topic, input.partition, input.lag());
                if control.is_source(&input.topic) {
                    source_lag += input.lag();
                }
                inputs.insert((input.topic.clone(), input.partition));
            }
            tasks.insert(task.name);
        }
        for name in gone(&mut self.tasks, tasks) {
            metrics::restore(&name, 0);
            metrics::task(&name, 0, 0, 0, Some(0));
        }
        for (topic, partition) in gone(&mut self.inputs, inputs) {
            metrics::lag(&topic, partition, 0);
        }
        source_lag
    }
}

/// What was there before and is not now, which takes its place.
fn gone<T: Ord + Clone>(before: &mut BTreeSet<T>, now: BTreeSet<T>) -> Vec<T> {
    let gone = before.difference(&now).cloned().collect();
    *before = now;
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_node_took_over_is_set_to_zero_once() {
        let mut told = BTreeSet::new();
        assert_eq!(gone(&mut told, [1, 2].into()), [0; 0]);
        assert_eq!(gone(&mut told, [2, 3].into()), [1]);
        assert_eq!(gone(&mut told, [2, 3].into()), [0; 0]);
    }
}
