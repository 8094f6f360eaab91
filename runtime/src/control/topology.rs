//! A topology as the API and `thalweg graph` show it.

use config::{Node, OperatorKind, SinkTarget, Topology};
use serde_json::{Value, json};

/// The graph: nodes with kind and inputs, models, sub-topologies.
#[must_use]
pub fn topology_view(topology: &Topology) -> Value {
    let id = |index: config::NodeIndex| topology.node(index).id().to_string();
    let edge = |edge: &config::Edge| match topology.node(edge.from) {
        Node::Operator(operator) if !operator.ports[edge.port].name.is_empty() => {
            format!("{}.{}", operator.id, operator.ports[edge.port].name)
        }
        node => node.id().to_string(),
    };
    let node = |node: &Node| match node {
        Node::Source(source) => json!({
            "id": source.id.as_str(), "kind": "source", "inputs": [],
            "topics": source.topics.iter().map(config::TopicName::as_str).collect::<Vec<_>>(),
            "pattern": source.pattern.as_ref().map(ToString::to_string),
            "columns": columns(&source.schema),
        }),
        Node::Operator(operator) => json!({
            "id": operator.id.as_str(), "kind": kind(&operator.kind),
            "inputs": operator.inputs.iter().map(edge).collect::<Vec<_>>(),
            "columns": operator.ports.first().map(|port| columns(&port.schema)),
        }),
        Node::Sink(sink) => json!({
            "id": sink.id.as_str(), "kind": "sink", "inputs": [edge(&sink.input)],
            "topic": match &sink.target {
                SinkTarget::Topic(topic) => Some(topic.as_str().to_owned()),
                SinkTarget::File(path) => Some(path.display().to_string()),
                SinkTarget::Stdout => None,
            },
        }),
    };
    json!({
        "name": topology.name.as_str(),
        "nodes": topology.nodes.iter().map(node).collect::<Vec<_>>(),
        "models": topology.models.iter().map(|model| json!({
            "id": model.id.as_str(), "path": model.path.display().to_string(),
        })).collect::<Vec<_>>(),
        "sub_topologies": topology.sub_topologies.iter().map(|sub| json!({
            "name": sub.name.as_str(), "partitions": sub.partitions,
            "entries": sub.entries.iter().map(|i| id(*i)).collect::<Vec<_>>(),
            "nodes": sub.nodes.iter().map(|i| id(*i)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn columns(schema: &config::Schema) -> Value {
    let column = |c: &config::Column| {
        let nullable = if c.nullable { "?" } else { "" };
        (
            c.name.to_string(),
            Value::String(format!("{}{nullable}", c.data_type)),
        )
    };
    Value::Object(schema.columns().iter().map(column).collect())
}

/// An operator's kind as the topology file names it.
#[must_use]
pub fn kind(kind: &OperatorKind) -> &'static str {
    match kind {
        OperatorKind::Filter { .. } => "filter",
        OperatorKind::Select { .. } => "select",
        OperatorKind::KeyBy { .. } => "key-by",
        OperatorKind::Rolling(_) => "rolling",
        OperatorKind::Window(_) => "window",
        OperatorKind::Detect(_) => "detect",
        OperatorKind::Infer(_) => "infer",
        OperatorKind::Route(_) => "route",
        OperatorKind::Union => "union",
        OperatorKind::Label(_) => "label",
        OperatorKind::Steward(_) => "steward",
        OperatorKind::Sketch(_) => "sketch",
        OperatorKind::Watch(_) => "watch",
        OperatorKind::Alert(_) => "alert",
    }
}
