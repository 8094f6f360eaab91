//! The checked graph. Whoever holds a [`Topology`] need not doubt it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{
    Alerts, EpochSettings, Hosting, Learning, LogSettings, Millis, ModelId, NodeId, OperatorKind,
    Schema, Signature, StateSettings, SupervisionSettings, TimeUnit, TopicName, TopicPattern,
    TopologyName, TrainSettings, VersionChoice,
};

/// Position of a node in [`Topology::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(pub usize);

/// A whole, checked topology. Only `check` makes one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Topology {
    /// Its name; topics and state it owns begin with it.
    pub name: TopologyName,
    /// Where records live.
    pub log: LogSettings,
    /// When a transaction closes.
    pub epoch: EpochSettings,
    /// What live sessions may cost.
    pub state: StateSettings,
    /// When what fails or hangs is helped.
    pub supervision: SupervisionSettings,
    /// Where records go that cannot be processed.
    pub dead_letter: TopicName,
    /// Who is told when a metric is not as it should be.
    pub alerts: Alerts,
    /// Sources, operators and sinks, each after its inputs.
    pub nodes: Vec<Node>,
    /// Models in the order of the file.
    pub models: Vec<ModelSettings>,
    /// The cuts at key-by, upstream first.
    pub sub_topologies: Vec<SubTopology>,
    /// Changes when the graph changes in a way that state depends on (ids, kinds, settings of keyed operators).
    pub hash: u64,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Where records come in.
    Source(Source),
    /// What happens to them.
    Operator(Operator),
    /// Where they go out.
    Sink(Sink),
}

/// One output of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Empty for the main output.
    pub name: Arc<str>,
    /// What flows out of it.
    pub schema: Schema,
}

/// An arrow of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The node it comes from.
    pub from: NodeIndex,
    /// Position in that node's ports.
    pub port: usize,
}

/// A source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Id.
    pub id: NodeId,
    /// Topics read, if they are named; all have `partitions` partitions.
    pub topics: Vec<TopicName>,
    /// The topics read, if they are those that match; then `topics` is empty.
    pub pattern: Option<TopicPattern>,
    /// How a record's value is written.
    pub format: Format,
    /// Its columns.
    pub schema: Schema,
    /// Position of the key column; records arrive partitioned by it.
    pub key: Option<usize>,
    /// Where event time comes from.
    pub time: EventTime,
    /// How event time advances.
    pub watermark: WatermarkSettings,
    /// Where a group without offsets begins.
    pub start: Start,
    /// What fills the topic from outside the log.
    pub feed: Option<Feed>,
    /// Partitions of the topics; those that Thalweg creates get so many.
    pub partitions: u32,
}

/// An operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Id; state belongs to it.
    pub id: NodeId,
    /// What it does.
    pub kind: OperatorKind,
    /// One, but for union.
    pub inputs: Vec<Edge>,
    /// What comes in.
    pub input_schema: Schema,
    /// What goes out: one port, but for `route` (branches, then `otherwise`) and `window` (main, then `late` with the input's schema).
    pub ports: Vec<Port>,
    /// Position of the key in the input schema; always there for keyed operators.
    pub key: Option<usize>,
    /// Where its sessions live, if it is keyed.
    pub hosting: Hosting,
}

/// A sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// Id.
    pub id: NodeId,
    /// What it writes.
    pub input: Edge,
    /// The rows' schema before projection.
    pub input_schema: Schema,
    /// Where to.
    pub target: SinkTarget,
    /// How.
    pub format: Format,
    /// Position of the column whose text is the record's key.
    pub key: Option<usize>,
    /// Positions of the columns written, in order.
    pub columns: Vec<usize>,
    /// Fixed headers beside those that every output carries.
    pub headers: Vec<(String, String)>,
    /// Partitions of the topic if Thalweg creates it.
    pub partitions: u32,
}

/// Where a sink writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkTarget {
    /// A topic of the log, exactly once.
    Topic(TopicName),
    /// A file, a line a record; written after its epoch is committed, so a crash just then loses them.
    File(PathBuf),
    /// Standard output; written after its epoch is committed, so a crash just then loses them.
    Stdout,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object a record.
    Json,
    /// Several JSON objects a record, a line each.
    Ndjson,
    /// One comma-separated line a record, columns in the schema's order, no header.
    Csv,
    /// The bytes themselves: a schema of one bytes or string column.
    Raw,
}

/// Where event time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// Position of the column; `None`: the record's own timestamp.
    pub column: Option<usize>,
    /// Unit of numbers in timestamp columns of this source.
    pub unit: TimeUnit,
}

/// How event time advances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatermarkSettings {
    /// The watermark is the highest event time seen in the partition minus this.
    pub delay: Millis,
    /// A partition without records for so long (by the clock) does not hold the watermark back.
    pub idle: Option<Millis>,
}

/// Where a group without offsets begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The first record there is.
    Earliest,
    /// After the last.
    Latest,
    /// The first at or after this time, milliseconds since 1970-01-01 UTC.
    Timestamp(i64),
}

