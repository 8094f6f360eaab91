//! The topics that a topology needs, as values: `thalweg plan` prints them, the daemon creates them.

use std::collections::BTreeMap;

use config::{
    Feed, LogSettings, Node, NodeIndex, OperatorKind, SinkTarget, Source, TopicName, TopicPattern,
    Topology,
};

use super::feed::labels_topic;
use crate::log::TopicSpec;

/// What a topic is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// A source reads it.
    Source,
    /// A generator's labels.
    Labels,
    /// Re-keyed rows on their way to the next sub-topology.
    Repartition,
    /// Committed state.
    Changelog,
    /// A sink writes it.
    Sink,
    /// Records that could not be processed.
    DeadLetters,
    /// What each node says of itself.
    Nodes,
    /// Versions that were trained.
    Versions,
}

impl Purpose {
    /// In one word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Labels => "labels",
            Self::Repartition => "repartition",
            Self::Changelog => "changelog",
            Self::Sink => "sink",
            Self::DeadLetters => "dead letters",
            Self::Nodes => "nodes",
            Self::Versions => "versions",
        }
    }
}

/// Every topic a topology reads or writes, once, by name. A topic that is both written and read
/// (a sink that feeds a source) has the purpose of the source.
#[must_use]
pub fn topics(topology: &Topology) -> Vec<(Purpose, TopicSpec)> {
    let mut topics = BTreeMap::new();
    let mut add = |purpose: Purpose, spec: TopicSpec| {
        topics.entry(spec.name.clone()).or_insert((purpose, spec));
    };
    for node in &topology.nodes {
        let Node::Source(source) = node else { continue };
        for topic in &source.topics {
            add(Purpose::Source, plain(topic.clone(), source.partitions));
        }
        if matches!(source.feed, Some(Feed::Generator { .. })) {
            add(
                Purpose::Labels,
                plain(labels_topic(&source.topics[0]), source.partitions),
            );
        }
    }
    for (nth, node) in topology.nodes.iter().enumerate() {
        match node {
            Node::Source(_) => {}
            Node::Operator(operator) => match &operator.kind {
                OperatorKind::KeyBy { .. } => {
                    let partitions = partitions_of_entry(topology, NodeIndex(nth));
                    let topic = topology.repartition_topic(&operator.id);
                    add(Purpose::Repartition, plain(topic, partitions));
                }
                OperatorKind::Rolling(_)
                | OperatorKind::Window(_)
                | OperatorKind::Detect(_)
                | OperatorKind::Label(_)
                | OperatorKind::Steward(_)
                | OperatorKind::Sketch(_)
                | OperatorKind::Watch(_)
                | OperatorKind::Alert(_) => {
                    let partitions = partitions_of_node(topology, NodeIndex(nth));
                    let topic = topology.changelog_topic(&operator.id);
                    add(Purpose::Changelog, compacted(topic, partitions));
                }
                OperatorKind::Filter { .. }
                | OperatorKind::Select { .. }
                | OperatorKind::Infer(_)
                | OperatorKind::Route(_)
                | OperatorKind::Union => {}
            },
            Node::Sink(sink) => {
                if let SinkTarget::Topic(topic) = &sink.target {
                    add(Purpose::Sink, plain(topic.clone(), sink.partitions));
                }
            }
        }
    }
    for (purpose, spec) in own(topology) {
        add(purpose, spec);
    }
    topics.into_values().collect()
}

/// Topics that belong to no node of the graph.
fn own(topology: &Topology) -> Vec<(Purpose, TopicSpec)> {
    let mut own = vec![(Purpose::DeadLetters, plain(topology.dead_letter.clone(), 1))];
    if let LogSettings::Kafka(_) = topology.log {
        own.push((Purpose::Nodes, compacted(topology.nodes_topic(), 1)));
    }
    let learns = topology.models.iter().filter(|m| m.learning.is_some());
    let versions = learns.filter_map(|model| topology.versions_topic(&model.id));
    own.extend(versions.map(|topic| (Purpose::Versions, compacted(topic, 1))));
    own
}

fn compacted(name: TopicName, partitions: u32) -> TopicSpec {
    TopicSpec {
        compacted: true,
        ..plain(name, partitions)
    }
}

/// Endings of topics that a topology makes for itself, this one or another.
const INTERNAL: [&str; 5] = [
    ".repartition",
    ".changelog",
    ".dead-letters",
    ".nodes",
    ".versions",
];

/// The topics that a pattern means, of all there are: not the brokers' own, none that a topology makes
/// for itself, and none that this topology reads or writes by its name, so that nothing goes in circles.
#[must_use]
pub fn matching<'t>(
    topology: &Topology,
    pattern: &TopicPattern,
    all: impl Iterator<Item = &'t TopicName>,
) -> Vec<TopicName> {
    let named = topics(topology);
    let is_free = |name: &TopicName| {
        let text = name.as_str();
        !text.starts_with("__")
            && !INTERNAL.iter().any(|ending| text.ends_with(ending))
            && !named.iter().any(|(_, spec)| spec.name == *name)
    };
    let mut matching: Vec<TopicName> = all
        .filter(|name| pattern.matches(name) && is_free(name))
        .cloned()
        .collect();
    matching.sort();
    matching
}

/// Sources that read what matches a pattern, with the pattern.
pub fn patterns(topology: &Topology) -> impl Iterator<Item = (&Source, &TopicPattern)> {
    topology.nodes.iter().filter_map(|node| match node {
        Node::Source(source) => Some((source, source.pattern.as_ref()?)),
        Node::Operator(_) | Node::Sink(_) => None,
    })
}

fn plain(name: TopicName, partitions: u32) -> TopicSpec {
    TopicSpec {
        name,
        partitions,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    }
}

fn partitions_of_entry(topology: &Topology, entry: NodeIndex) -> u32 {
    let mut subs = topology.sub_topologies.iter();
    subs.find(|sub| sub.entries.contains(&entry))
        .map_or(1, |sub| sub.partitions)
}

fn partitions_of_node(topology: &Topology, node: NodeIndex) -> u32 {
    let mut subs = topology.sub_topologies.iter();
    subs.find(|sub| sub.nodes.contains(&node))
        .map_or(1, |sub| sub.partitions)
}
