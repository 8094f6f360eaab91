//! `thalweg graph`: a topology drawn.

use std::fmt::Write;

use clap::ValueEnum;
use config::{Edge, Node, OperatorKind, SinkTarget, Topology};

use super::load::load_or_explain;
use super::{TopologyArguments, code, print};
use crate::control::{kind, topology_view};

/// What `graph` takes.
#[derive(Debug, clap::Args)]
pub struct GraphArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    /// Language of the drawing
    #[arg(long, value_enum, default_value_t = Language::Mermaid)]
    format: Language,
}

/// Language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// For documents and READMEs.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
}

/// Prints a topology's drawing.
pub(super) fn graph(arguments: &GraphArguments) -> u8 {
    let topology = match load_or_explain(&arguments.topology) {
        Ok(topology) => topology,
        Err(code) => return code,
    };
    let text = match arguments.format {
        Language::Mermaid => mermaid(&topology),
        Language::Dot => dot(&topology),
        Language::Json => super::json(&topology_view(&topology)),
    };
    print(text.trim_end());
    code::OK
}

fn inputs(node: &Node) -> Vec<Edge> {
    match node {
        Node::Source(_) => Vec::new(),
        Node::Operator(operator) => operator.inputs.clone(),
        Node::Sink(sink) => vec![sink.input],
    }
}

/// The port's name where an edge leaves one that has one.
fn port(topology: &Topology, edge: &Edge) -> String {
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
fn label(node: &Node) -> String {
    match node {
        Node::Source(source) => {
            let topics: Vec<&str> = source
                .topics
                .iter()
                .map(config::TopicName::as_str)
                .collect();
            format!("source of {}", topics.join(", "))
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
    let mut text = format!("topology {}", topology.name);
    for (nth, sub) in topology.sub_topologies.iter().enumerate() {
        // Writing to a string cannot fail.
        drop(write!(
            text,
            "\n  part {nth}: {} tasks, rows in {:?} order",
            sub.partitions, sub.order
        ));
        for index in sub.entries.iter().chain(&sub.nodes) {
            let node = topology.node(*index);
            let from: Vec<String> = inputs(node)
                .iter()
                .map(|edge| match port(topology, edge) {
                    port if port.is_empty() => topology.node(edge.from).id().to_string(),
                    port => format!("{}.{port}", topology.node(edge.from).id()),
                })
                .collect();
            let from = if from.is_empty() {
                String::new()
            } else {
                format!("  ← {}", from.join(", "))
            };
            drop(write!(
                text,
                "\n    {:<20} {}{from}",
                node.id().as_str(),
                label(node)
            ));
        }
    }
    text
}

fn mermaid(topology: &Topology) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in &topology.nodes {
        let (open, close) = match node {
            Node::Source(_) => ("([", "])"),
            Node::Operator(_) => ("[", "]"),
            Node::Sink(_) => ("[/", "/]"),
        };
        drop(writeln!(
            text,
            "  {id}{open}\"{id}<br/><i>{}</i>\"{close}",
            label(node),
            id = node.id()
        ));
    }
    for node in &topology.nodes {
        for edge in inputs(node) {
            let from = topology.node(edge.from).id();
            match port(topology, &edge) {
                port if port.is_empty() => drop(writeln!(text, "  {from} --> {}", node.id())),
                port => drop(writeln!(text, "  {from} -- {port} --> {}", node.id())),
            }
        }
    }
    text
}

fn dot(topology: &Topology) -> String {
    let mut text = format!(
        "digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n",
        topology.name
    );
    for node in &topology.nodes {
        drop(writeln!(
            text,
            "  \"{id}\" [label=\"{id}\\n{}\"];",
            label(node),
            id = node.id()
        ));
    }
    for node in &topology.nodes {
        for edge in inputs(node) {
            let from = topology.node(edge.from).id();
            let port = port(topology, &edge);
            drop(writeln!(
                text,
                "  \"{from}\" -> \"{}\" [label=\"{port}\"];",
                node.id()
            ));
        }
    }
    text.push_str("}\n");
    text
}
