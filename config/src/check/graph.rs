//! Who feeds whom: ids, inputs, cycles, and an order in which every node comes after its inputs.

use super::flow::{Flow, Output};
use super::names::Names;
use super::sort::sorted;
use super::{Context, nodes};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::{list, suggest};
use crate::raw::{self, Key, OneOrMore};
use crate::{Edge, NodeIndex};

/// Operators of one file, at most: sorting them takes the square of their number.
const OPERATORS_MAX: usize = 2_000;

/// The nodes of a file, each after its inputs: sources, operators, sinks.
pub(crate) struct Graph<'a> {
    pub(crate) places: Vec<Place<'a>>,
}

/// A node where it stands in the order.
pub(crate) enum Place<'a> {
    Source {
        raw: &'a raw::Source,
        span: Span,
    },
    Operator {
        raw: &'a raw::Operator,
        inputs: Vec<Input<'a>>,
    },
    Sink {
        raw: &'a raw::Sink,
        span: Span,
        input: Input<'a>,
    },
}

/// What a node names as its input.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// Position in the graph's places; `None` if it is reported already.
    pub(crate) node: Option<usize>,
    pub(crate) port: &'a str,
    pub(crate) span: Span,
}

/// An input with its rows. `edge` is `None` where something was reported.
pub(crate) struct Inflow {
    pub(crate) edge: Option<Edge>,
    pub(crate) flow: Flow,
    pub(crate) span: Span,
}

impl Place<'_> {
    pub(crate) fn id(&self) -> &Key<String> {
        match self {
            Self::Source { raw, .. } => &raw.id,
            Self::Operator { raw, .. } => &raw.id,
            Self::Sink { raw, .. } => &raw.id,
        }
    }

    pub(crate) fn inputs(&self) -> &[Input<'_>] {
        match self {
            Self::Source { .. } => &[],
            Self::Operator { inputs, .. } => inputs,
            Self::Sink { input, .. } => std::slice::from_ref(input),
        }
    }

    pub(crate) fn is_key_by(&self) -> bool {
        match self {
            Self::Operator { raw, .. } => {
                matches!(raw.settings.get(), Some(raw::Settings::KeyBy(_)))
            }
            Self::Source { .. } | Self::Sink { .. } => false,
        }
    }
}

impl<'a> Graph<'a> {
    /// Finds every node's inputs, and reports ids and inputs that are wrong.
    pub(crate) fn resolve(document: &'a raw::Document, cx: &Context<'_>) -> Self {
        let sources: Vec<_> = nodes(document.sources.as_ref()).collect();
        let mut operators: Vec<_> = nodes(document.operators.as_ref()).collect();
        let sinks: Vec<_> = nodes(document.sinks.as_ref()).collect();
        for (what, is_there) in [
            ("source", is_there(document.sources.as_ref())),
            ("sink", is_there(document.sinks.as_ref())),
        ] {
            if !is_there {
                let message = format!("there is no {what}");
                cx.report(
                    Finding::at(document.name.span, Code::NOTHING_TO_DO, message)
                        .hint(format!("add a [[{what}]]")),
                );
            }
        }
        if let Some((span, _)) = operators.get(OPERATORS_MAX) {
            let message = format!("more than {OPERATORS_MAX} operators");
            cx.report(
                Finding::at(*span, Code::INVALID_VALUE, message)
                    .hint("several topologies can share topics"),
            );
            operators.truncate(OPERATORS_MAX);
        }

        // Positions before sorting: sources, then operators, then sinks.
        let ids: Vec<&Key<String>> = (sources.iter().map(|(_, node)| &node.id))
            .chain(operators.iter().map(|(_, node)| &node.id))
            .chain(sinks.iter().map(|(_, node)| &node.id))
            .collect();
        let names = Names::new(&ids, sources.len() + operators.len(), document, cx);
        let inputs: Vec<Vec<Input<'a>>> = operators
            .iter()
            .map(|(_, node)| operator_inputs(node, &names, cx))
            .collect();
        let order = sorted(&inputs, &operators, sources.len(), cx);
        // Where each of the first positions ended up; a cycle's nodes stay behind the others.
        let mut moved: Vec<usize> = (0..ids.len()).collect();
        for (at, operator) in order.iter().enumerate() {
            moved[sources.len() + operator] = sources.len() + at;
        }
        let relocate = |mut input: Input<'a>| {
            input.node = input.node.and_then(|node| moved.get(node).copied());
            input
        };

