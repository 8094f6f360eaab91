//! What is supervised, and who starts it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use config::{Backoff, Intensity, Millis, ModelId, NodeId, Strategy};
use ractor::ActorCell;

use crate::StartError;

/// A task: one sub-topology × one partition. The unit of ownership, state and recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId {
    /// Position in [`config::Topology::sub_topologies`].
    pub sub_topology: usize,
    /// Partition, from 0.
    pub partition: u32,
}

/// Every actor there is, in the order in which they depend on each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChildKind {
    /// The supervisor of all.
    Root,
    /// Keeps the sessions' snapshots on disk.
    Store,
    /// Supervisor of the models.
    Models,
    /// Runs one model on gathered rows.
    Inference {
        /// Which.
        model: ModelId,
    },
    /// Serves and trains one model that learns, as its steward decides.
    Director {
        /// Which.
        model: ModelId,
    },
    /// Supervisor of one topology: its shards and its feeds.
    Topology,
    /// Supervisor of one member of the consumer group: all that shares one transaction.
    Shard {
        /// From 0.
        shard: u32,
    },
    /// Supervisor of what shares a shard's transactions: its sinks, its committer and its tasks.
    Tasks,
    /// Closes epochs.
    Committer,
    /// Writes what one sink is given.
    Sink {
        /// Which.
        sink: NodeId,
    },
    /// Supervisor of one task: its partition and its session hosts.
    PartitionTree {
        /// Which.
        task: TaskId,
    },
    /// Runs one task's operators.
    Partition {
        /// Which.
        task: TaskId,
    },
    /// Holds sessions of one task.
    SessionHost {
        /// Of which task.
        task: TaskId,
        /// From 0; a key belongs to one host of its task.
        host: u32,
    },
    /// Reads the log as a member of the group.
    Consumer,
    /// Lets records flow while all tasks run.
    Intake,
    /// Supervisor of the feeds.
    Feeds,
    /// Fills a topic from outside the log.
    Feed {
        /// The source that it feeds.
        source: NodeId,
    },
    /// Tells one webhook of alerts.
    Webhook {
        /// Which.
        webhook: NodeId,
    },
    /// API, metrics, dashboard; also the supervisor above it.
    Admin,
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildSpec {
    /// Unique among its siblings; no `/`.
    pub name: String,
    /// Which actor.
    pub kind: ChildKind,
    /// Does the work, or watches others do it.
    pub role: Role,
    /// How long it may take to stop before it is killed. A supervisor has this on top of what its
    /// children may take.
    pub shutdown: Millis,
    /// Failures that are its own fault: counted apart from its siblings'. `None`: its supervisor
    /// counts them, with all others.
    pub parking: Option<Parking>,
}

/// A child that fails too often by its own fault is *parked*: it stays down, its siblings go on
/// without it, and later it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parking {
    /// Restarts that its own failures may cost; one more and it is parked.
    pub intensity: Intensity,
    /// How long it is parked before it is tried again. If it then fails within the window of the
    /// intensity, it is parked at once.
    pub retry: Millis,
}

/// Does the work, or watches others do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Started by the [`ChildStarter`].
    Worker,
    /// Started by this crate.
    Supervisor {
        /// What else restarts when a child ends.
        strategy: Strategy,
        /// How many restarts of its children, all of them together, before it gives up.
        intensity: Intensity,
        /// Wait before a restart.
        backoff: Backoff,
        /// In the order of starting; they stop in reverse.
        children: Vec<ChildSpec>,
    },
}

/// What [`ChildStarter::start`] returns.
pub type StartFuture = Pin<Box<dyn Future<Output = Result<ActorCell, StartError>> + Send>>;

/// Starts workers: the one place that knows which actor stands for which [`ChildKind`].
pub trait ChildStarter: Send + Sync + 'static {
    /// Starts one worker, linked to `supervisor` (ractor's `spawn_linked`), and resolves when it is
    /// ready to be sent messages, that is, when its `pre_start` is done.
    ///
    /// `generation` is 0 the first time and grows with every start of this child. Dropping the
    /// future must abandon the start. Do not register actors by name: ractor's registry is global,
    /// and the old generation may still be there for a moment.
    ///
    /// # Errors
    /// The future fails if the worker could not start; that counts as a failure of the child.
    fn start(&self, spec: &ChildSpec, generation: u64, supervisor: ActorCell) -> StartFuture;
}

impl ChildKind {
    /// The kind in one word, for metric labels and JSON.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Store => "store",
            Self::Models => "models",
            Self::Inference { .. } => "inference",
            Self::Director { .. } => "director",
            Self::Topology => "topology",
            Self::Shard { .. } => "shard",
            Self::Tasks => "tasks",
            Self::Committer => "committer",
            Self::Sink { .. } => "sink",
            Self::PartitionTree { .. } => "partition-tree",
            Self::Partition { .. } => "partition",
            Self::SessionHost { .. } => "session-host",
            Self::Consumer => "consumer",
            Self::Intake => "intake",
            Self::Feeds => "feeds",
            Self::Feed { .. } => "feed",
            Self::Webhook { .. } => "webhook",
            Self::Admin => "admin",
        }
    }
}

impl ChildSpec {
    /// A worker.
    #[must_use]
    pub fn worker(name: impl Into<String>, kind: ChildKind, shutdown: Millis) -> Self {
        Self {
            name: name.into(),
            kind,
            role: Role::Worker,
            shutdown,
            parking: None,
        }
    }

    /// Its children in the order of starting; none for a worker.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.role {
            Role::Worker => &[],
            Role::Supervisor { children, .. } => children,
        }
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.sub_topology, self.partition)
    }
}
