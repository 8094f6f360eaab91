//! `thalweg graph`: a topology drawn.

use clap::ValueEnum;
use config::{Node, Topology};

use super::load::load_or_explain;
use super::nodes::{inputs, label, port};
use super::{TopologyArguments, print};
use crate::control::topology_view;

/// What `graph` takes.
#[derive(Debug, clap::Args)]
pub(super) struct GraphArguments {
    #[command(flatten)]
    topology: TopologyArguments,
    /// Language of the drawing
    #[arg(long, value_enum, default_value_t = Language::Mermaid)]
    format: Language,
}

/// Language of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
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
    print(&text)
}

fn mermaid(topology: &Topology) -> String {
    let mut lines = vec!["flowchart LR".to_owned()];
    for node in &topology.nodes {
        let (open, close) = match node {
            Node::Source(_) => ("([", "])"),
            Node::Operator(_) => ("[", "]"),
            Node::Sink(_) => ("[/", "/]"),
        };
        let (id, label) = (node.id(), label(node));
        lines.push(format!("  {id}{open}\"{id}<br/><i>{label}</i>\"{close}"));
    }
    for (from, port, to) in arrows(topology) {
        let arrow = match port.is_empty() {
            true => "-->".to_owned(),
            false => format!("-- {port} -->"),
        };
        lines.push(format!("  {from} {arrow} {to}"));
    }
    lines.join("\n")
}

fn dot(topology: &Topology) -> String {
    let mut lines = vec![format!("digraph \"{}\" {{", topology.name)];
    lines.push("  rankdir=LR;\n  node [shape=box];".to_owned());
    for node in &topology.nodes {
        let (id, label) = (node.id(), label(node));
        lines.push(format!("  \"{id}\" [label=\"{id}\\n{label}\"];"));
    }
    for (from, port, to) in arrows(topology) {
        lines.push(format!("  \"{from}\" -> \"{to}\" [label=\"{port}\"];"));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}

/// From, port (may be empty), to.
fn arrows(topology: &Topology) -> Vec<(&str, String, &str)> {
    let of = |to| {
        let edges = inputs(to).into_iter();
        edges.map(move |edge| {
            let from = topology.node(edge.from).id();
            (from.as_str(), port(topology, &edge), to.id().as_str())
        })
    };
    topology.nodes.iter().flat_map(of).collect()
}
