//! All rules of a topology, each in the file of its concern. Every check reports what it finds and
//! goes on; the topology exists only if nothing was found.

mod settings;
mod kafka;
mod graph;
mod names;
mod sort;
mod flow;
mod source;
mod schema;
mod format;
mod feed;
mod model;
mod train;
mod operator;
mod select;
mod sessions;
mod aggregate;
mod rolling;
mod window;
mod detect;
mod infer;
mod learning;
mod monitor;
mod watch;
mod alert;
mod output;
mod tensor;
mod route;
mod union;
mod sink;
mod topics;
mod sub_topology;
mod hash;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::code::Code;
use crate::files::{Files, Finding, Findings, Span};
use crate::raw::{self, Key};
use crate::{IdError, ModelSignatures, Node, TopicName, Topology};
use flow::Output;
use graph::{Graph, Place};

/// What every check may ask.
pub(crate) struct Context<'a> {
    /// Folder of the topology file.
    pub(crate) folder: &'a Path,
    /// The texts it was read from.
    pub(crate) files: &'a Files,
    /// Where findings go.
    pub(crate) findings: &'a Findings,
    /// What models take and give.
    pub(crate) models: &'a dyn ModelSignatures,
}

impl Context<'_> {
    pub(crate) fn report(&self, finding: Finding) {
        self.findings.push(finding);
    }

    /// A path as the process sees it: relative to the file that names it.
    pub(crate) fn resolve(&self, path: &str, span: Span) -> PathBuf {
        let folder = match self.files.name(span) {
            Some(name) if name != Path::new("--set") => name.parent().unwrap_or(Path::new("")),
            _ => self.folder,
        };
        folder.join(path)
    }

    /// A name of some grammar.
    pub(crate) fn name<T>(
        &self,
        key: &Key<String>,
        parse: fn(&str) -> Result<T, IdError>,
    ) -> Option<T> {
        match parse(key.get()?) {
            Ok(name) => Some(name),
            Err(error) => {
                self.report(Finding::at(
                    key.span,
                    Code::INVALID_VALUE,
                    error.to_string(),
                ));
                None
            }
        }
    }

    /// A topic.
    pub(crate) fn topic(&self, key: &Key<String>) -> Option<TopicName> {
        self.name(key, TopicName::parse)
    }

    /// A number of partitions.
    pub(crate) fn partitions(&self, key: &Key<u32>) -> Option<u32> {
        self.within(key, 1, 10_000)
    }

    /// A number within bounds.
    pub(crate) fn within<T>(&self, key: &Key<T>, low: T, high: T) -> Option<T>
    where
        T: Copy + PartialOrd + std::fmt::Display,
    {
        let value = *key.get()?;
        if value >= low && value <= high {
            return Some(value);
        }
        let message = format!("{value} is not within {low} to {high}");
        self.report(Finding::at(key.span, Code::INVALID_VALUE, message));
        None
    }

    /// A rate in records a second.
    pub(crate) fn rate(&self, key: Option<&Key<f64>>) -> Option<f64> {
        // A billion a second is more than a machine can do, less than one in ten days no one waits for.
        self.within(key?, 1e-6, 1e9)
    }
}

/// The values of an optional list of nodes, those that could be read.
pub(crate) fn nodes<T>(list: Option<&Key<Vec<Key<T>>>>) -> impl Iterator<Item = (Span, &T)> {
    list.and_then(Key::get)
        .into_iter()
        .flatten()
        .filter_map(|node| Some((node.span, node.get()?)))
}

/// Checks a whole file. `None` only if something was reported.
pub(crate) fn check(document: &raw::Document, cx: &Context<'_>) -> Option<Topology> {
    let settings = settings::check(document, cx);
    let models = model::check_all(document, cx);
    let graph = Graph::resolve(document, cx);
    let named = settings.as_ref();
    topics::check(
        &graph.places,
        named.map(|settings| &settings.name),
        named.map(|settings| &settings.dead_letter),
        cx,
    );
    let mut outputs: Vec<Vec<Output>> = Vec::new();
    let mut checked: Vec<Option<Node>> = Vec::new();
    for place in &graph.places {
        let (node, ports) = match place {
            Place::Source { raw, span } => source::check(raw, *span, cx),
            Place::Operator { raw, inputs } => {
                let inputs = graph::flows(inputs, &graph, &outputs, cx);
                operator::check(raw, &inputs, &models, cx)
            }
            Place::Sink { raw, span, input } => {
                let inputs = graph::flows(std::slice::from_ref(input), &graph, &outputs, cx);
                (sink::check(raw, *span, &inputs, cx), Vec::new())
            }
        };
        checked.push(node);
        outputs.push(ports);
    }
    let sub_topologies = sub_topology::cut(&graph, &checked, cx);
    let nodes: Option<Vec<Node>> = checked.into_iter().collect();
    let ids = models.iter().filter_map(|model| model.id);
    let alerts = alert::check(document, ids, cx);
    let models: Option<Vec<_>> = models.into_iter().map(|model| model.settings).collect();
    let (settings, mut nodes, models) = (settings?, nodes?, models?);
    sub_topology::spread_partitions(&mut nodes, &sub_topologies);
    let mut topology = Topology {
        name: settings.name,
        log: settings.log,
        epoch: settings.epoch,
        state: settings.state,
        supervision: settings.supervision,
        dead_letter: settings.dead_letter,
        alerts,
        nodes,
        models,
        sub_topologies,
        hash: 0,
    };
    topology.hash = hash::of(&topology);
    Some(topology)
}