        let mut places = Vec::new();
        places.extend(
            sources
                .iter()
                .map(|(span, raw)| Place::Source { raw, span: *span }),
        );
        for operator in &order {
            places.push(Place::Operator {
                raw: operators[*operator].1,
                inputs: inputs[*operator].iter().copied().map(relocate).collect(),
            });
        }
        for (span, raw) in &sinks {
            places.push(Place::Sink {
                raw,
                span: *span,
                input: relocate(names.input(&raw.input, cx)),
            });
        }
        Self { places }
    }
}

/// Whether a list has anything in it, readable or not.
fn is_there<T>(list: Option<&Key<Vec<T>>>) -> bool {
    list.is_some_and(|list| list.get().is_none_or(|nodes| !nodes.is_empty()))
}

fn operator_inputs<'a>(
    operator: &'a raw::Operator,
    names: &Names<'a>,
    cx: &Context<'_>,
) -> Vec<Input<'a>> {
    match operator.input.get() {
        Some(OneOrMore::Text(text)) => vec![names.parse(text, operator.input.span, cx)],
        Some(OneOrMore::List(list)) => list.iter().map(|item| names.input(item, cx)).collect(),
        None => vec![Input {
            node: None,
            port: "",
            span: operator.input.span,
        }],
    }
}

/// The rows of each input. Ports that do not exist are reported.
pub(crate) fn flows(
    inputs: &[Input<'_>],
    graph: &Graph<'_>,
    outputs: &[Vec<Output>],
    cx: &Context<'_>,
) -> Vec<Inflow> {
    inputs
        .iter()
        .map(|input| {
            let found = input
                .node
                .and_then(|node| port(input, node, graph, outputs, cx));
            let (edge, flow) = found.unzip();
            Inflow {
                edge,
                flow: flow.unwrap_or_else(Flow::unknown),
                span: input.span,
            }
        })
        .collect()
}

fn port(
    input: &Input<'_>,
    node: usize,
    graph: &Graph<'_>,
    outputs: &[Vec<Output>],
    cx: &Context<'_>,
) -> Option<(Edge, Flow)> {
    // Not there yet: part of a cycle. Empty: its kind is not known.
    let ports = outputs.get(node).filter(|ports| !ports.is_empty())?;
    if let Some(at) = ports.iter().position(|output| *output.port == *input.port) {
        let edge = Edge {
            from: NodeIndex(node),
            port: at,
        };
        return Some((edge, ports[at].flow.clone()));
    }
    let id = graph.places[node].id().get()?;
    let known: Vec<&str> = ports.iter().map(|output| &*output.port).collect();
    let named: Vec<&str> = known
        .iter()
        .copied()
        .filter(|port| !port.is_empty())
        .collect();
    let finding = if input.port.is_empty() {
        let ports: Vec<String> = named.iter().map(|port| format!("{id}.{port}")).collect();
        Finding::at(
            input.span,
            Code::UNKNOWN_PORT,
            format!("\"{id}\" has several outputs and no main one"),
        )
        .hint(format!("choose one: {}", list(&ports)))
    } else {
        let hint = if named.is_empty() {
            Some(format!("write \"{id}\": it has one output"))
        } else {
            suggest(input.port, "there are", named)
        };
        let message = format!("\"{id}\" has no port \"{}\"", input.port);
        Finding::at(input.span, Code::UNKNOWN_PORT, message).maybe_hint(hint)
    };
    cx.report(finding);
    None
}
