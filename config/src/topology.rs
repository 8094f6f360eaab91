//! The checked graph. Whoever holds a [`Topology`] need not doubt it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::{
    ByteSize, Millis, ModelId, NodeId, OperatorKind, Schema, Secret, Signature, TimeUnit,
    TopicName, TopologyName, VersionChoice,
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
    /// Where records go that cannot be processed.
    pub dead_letter: TopicName,
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
    /// Topics read; all have `partitions` partitions.
    pub topics: Vec<TopicName>,
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
    CardFraud,
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

/// Where records live.
#[derive(Debug, Clone, PartialEq)]
pub enum LogSettings {
    /// In the data directory.
    Embedded,
    /// On a cluster.
    Kafka(KafkaSettings),
}

/// How to reach a Kafka cluster, and what is done there.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSettings {
    /// `host:port`, at least one.
    pub brokers: Vec<String>,
    /// Further librdkafka properties, security among them; those the runtime owns have been refused.
    pub client: Vec<(String, Secret)>,
    /// Whether missing topics are created when the topology starts.
    pub create_topics: bool,
    /// Replicas of topics that are created; `None`: as many as the brokers' default says.
    pub replication: Option<u16>,
    /// Who deals partitions out to the nodes.
    pub group_protocol: GroupProtocol,
    /// Whether a node keeps its partitions over a short restart.
    pub membership: Membership,
    /// Warm copies of each task's state on other nodes.
    pub standby: u8,
}

/// Who deals partitions out to the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupProtocol {
    /// One of the members.
    Classic,
    /// The brokers (KIP-848).
    Consumer,
}

/// Whether a member is known by its node's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// By its node's id: a restart within the session timeout moves no partition.
    Static,
    /// Anew at each start.
    Dynamic,
}

impl KafkaSettings {
    /// These brokers, and everything else as it is without being set.
    #[must_use]
    pub fn of(brokers: Vec<String>) -> Self {
        Self {
            brokers,
            client: Vec::new(),
            create_topics: true,
            replication: None,
            group_protocol: GroupProtocol::Classic,
            membership: Membership::Static,
            standby: 0,
        }
    }
}

/// When a transaction closes: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochSettings {
    /// Time since it began.
    pub interval: Millis,
    /// Input records in it.
    pub records: u64,
    /// What is promised after a crash.
    pub delivery: Delivery,
}

/// What a topology promises of its outputs after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// They appear once, when their epoch is committed.
    ExactlyOnce,
    /// They appear at once, and again after a crash.
    AtLeastOnce,
}

impl Delivery {
    /// Its name in a topology file.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

/// What live sessions may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSettings {
    /// Beyond it the least recently used are passivated.
    pub memory: ByteSize,
    /// Sessions without records for so long are passivated.
    pub idle: Millis,
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
}