/// What fills a source's topic.
#[derive(Debug, Clone, PartialEq)]
pub enum Feed {
    /// A file; ended when read once, unless `repeat`.
    File {
        /// Resolved against the topology file's folder.
        path: PathBuf,
        /// By its name.
        format: FileFormat,
        /// By its name.
        compression: FileCompression,
        /// Begins again at its end.
        repeat: bool,
        /// Records a second, at most.
        rate: Option<f64>,
    },
    /// Made records.
    Generator {
        /// What is made.
        profile: Profile,
        /// Same seed, same records.
        seed: u64,
        /// Records a second; `None`: as fast as they are read.
        rate: Option<f64>,
        /// Ended after so many, if given.
        records: Option<u64>,
    },
    /// `POST /v1/topics/{topic}/records`.
    Http,
    /// Lines of standard input; ended at its end.
    Stdin,
}

/// What a generator makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Card payments with three kinds of fraud; labels on a second topic.
    CardFraud {
        /// The day, from 0, from which on thieves act otherwise.
        drift: Option<u64>,
    },
    /// Seasonal series with noise, drift and anomalies.
    Sensor,
}

/// Format of a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// `.csv`, with a header line.
    Csv,
    /// `.ndjson`, `.jsonl`
    Ndjson,
}

/// Compression of a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileCompression {
    /// none
    None,
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstd,
}

/// A model as the topology names it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// Id.
    pub id: ModelId,
    /// Folder, resolved against the topology file's folder.
    pub path: PathBuf,
    /// Which version.
    pub version: VersionChoice,
    /// Where it runs.
    pub device: DeviceChoice,
    /// How rows are gathered.
    pub batch: Batching,
    /// What the chosen version takes and gives, as it was when checked.
    pub signature: Signature,
    /// How it is trained, if it is.
    pub train: Option<TrainSettings>,
    /// How it learns from the stream; `None`: it does not.
    pub learning: Option<Learning>,
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU.
    Gpu,
}

/// How rows are gathered for one forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Rows, at most.
    pub size: usize,
    /// How long the first row waits for more.
    pub delay: Millis,
}

/// In which order a sub-topology takes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// As the log has them.
    Arrival,
    /// By event time, then input partition and offset: rows wait for the watermark.
    EventTime,
}

/// What lies between a source (or key-by) and the next key-by or the sinks. One task runs it per partition.
#[derive(Debug, Clone, PartialEq)]
pub struct SubTopology {
    /// Name: the id of its first entry.
    pub name: NodeId,
    /// Sources, or one key-by, whose records it takes.
    pub entries: Vec<NodeIndex>,
    /// Operators (a closing key-by too) and sinks it runs, each after its inputs.
    pub nodes: Vec<NodeIndex>,
    /// Tasks.
    pub partitions: u32,
    /// How rows are taken.
    pub order: Order,
}

impl Node {
    /// The node's id.
    #[must_use]
    pub fn id(&self) -> &NodeId {
        match self {
            Self::Source(source) => &source.id,
            Self::Operator(operator) => &operator.id,
            Self::Sink(sink) => &sink.id,
        }
    }
}

impl Topology {
    /// The node at a position.
    ///
    /// # Panics
    /// If the index is of another topology.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> &Node {
        &self.nodes[index.0]
    }

    /// Topic that a key-by writes and the next sub-topology reads: `<topology>.<key-by>.repartition`.
    ///
    /// # Panics
    /// Never: both parts are valid in topic names and at most 100 long.
    #[must_use]
    pub fn repartition_topic(&self, key_by: &NodeId) -> TopicName {
        TopicName::parse(&format!("{}.{key_by}.repartition", self.name))
            .expect("two ids and a suffix make a topic name")
    }

    /// Topic that holds the committed state of a keyed operator: `<topology>.<operator>.changelog`.
    ///
    /// # Panics
    /// Never: both parts are valid in topic names and at most 100 long.
    #[must_use]
    pub fn changelog_topic(&self, operator: &NodeId) -> TopicName {
        TopicName::parse(&format!("{}.{operator}.changelog", self.name))
            .expect("two ids and a suffix make a topic name")
    }

    /// Topic in which each node says that it lives, where the log is a cluster's: `<topology>.nodes`.
    ///
    /// # Panics
    /// Never: a topology's name is valid in topic names and at most 100 long.
    #[must_use]
    pub fn nodes_topic(&self) -> TopicName {
        TopicName::parse(&format!("{}.nodes", self.name))
            .expect("an id and a suffix make a topic name")
    }

    /// The topic of a model's trained versions: `<topology>.<model>.versions`. `None` if the name is too
    /// long for a topic: then the model's other topics are refused too.
    #[must_use]
    pub fn versions_topic(&self, model: &ModelId) -> Option<TopicName> {
        TopicName::parse(&format!("{}.{model}.versions", self.name)).ok()
    }
}
