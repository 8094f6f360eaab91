//! What is promised of each sink after a crash. Pure.

use comfy_table::{Table, presets};
use config::{Delivery, LogSettings, Node, SinkTarget, Topology};
use serde::Serialize;

use crate::cli::nodes;

/// What is promised of a sink.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Promise {
    sink: String,
    to: String,
    delivery: &'static str,
    why: &'static str,
}

/// The sinks' promises, in the order of the file.
pub(super) fn promises(topology: &Topology) -> Vec<Promise> {
    let sinks = topology.nodes.iter().filter_map(|node| match node {
        Node::Sink(sink) => Some((node, sink)),
        Node::Source(_) | Node::Operator(_) => None,
    });
    let promises = sinks.map(|(node, sink)| {
        let (delivery, why) = promise(&sink.target, topology);
        Promise {
            sink: sink.id.to_string(),
            to: nodes::label(node),
            delivery,
            why,
        }
    });
    promises.collect()
}

fn promise(target: &SinkTarget, topology: &Topology) -> (&'static str, &'static str) {
    match (target, topology.epoch.delivery, &topology.log) {
        (SinkTarget::File(_) | SinkTarget::Stdout, Delivery::ExactlyOnce, _) => (
            "at-most-once",
            "lines are written after their epoch is committed: a crash just then loses them",
        ),
        (SinkTarget::File(_) | SinkTarget::Stdout, Delivery::AtLeastOnce, _) => (
            Delivery::AtLeastOnce.label(),
            "lines are written before their epoch is committed: a crash just then writes them again",
        ),
        (SinkTarget::Topic(_), Delivery::AtLeastOnce, _) => (
            Delivery::AtLeastOnce.label(),
            "visible at once, and again after a crash; behind a key-by when their epoch closes",
        ),
        (SinkTarget::Topic(_), Delivery::ExactlyOnce, LogSettings::Embedded) => (
            Delivery::ExactlyOnce.label(),
            "each epoch is written as a whole",
        ),
        (SinkTarget::Topic(_), Delivery::ExactlyOnce, LogSettings::Kafka(_)) => (
            Delivery::ExactlyOnce.label(),
            "for readers with isolation.level = read_committed",
        ),
    }
}

pub(super) fn table(promises: &[Promise]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    for promise in promises {
        table.add_row([
            &format!("  {}", promise.sink),
            &promise.to,
            promise.delivery,
            promise.why,
        ]);
    }
    table.trim_fmt()
}
