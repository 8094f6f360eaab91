//! Nodes of a topology in words: what each is and what it reads. `plan` and `graph` print them.

use config::{Edge, Node, OperatorKind, SinkTarget, Topology};

use crate::control::kind;

/// What a node reads.
pub(super) fn inputs(node: &Node) -> Vec<Edge> {
    match node {
        Node::Source(_) => Vec::new(),
        Node::Operator(operator) => operator.inputs.clone(),
        Node::Sink(sink) => vec![sink.input],
    }
}

/// The port's name where an edge leaves one that has one.
pub(super) fn port(topology: &Topology, edge: &Edge) -> String {
    match topology.node(edge.from) {
        Node::Operator(operator) => operator
            .ports
            .get(edge.port)
            .map(|port| port.name.to_string())
            .unwrap_or_default(),
        Node::Source(_) | Node::Sink(_) => String::new(),
    }
}

/// What a node is, in a few words.
pub(super) fn label(node: &Node) -> String {
    match node {
        Node::Source(source) => {
            let topics: Vec<&str> = source
                .topics
                .iter()
                .map(config::TopicName::as_str)
                .collect();
            match &source.pattern {
                Some(pattern) => format!("source of what matches {pattern}"),
                None => format!("source of {}", topics.join(", ")),
            }
        }
        Node::Operator(operator) => match &operator.kind {
            OperatorKind::KeyBy { column } => {
                format!("key-by {}", operator.input_schema.columns()[*column].name)
            }
            other => kind(other).to_owned(),
        },
        Node::Sink(sink) => match &sink.target {
            SinkTarget::Topic(topic) => format!("sink to {topic}"),
            SinkTarget::File(path) => format!("sink to {}", path.display()),
            SinkTarget::Stdout => "sink to standard output".to_owned(),
        },
    }
}

/// One line a node, for `plan`.
pub(super) fn text(topology: &Topology) -> String {
    let mut lines = vec![format!("topology {}", topology.name)];
    for (nth, sub) in topology.sub_topologies.iter().enumerate() {
        let order = match sub.order {
            config::Order::Arrival => "as they arrive",
            config::Order::EventTime => "by event time",
        };
        lines.push(format!(
            "  part {nth}: {} tasks, rows {order}",
            sub.partitions
        ));
        for index in sub.entries.iter().chain(&sub.nodes) {
            let node = topology.node(*index);
            let edges = inputs(node);
            let from: Vec<String> = edges.iter().map(|edge| origin(topology, edge)).collect();
            let from = match from.is_empty() {
                true => String::new(),
                false => format!("  ← {}", from.join(", ")),
            };
            lines.push(format!(
                "    {:<20} {}{from}",
                node.id().as_str(),
                label(node)
            ));
        }
    }
    lines.join("\n")
}

/// Where an edge comes from: `id` or `id.port`.
fn origin(topology: &Topology, edge: &Edge) -> String {
    let from = topology.node(edge.from).id();
    match port(topology, edge) {
        port if port.is_empty() => from.to_string(),
        port => format!("{from}.{port}"),
    }
}
