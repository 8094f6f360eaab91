//! The cuts at key-by: what one task runs, how many there are, and in which order each takes rows.

use super::Context;
use super::graph::{Graph, Place};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Key, Settings};
use crate::{Node, NodeIndex, Order, SubTopology, defaults};

/// The group of nodes that one task runs.
struct Group {
    entries: Vec<usize>,
    nodes: Vec<usize>,
    order: Option<(Order, Span)>,
}

/// Cuts the graph, reports what does not fit together. Empty if some node was wrong.
pub(crate) fn cut(
    graph: &Graph<'_>,
    checked: &[Option<Node>],
    cx: &Context<'_>,
) -> Vec<SubTopology> {
    let mut groups = Groups::default();
    for (at, place) in graph.places.iter().enumerate() {
        match place {
            Place::Source { .. } => groups.enter(at),
            Place::Operator { .. } | Place::Sink { .. } => {
                let inputs: Vec<usize> = place
                    .inputs()
                    .iter()
                    .filter_map(|input| input.node)
                    .collect();
                if place.is_key_by() {
                    report_key_by_twice(graph, place, &inputs, cx);
                }
                groups.place(at, &inputs, graph, cx);
                if place.is_key_by() {
                    groups.enter(at);
                }
            }
        }
        if let Some(order) = wanted_order(place) {
            groups.demand(at, order, cx);
        }
    }
    let mut partitions = vec![defaults::PARTITIONS; graph.places.len()];
    let mut cuts = Vec::new();
    for group in groups.list.into_iter().flatten() {
        cuts.extend(sub_topology(&group, graph, checked, &mut partitions, cx));
    }
    cuts
}

/// Groups by union-find over few nodes: `of` says in which group a node's *output* is.
#[derive(Default)]
struct Groups {
    list: Vec<Option<Group>>,
    of: Vec<Option<usize>>,
    /// In which group a node itself runs; differs from `of` for a key-by.
    runs_in: Vec<Option<usize>>,
}

impl Group {
    /// Takes the order that an operator wants, unless another wants the other one.
    fn demand(&mut self, (order, span): (Order, Span), cx: &Context<'_>) {
        match self.order {
            Some((other, _)) if other != order => {
                let message = "an operator of the same sub-topology wants the other order";
                cx.report(
                    Finding::at(span, Code::ORDER_CONFLICT, message)
                        .hint("a sub-topology takes rows in one order; a key-by begins another"),
                );
            }
            Some(_) | None => self.order = Some((order, span)),
        }
    }
}

impl Groups {
    /// Begins a group with a source or a key-by.
    fn enter(&mut self, at: usize) {
        self.list.push(Some(Group {
            entries: vec![at],
            nodes: Vec::new(),
            order: None,
        }));
        self.grow(at);
        self.of[at] = Some(self.list.len() - 1);
    }

    /// Puts a node into the group of its inputs, joining them if they are several.
    fn place(&mut self, at: usize, inputs: &[usize], graph: &Graph<'_>, cx: &Context<'_>) {
        self.grow(at);
        let mut groups: Vec<usize> = inputs
            .iter()
            .filter_map(|input| self.of.get(*input).copied().flatten())
            .collect();
        groups.sort_unstable();
        groups.dedup();
        let Some((first, others)) = groups.split_first() else {
            return;
        };
        let is_re_keyed = |group: &usize| {
            let group = self.list[*group].as_ref();
            group.is_some_and(|group| graph.places[group.entries[0]].is_key_by())
        };
        if !others.is_empty() && groups.iter().any(is_re_keyed) {
            let message = "a union of streams that are partitioned differently";
            if let Place::Operator { raw, .. } = &graph.places[at] {
                cx.report(
                    Finding::at(raw.input.span, Code::UNION, message)
                        .hint("put the union before the key-by"),
                );
            }
            return;
        }
        for other in others {
            self.join(*first, *other, cx);
        }
        self.of[at] = Some(*first);
        self.runs_in[at] = Some(*first);
        if let Some(group) = &mut self.list[*first] {
            group.nodes.push(at);
        }
    }

    fn join(&mut self, into: usize, from: usize, cx: &Context<'_>) {
        let Some(group) = self.list[from].take() else {
            return;
        };
        for of in self.of.iter_mut().chain(&mut self.runs_in) {
            if *of == Some(from) {
                *of = Some(into);
            }
        }
        if let Some(target) = &mut self.list[into] {
            target.entries.extend(group.entries);
            target.nodes.extend(group.nodes);
            target.nodes.sort_unstable();
            if let Some(order) = group.order {
                target.demand(order, cx);
            }
        }
    }

