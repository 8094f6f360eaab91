//! Who is where: the actors of a shard find each other here. Filled as they start, in the tree's
//! order, and emptied when the shard starts again, so that nobody talks to the dead.

use std::collections::HashMap;

use config::NodeIndex;
use parking_lot::RwLock;
use ractor::ActorRef;
use supervisors::TaskId;

use super::committer::CommitterMessage;
use super::consumer::ConsumerMessage;
use super::host::HostMessage;
use super::partition::PartitionMessage;
use super::sink::SinkMessage;

/// The actors of one shard, as far as they have started.
#[derive(Default)]
pub struct Wiring(RwLock<Refs>);

#[derive(Default)]
struct Refs {
    sinks: HashMap<NodeIndex, ActorRef<SinkMessage>>,
    hosts: HashMap<TaskId, ActorRef<HostMessage>>,
    partitions: HashMap<TaskId, ActorRef<PartitionMessage>>,
    committer: Option<ActorRef<CommitterMessage>>,
    consumer: Option<ActorRef<ConsumerMessage>>,
}

impl Wiring {
    /// A sink has started.
    pub fn set_sink(&self, sink: NodeIndex, actor: ActorRef<SinkMessage>) {
        self.0.write().sinks.insert(sink, actor);
    }

    /// A session host has started.
    pub fn set_host(&self, task: TaskId, actor: ActorRef<HostMessage>) {
        self.0.write().hosts.insert(task, actor);
    }

    /// A partition has started.
    pub fn set_partition(&self, task: TaskId, actor: ActorRef<PartitionMessage>) {
        self.0.write().partitions.insert(task, actor);
    }

    /// The committer has started: a new life of the shard, in which nobody else of those it
    /// commands has yet.
    pub fn set_committer(&self, actor: ActorRef<CommitterMessage>) {
        let mut refs = self.0.write();
        refs.committer = Some(actor);
        refs.consumer = None;
        refs.partitions.clear();
        refs.hosts.clear();
    }

    /// The consumer has started; it is the last.
    pub fn set_consumer(&self, actor: ActorRef<ConsumerMessage>) {
        self.0.write().consumer = Some(actor);
    }

    /// A sink.
    #[must_use]
    pub fn sink(&self, sink: NodeIndex) -> Option<ActorRef<SinkMessage>> {
        self.0.read().sinks.get(&sink).cloned()
    }

    /// All sinks, in the order of the topology.
    #[must_use]
    pub fn sinks(&self) -> Vec<(NodeIndex, ActorRef<SinkMessage>)> {
        let mut all: Vec<_> = self
            .0
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
        self.0.read().hosts.get(&task).cloned()
    }

    /// A partition.
    #[must_use]
    pub fn partition(&self, task: TaskId) -> Option<ActorRef<PartitionMessage>> {
        self.0.read().partitions.get(&task).cloned()
    }

    /// The committer.
    #[must_use]
    pub fn committer(&self) -> Option<ActorRef<CommitterMessage>> {
        self.0.read().committer.clone()
    }

    /// The consumer; there only when the whole shard has started.
    #[must_use]
    pub fn consumer(&self) -> Option<ActorRef<ConsumerMessage>> {
        self.0.read().consumer.clone()
    }
}
