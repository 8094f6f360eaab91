//! A sub-topology made ready to run: its operators built, its arrows turned into slots.
//!
//! A slot is one port of one node. A step takes batches from its input slots and puts batches into
//! its output slots; steps stand in topological order, so one pass over them carries a batch from
//! the entries to the sinks. Pure: `partition` runs it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{
    Edge, Hosting, Infer, Node, NodeId, NodeIndex, Operator, OperatorKind, Order, Schema, Sketch,
    Source, SubTopology, TopicName, Topology, Watcher,
};

use super::infer::LogRows;
use super::pruning::needed_columns;
use super::read_topics::ReadTopics;
use crate::operators::keyed::{KeyedOperator, keyed, watching};
use crate::operators::sketch::Profiles;
use crate::operators::{StatelessOperator, stateless::stateless};

/// A sub-topology ready to run. Shared by its tasks.
#[derive(Debug)]
pub struct Program {
    /// The sub-topology's name.
    pub name: NodeId,
    /// Where records come in.
    pub entries: Vec<Entry>,
    /// What happens to them.
    pub steps: Vec<Step>,
    /// Keyed operators; the position is their space in the store.
    pub keyed: Vec<KeyedStep>,
    /// Number of slots.
    pub slots: usize,
    /// How many steps read each slot.
    pub readers: Vec<usize>,
    /// Tasks.
    pub partitions: u32,
    /// In which order rows are taken.
    pub order: Order,
}

/// Where records come in.
#[derive(Debug)]
pub struct Entry {
    /// Topics whose partition this task reads.
    pub topics: ReadTopics,
    /// What they hold.
    pub kind: EntryKind,
    /// Slot that the rows go to.
    pub slot: usize,
}

/// What an entry's topics hold.
#[derive(Debug)]
pub enum EntryKind {
    /// Records from outside, with the positions of the columns that are used.
    Source(Box<Source>, Vec<usize>),
    /// Rows that an upstream sub-topology of this topology has re-keyed.
    Repartition {
        /// Schema of the rows.
        schema: Schema,
        /// Positions of the columns that are carried.
        carried: Vec<usize>,
        /// Tasks of the upstream sub-topology.
        upstream_partitions: u32,
        /// Topic that the upstream sub-topology's records came from, if it is one.
        origin: Option<TopicName>,
    },
}

/// One node at work.
#[derive(Debug)]
pub struct Step {
    /// Its id.
    pub id: NodeId,
    /// Slots read.
    pub inputs: Vec<usize>,
    /// Slots written, by port.
    pub outputs: Vec<usize>,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// Whole batches, without state.
    Stateless(Box<dyn StatelessOperator>),
    /// Row by row on the state of its key, in the session hosts; position in [`Program::keyed`].
    Keyed(usize),
    /// A model's answers as columns.
    Infer(Box<InferStep>),
    /// Rows to a repartition topic.
    KeyBy(KeyByStep),
    /// Rows to a sink; position in the topology's nodes.
    Sink(NodeIndex),
}

/// A model that answers.
#[derive(Debug)]
pub struct InferStep {
    /// What it is asked.
    pub infer: Infer,
    /// Schema of the rows with its answers.
    pub schema: Schema,
    /// What its feature log gets; `None`: it has none.
    pub log: Option<LogRows>,
    /// Position of the column whose text decides the arm of a row: the key, or the row's id.
    pub arm: Option<usize>,
}

/// A key-by at the end of a sub-topology.
#[derive(Debug)]
pub struct KeyByStep {
    /// Topic written.
    pub topic: TopicName,
    /// Its partitions.
    pub partitions: u32,
    /// Position of the key column.
    pub column: usize,
    /// Positions of the columns that are carried.
    pub carried: Vec<usize>,
    /// Schema of the carried columns.
    pub schema: Schema,
}

/// A keyed operator.
#[derive(Debug)]
pub struct KeyedStep {
    /// Its id; state belongs to it.
    pub id: NodeId,
    /// Its arithmetic.
    pub operator: Arc<dyn KeyedOperator>,
    /// Position of the key column.
    pub key: usize,
    /// Topic of its committed snapshots.
    pub changelog: TopicName,
    /// What comes in.
    pub input: SchemaRef,
    /// The same, as its topology has it.
    pub schema: Schema,
    /// Whether it gives rows by itself when the watermark passes a time.
    pub fires: bool,
    /// Where its sessions live.
    pub hosting: Hosting,
}

