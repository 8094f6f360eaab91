//! A topology and its progress as the API shows them.

use std::collections::HashMap;

use actors::log::{LogError, TopicPartition};
use actors::nodes::status::TaskStatus;
use config::{Node, OperatorKind, SinkTarget, Topology};
use serde::Serialize;
use serde_json::{Value, json};

use super::Control;

/// What a topic is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct TopicView {
    /// Name.
    pub name: String,
    /// Keeps the last record of each key.
    pub compacted: bool,
    /// First offset and end of each partition.
    pub partitions: Vec<(i64, i64)>,
}

/// A task and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionView {
    /// What the task last reported.
    #[serde(flatten)]
    pub task: TaskStatus,
    /// Records of its inputs that are not read.
    pub lag: i64,
    /// Per input.
    pub inputs: Vec<LagView>,
}

/// One input of a task.
#[derive(Debug, Clone, Serialize)]
pub struct LagView {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Next offset to read.
    pub position: i64,
    /// End of the partition.
    pub end: i64,
}

impl Control {
    /// All tasks with their lag.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn partitions(&self) -> Result<Vec<PartitionView>, LogError> {
        let mut ends: HashMap<(String, u32), i64> = HashMap::new();
        for info in self.context().log.topics()? {
            for (partition, range) in (0..).zip(&info.ranges) {
                ends.insert((info.spec.name.to_string(), partition), range.end);
            }
        }
        let view = |task: TaskStatus| {
            let input = |p: &actors::nodes::status::PositionStatus| LagView {
                topic: p.topic.clone(),
                partition: p.partition,
                position: p.position,
                end: ends
                    .get(&(p.topic.clone(), p.partition))
                    .copied()
                    .unwrap_or(p.position),
            };
            let inputs: Vec<LagView> = task.positions.iter().map(input).collect();
            let lag = inputs.iter().map(|i| (i.end - i.position).max(0)).sum();
            PartitionView { task, lag, inputs }
        };
        Ok(self
            .context()
            .status
            .tasks()
            .into_iter()
            .map(view)
            .collect())
    }

    /// Records of source topics that are not read yet.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn source_lag(&self) -> Result<i64, LogError> {
        let topology = &self.context().topology;
        let is_source = |topic: &str| {
            topology.nodes.iter().any(|node| match node {
                Node::Source(source) => source.topics.iter().any(|t| t.as_str() == topic),
                Node::Operator(_) | Node::Sink(_) => false,
            })
        };
        let inputs = self
            .partitions()?
            .into_iter()
            .flat_map(|partition| partition.inputs);
        Ok(inputs
            .filter(|i| is_source(&i.topic))
            .map(|i| (i.end - i.position).max(0))
            .sum())
    }

    /// Committed offset of the topology's group in a partition.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn committed(&self, at: &TopicPartition) -> Result<Option<i64>, LogError> {
        let log = &self.context().log;
        let committed = log.committed(self.context().group(), std::slice::from_ref(at))?;
        Ok(committed
            .into_iter()
            .next()
            .flatten()
            .map(|committed| committed.offset))
    }
}

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
        OperatorKind::Infer(_) => "infer",
        OperatorKind::Route(_) => "route",
        OperatorKind::Union => "union",
    }
}