    /// An operator wants an order for the group it runs in.
    fn demand(&mut self, at: usize, order: (Order, Span), cx: &Context<'_>) {
        let group = self.runs_in.get(at).copied().flatten();
        let Some(Some(group)) = group.and_then(|group| self.list.get_mut(group)) else {
            return;
        };
        group.demand(order, cx);
    }

    fn grow(&mut self, at: usize) {
        let length = self.of.len().max(at + 1);
        self.of.resize(length, None);
        self.runs_in.resize(length, None);
    }
}

fn report_key_by_twice(graph: &Graph<'_>, place: &Place<'_>, inputs: &[usize], cx: &Context<'_>) {
    for input in inputs {
        let before = &graph.places[*input];
        if let (true, Some(id)) = (before.is_key_by(), before.id().get())
            && let Place::Operator { raw, .. } = place
        {
            let message = format!("\"{id}\" before it is a key-by too");
            cx.report(
                Finding::at(raw.input.span, Code::KEY_BY_TWICE, message)
                    .hint(format!("leave \"{id}\" out: only the last key counts")),
            );
        }
    }
}

fn wanted_order(place: &Place<'_>) -> Option<(Order, Span)> {
    let Place::Operator { raw, .. } = place else {
        return None;
    };
    let key = match raw.settings.get()? {
        Settings::Rolling(rolling) => rolling.order.as_ref()?,
        Settings::Window(window) => window.order.as_ref()?,
        Settings::Detect(detect) => detect.order.as_ref()?,
        Settings::Label(label) => label.order.as_ref()?,
        Settings::Filter(_)
        | Settings::Select(_)
        | Settings::KeyBy(_)
        | Settings::Infer(_)
        | Settings::Route(_)
        | Settings::Union(_)
        | Settings::Steward(_)
        | Settings::Sketch(_)
        | Settings::Watch(_)
        | Settings::Alert(_) => return None,
    };
    let order = match key.get()? {
        raw::Order::Arrival => Order::Arrival,
        raw::Order::EventTime => Order::EventTime,
    };
    Some((order, key.span))
}

/// A group as a value. `partitions` holds those of every node's output so far.
fn sub_topology(
    group: &Group,
    graph: &Graph<'_>,
    checked: &[Option<Node>],
    partitions: &mut [u32],
    cx: &Context<'_>,
) -> Option<SubTopology> {
    let first = *group.entries.first()?;
    for entry in &group.entries {
        partitions[*entry] = entry_partitions(&graph.places[*entry], *entry, partitions);
    }
    let count = partitions[first];
    for other in &group.entries {
        if partitions[*other] != count
            && let (Some(id), Some(first)) = (
                graph.places[*other].id().get(),
                graph.places[first].id().get(),
            )
        {
            let message = format!(
                "\"{id}\" has {} partitions and \"{first}\" {count}, and a union joins them",
                partitions[*other]
            );
            cx.report(
                Finding::at(graph.places[*other].id().span, Code::UNION, message)
                    .hint("give both the same `partitions`"),
            );
        }
    }
    for node in &group.nodes {
        partitions[*node] = count;
    }
    let default = if graph.places[first].is_key_by() {
        Order::EventTime
    } else {
        Order::Arrival
    };
    let indices =
        |nodes: &[usize]| -> Vec<NodeIndex> { nodes.iter().map(|at| NodeIndex(*at)).collect() };
    Some(SubTopology {
        name: checked.get(first)?.as_ref()?.id().clone(),
        entries: indices(&group.entries),
        nodes: indices(&group.nodes),
        partitions: count,
        order: group.order.map_or(default, |(order, _)| order),
    })
}

fn entry_partitions(place: &Place<'_>, at: usize, partitions: &[u32]) -> u32 {
    let read = |key: Option<&Key<u32>>| key.and_then(Key::get).copied();
    match place {
        Place::Source { raw, .. } => read(raw.partitions.as_ref()).unwrap_or(defaults::PARTITIONS),
        Place::Operator { raw, .. } => match raw.settings.get() {
            // It runs in the group before, which has said how many that has.
            Some(Settings::KeyBy(key_by)) => {
                read(key_by.partitions.as_ref()).unwrap_or(partitions[at])
            }
            _ => defaults::PARTITIONS,
        },
        Place::Sink { .. } => defaults::PARTITIONS,
    }
}

/// Gives the sinks that say nothing the partitions of their input.
pub(crate) fn spread_partitions(nodes: &mut [Node], cuts: &[SubTopology]) {
    for cut in cuts {
        for at in &cut.nodes {
            if let Node::Sink(sink) = &mut nodes[at.0]
                && sink.partitions == 0
            {
                sink.partitions = cut.partitions;
            }
        }
    }
}
