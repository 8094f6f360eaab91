//! Who is where: the actors of a shard find each other here. Filled as they start, in the tree's
//! order, and emptied when the shard starts again, so that nobody talks to the dead.

use std::collections::HashMap;

use config::NodeIndex;
use parking_lot::RwLock;
use ractor::ActorRef;
use supervisors::TaskId;
use tokio::sync::watch;

use super::committer::CommitterMessage;
use super::consumer::ConsumerLink;
use super::host::HostMessage;
use super::partition::PartitionMessage;
use super::sink::SinkMessage;

/// The actors of one shard, as far as they have started.
#[derive(Default)]
pub struct Wiring {
    refs: RwLock<Refs>,
    attached: watch::Sender<u64>,
}

#[derive(Default)]
struct Refs {
    sinks: HashMap<NodeIndex, ActorRef<SinkMessage>>,
    hosts: HashMap<TaskId, ActorRef<HostMessage>>,
    partitions: HashMap<TaskId, ActorRef<PartitionMessage>>,
    committer: Option<ActorRef<CommitterMessage>>,
    consumer: Option<ConsumerLink>,
    intake: Option<ConsumerLink>,
}

impl Wiring {
    /// A sink has started.
    pub fn set_sink(&self, sink: NodeIndex, actor: ActorRef<SinkMessage>) {
        self.refs.write().sinks.insert(sink, actor);
    }

    /// A session host has started.
    pub fn set_host(&self, task: TaskId, actor: ActorRef<HostMessage>) {
        self.refs.write().hosts.insert(task, actor);
    }

    /// A partition has started.
    pub fn set_partition(&self, task: TaskId, actor: ActorRef<PartitionMessage>) {
        self.refs.write().partitions.insert(task, actor);
    }

    /// The committer has started: a new life of the shard, in which nobody else of those it
    /// commands has yet.
    pub fn set_committer(&self, actor: ActorRef<CommitterMessage>) {
        let mut refs = self.refs.write();
        refs.committer = Some(actor);
        refs.intake = None;
        refs.partitions.clear();
        refs.hosts.clear();
    }

    /// The consumer has started: before all the others, whose restarts it outlives.
    pub fn set_consumer(&self, link: ConsumerLink) {
        self.refs.write().consumer = Some(link);
    }

    /// The intake has opened: all have started.
    pub fn set_intake(&self, link: ConsumerLink) {
        self.refs.write().intake = Some(link);
        self.attached.send_modify(|times| *times += 1);
    }

    /// Counts how often the intake has opened.
    #[must_use]
    pub fn attached(&self) -> watch::Receiver<u64> {
        self.attached.subscribe()
    }

    /// A sink.
    #[must_use]
    pub fn sink(&self, sink: NodeIndex) -> Option<ActorRef<SinkMessage>> {
        self.refs.read().sinks.get(&sink).cloned()
    }

    /// All sinks, in the order of the topology.
    #[must_use]
    pub fn sinks(&self) -> Vec<(NodeIndex, ActorRef<SinkMessage>)> {
        let mut all: Vec<_> = self
            .refs
            .read()
            .sinks
            .iter()
            .map(|(k, v)| (*k, v.clone()))
            .collect();
        all.sort_by_key(|(index, _)| *index);
        all
    }

    /// A session host.
    #[must_use]
    pub fn host(&self, task: TaskId) -> Option<ActorRef<HostMessage>> {
        self.refs.read().hosts.get(&task).cloned()
    }

    /// A partition.
    #[must_use]
    pub fn partition(&self, task: TaskId) -> Option<ActorRef<PartitionMessage>> {
        self.refs.read().partitions.get(&task).cloned()
    }

    /// The committer.
    #[must_use]
    pub fn committer(&self) -> Option<ActorRef<CommitterMessage>> {
        self.refs.read().committer.clone()
    }

    /// The consumer's thread.
    #[must_use]
    pub fn consumer(&self) -> Option<ConsumerLink> {
        self.refs.read().consumer.clone()
    }

    /// The consumer's thread, once the whole shard has started.
    #[must_use]
    pub fn intake(&self) -> Option<ConsumerLink> {
        self.refs.read().intake.clone()
    }
}
