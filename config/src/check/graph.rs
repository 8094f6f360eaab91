//! Who feeds whom: ids, inputs, cycles, and an order in which every node comes after its inputs.

use std::collections::HashMap;

use super::flow::{Flow, Output};
use super::{Context, index, nodes};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::{list, suggest};
use crate::raw::{self, Key, OneOrMore};
use crate::{Edge, NodeId};

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
    port: &'a str,
    span: Span,
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
        let operators: Vec<_> = nodes(document.operators.as_ref()).collect();
        let sinks: Vec<_> = nodes(document.sinks.as_ref()).collect();
        if document.sources.is_none() {
            let finding = Finding::nowhere(Code::NOTHING_TO_DO, "there is no source");
            cx.report(finding.hint("add a [[source]]"));
        }
        if document.sinks.is_none() {
            let finding = Finding::nowhere(Code::NOTHING_TO_DO, "there is no sink");
            cx.report(finding.hint("add a [[sink]]"));
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

/// Ids and what they name.
struct Names<'a> {
    by_id: HashMap<&'a str, usize>,
    /// Ids of nodes that have outputs, in the order of the file.
    feeding: Vec<&'a str>,
    /// Some node could not be read at all: an unknown id may be its.
    unsure: bool,
}

impl<'a> Names<'a> {
    fn new(
        ids: &[&'a Key<String>],
        feeding: usize,
        document: &raw::Document,
        cx: &Context<'_>,
    ) -> Self {
        let mut by_id = HashMap::new();
        let mut unsure = unreadable(document);
        for (at, id) in ids.iter().enumerate() {
            let Some(name) = id.get() else {
                unsure = true;
                continue;
            };
            // A wrong id names its node all the same, so that its users are not blamed.
            cx.name(id, NodeId::parse);
            if by_id.contains_key(name.as_str()) {
                let message = format!("there is a node \"{name}\" already");
                cx.report(
                    Finding::at(id.span, Code::DUPLICATE_ID, message)
                        .hint("ids are unique among sources, operators and sinks"),
                );
                continue;
            }
            by_id.insert(name.as_str(), at);
        }
        let feeding = ids[..feeding].iter().filter_map(|id| id.get());
        Self {
            by_id,
            feeding: feeding.map(String::as_str).collect(),
            unsure,
        }
    }

    fn input(&self, key: &'a Key<String>, cx: &Context<'_>) -> Input<'a> {
        match key.get() {
            Some(text) => self.parse(text, key.span, cx),
            None => Input {
                node: None,
                port: "",
                span: key.span,
            },
        }
    }

    /// `"id"` or `"id.port"`.
    fn parse(&self, text: &'a str, span: Span, cx: &Context<'_>) -> Input<'a> {
        let (id, port) = text.split_once('.').unwrap_or((text, ""));
        let node = self.by_id.get(id).copied();
        if node.is_none() && !self.unsure {
            let message = format!("no node has the id \"{id}\"");
            let hint = suggest(id, "there are", self.feeding.iter().copied());
            cx.report(Finding::at(span, Code::UNKNOWN_INPUT, message).maybe_hint(hint));
        } else if node.is_some() && !self.feeding.contains(&id) {
            let message = format!("\"{id}\" is a sink: nothing comes out of it");
            let hint = "take the node before it";
            cx.report(Finding::at(span, Code::UNKNOWN_INPUT, message).hint(hint));
            return Input {
                node: None,
                port,
                span,
            };
        }
        Input { node, port, span }
    }
}

/// Whether a node of some list could not be read, so that its id is not known.
fn unreadable(document: &raw::Document) -> bool {
    fn any<T>(list: Option<&Key<Vec<Key<T>>>>) -> bool {
        list.is_some_and(|list| match list.get() {
            Some(nodes) => nodes.iter().any(|node| node.get().is_none()),
            None => true,
        })
    }
    any(document.sources.as_ref())
        || any(document.operators.as_ref())
        || any(document.sinks.as_ref())
}

/// The operators in an order in which each comes after its inputs, the file's order where that
/// leaves a choice (Kahn's algorithm). What is in a cycle is reported and comes last.
fn sorted(
    inputs: &[Vec<Input<'_>>],
    operators: &[(Span, &raw::Operator)],
    first: usize,
    cx: &Context<'_>,
) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut placed = vec![false; inputs.len()];
    let is_ready = |operator: usize, placed: &[bool]| {
        inputs[operator].iter().all(|input| {
            let behind = input.node.and_then(|node| node.checked_sub(first));
            behind.is_none_or(|node| placed.get(node).copied().unwrap_or(true))
        })
    };
    while let Some(next) = (0..inputs.len()).find(|at| !placed[*at] && is_ready(*at, &placed)) {
        placed[next] = true;
        order.push(next);
    }
    let stuck: Vec<usize> = (0..inputs.len()).filter(|at| !placed[*at]).collect();
    if let Some(cycle) = cycle(&stuck, inputs, first) {
        let name = |at: &usize| operators[*at].1.id.get().map_or("?", String::as_str);
        let mut path: Vec<&str> = cycle.iter().map(name).collect();
        path.extend(cycle.first().map(name));
        let message = format!("operators feed themselves: {}", path.join(" ← "));
        cx.report(
            Finding::at(operators[cycle[0]].1.input.span, Code::CYCLE, message)
                .hint("an operator's input must lead back to a source"),
        );
    }
    order.extend(stuck);
    order
}

/// A cycle among operators that all have an input among them.
fn cycle(stuck: &[usize], inputs: &[Vec<Input<'_>>], first: usize) -> Option<Vec<usize>> {
    let mut path = vec![*stuck.first()?];
    loop {
        let last = *path.last()?;
        let next = inputs[last]
            .iter()
            .filter_map(|input| input.node?.checked_sub(first))
            .find(|node| stuck.contains(node))?;
        if let Some(start) = path.iter().position(|node| *node == next) {
            return Some(path.split_off(start));
        }
        path.push(next);
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
            from: index(node),
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