impl KeyedStep {
    /// A batch without rows in the shape of the operator's input.
    #[must_use]
    pub fn empty_input(&self) -> RecordBatch {
        RecordBatch::new_empty(Arc::clone(&self.input))
    }
}

/// Builds the program of a sub-topology; `profiles` are those of the topology's models, by position.
#[must_use]
pub fn compile(topology: &Topology, sub: &SubTopology, profiles: &[Arc<Profiles>]) -> Program {
    let mut slots = HashMap::new();
    let mut next = 0;
    for index in sub.entries.iter().chain(&sub.nodes) {
        let ports = match topology.node(*index) {
            Node::Source(_) => 1,
            Node::Operator(operator) => operator.ports.len().max(1),
            Node::Sink(_) => 0,
        };
        for port in 0..ports {
            slots.insert((*index, port), next);
            next += 1;
        }
    }
    let mut program = Program {
        name: sub.name.clone(),
        entries: Vec::new(),
        steps: Vec::new(),
        keyed: Vec::new(),
        slots: next,
        readers: vec![0; next],
        partitions: sub.partitions,
        order: sub.order,
    };
    let needed = needed_columns(topology);
    for index in &sub.entries {
        program
            .entries
            .push(entry(topology, *index, slots[&(*index, 0)], &needed));
    }
    for index in &sub.nodes {
        let graph = Graph {
            topology,
            slots: &slots,
            needed: &needed,
            profiles,
        };
        if let Some(step) = step(&graph, *index, &mut program.keyed) {
            for input in &step.inputs {
                program.readers[*input] += 1;
            }
            program.steps.push(step);
        }
    }
    program
}

type Needed = HashMap<NodeIndex, Vec<usize>>;

/// What a step is built from.
struct Graph<'a> {
    topology: &'a Topology,
    slots: &'a HashMap<(NodeIndex, usize), usize>,
    needed: &'a Needed,
    profiles: &'a [Arc<Profiles>],
}

/// The schema of some of a schema's columns.
#[must_use]
pub fn project(schema: &Schema, columns: &[usize]) -> Schema {
    Schema::new(
        columns
            .iter()
            .map(|column| schema.columns()[*column].clone())
            .collect(),
    )
}

fn entry(topology: &Topology, index: NodeIndex, slot: usize, needed: &Needed) -> Entry {
    let used = needed.get(&index).cloned().unwrap_or_default();
    match topology.node(index) {
        Node::Source(source) => {
            let kind = EntryKind::Source(Box::new(source.clone()), used);
            Entry {
                topics: match &source.pattern {
                    Some(pattern) => ReadTopics::matching(pattern.clone()),
                    None => ReadTopics::named(source.topics.clone()),
                },
                kind,
                slot,
            }
        }
        Node::Operator(operator) => {
            let upstream = upstream_of(topology, index);
            let kind = EntryKind::Repartition {
                schema: operator.ports[0].schema.clone(),
                carried: used,
                upstream_partitions: upstream.partitions,
                origin: origin_topic(topology, upstream),
            };
            Entry {
                topics: ReadTopics::named(vec![topology.repartition_topic(&operator.id)]),
                kind,
                slot,
            }
        }
        Node::Sink(sink) => unreachable!("sink \"{}\" is no entry: config checks it", sink.id),
    }
}

/// The sub-topology that ends in this key-by.
fn upstream_of(topology: &Topology, key_by: NodeIndex) -> &SubTopology {
    topology
        .sub_topologies
        .iter()
        .find(|sub| sub.nodes.contains(&key_by))
        .unwrap_or_else(|| unreachable!("every key-by ends a sub-topology: config cuts there"))
}

/// The topic that the records of a sub-topology came from at first, if it is one.
fn origin_topic(topology: &Topology, sub: &SubTopology) -> Option<TopicName> {
    let [entry] = sub.entries.as_slice() else {
        return None;
    };
    match topology.node(*entry) {
        Node::Source(source) => only(source),
        Node::Operator(_) => origin_topic(topology, upstream_of(topology, *entry)),
        Node::Sink(sink) => unreachable!("sink \"{}\" is no entry: config checks it", sink.id),
    }
}

/// A source's topic, if it has one and no more.
pub(super) fn only(source: &Source) -> Option<TopicName> {
    match source.topics.as_slice() {
        [topic] => Some(topic.clone()),
        _ => None,
    }
}

fn step(graph: &Graph<'_>, index: NodeIndex, keyed_steps: &mut Vec<KeyedStep>) -> Option<Step> {
    let Graph {
        topology,
        slots,
        needed,
        profiles,
    } = graph;
    let slot = |edge: &Edge| slots[&(edge.from, edge.port)];
    let operator = match topology.node(index) {
        Node::Source(_) => return None,
        Node::Sink(sink) => {
            let inputs = vec![slot(&sink.input)];
            let action = Action::Sink(index);
            return Some(Step {
                id: sink.id.clone(),
                inputs,
                outputs: Vec::new(),
                action,
            });
        }
        Node::Operator(operator) => operator,
    };
    let action = match &operator.kind {
        OperatorKind::KeyBy { column } => {
            let carried = needed.get(&index).cloned().unwrap_or_default();
            Action::KeyBy(KeyByStep {
                topic: topology.repartition_topic(&operator.id),
                partitions: downstream_partitions(topology, index),
                column: *column,
                schema: project(&operator.ports[0].schema, &carried),
                carried,
            })
        }
        OperatorKind::Infer(infer) => {
            let schema = &operator.ports[0].schema;
            let log = operator.ports.get(1).map(|port| &port.schema);
            Action::Infer(Box::new(InferStep {
                infer: infer.clone(),
                schema: schema.clone(),
                log: LogRows::new(infer, schema, log),
                arm: operator.key.or(infer.log.map(|log| log.id)),
            }))
        }
        OperatorKind::Rolling(_)
        | OperatorKind::Window(_)
        | OperatorKind::Detect(_)
        | OperatorKind::Label(_)
        | OperatorKind::Steward(_)
        | OperatorKind::Sketch(_)
        | OperatorKind::Watch(_)
        | OperatorKind::Alert(_) => {
            keyed_steps.push(keyed_step(topology, operator, profiles));
            Action::Keyed(keyed_steps.len() - 1)
        }
        OperatorKind::Filter { .. }
        | OperatorKind::Select { .. }
        | OperatorKind::Route(_)
        | OperatorKind::Union => Action::Stateless(
            stateless(operator).unwrap_or_else(|| unreachable!("the rest have stateless kernels")),
        ),
    };
    let outputs = (0..operator.ports.len().max(1))
        .map(|port| slots[&(index, port)])
        .collect();
    let inputs = operator.inputs.iter().map(slot).collect();
    Some(Step {
        id: operator.id.clone(),
        inputs,
        outputs,
        action,
    })
}

/// An operator with state, ready to run.
fn keyed_step(topology: &Topology, operator: &Operator, profiles: &[Arc<Profiles>]) -> KeyedStep {
    let kernel = match &operator.kind {
        OperatorKind::Sketch(Sketch { model, .. }) | OperatorKind::Watch(Watcher { model, .. }) => {
            let id = topology.models[*model].id.as_str();
            watching(operator, id, Arc::clone(&profiles[*model]))
        }
        _ => keyed(operator),
    };
    let kernel = kernel.unwrap_or_else(|| unreachable!("these kinds have keyed kernels"));
    let key = operator.key.unwrap_or_else(|| {
        unreachable!("operator \"{}\" has a key: config checks it", operator.id)
    });
    KeyedStep {
        id: operator.id.clone(),
        operator: kernel,
        key,
        changelog: topology.changelog_topic(&operator.id),
        input: operator.input_schema.to_arrow(),
        schema: operator.input_schema.clone(),
        fires: matches!(
            operator.kind,
            OperatorKind::Window(_) | OperatorKind::Label(_)
        ),
        hosting: operator.hosting,
    }
}

/// Tasks of the sub-topology that begins with this key-by.
fn downstream_partitions(topology: &Topology, key_by: NodeIndex) -> u32 {
    topology
        .sub_topologies
        .iter()
        .find(|sub| sub.entries.contains(&key_by))
        .map_or(1, |sub| sub.partitions)
}
