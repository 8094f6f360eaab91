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
    /// Counts the committers.
    life: u64,
}

/// Those whom a committer commands: all of its own life of the shard.
#[derive(Clone)]
pub struct Crew {
    /// In the order of the topology.
    pub sinks: Vec<(NodeIndex, ActorRef<SinkMessage>)>,
    /// Those that run.
    pub partitions: HashMap<TaskId, ActorRef<PartitionMessage>>,
    /// The consumer's thread, once all have started.
    pub intake: Option<ConsumerLink>,
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

    /// The committer has started: a new life of the shard, in which its sinks have started before it and
    /// nobody else of those it commands has yet. Gives the life's number.
    pub fn set_committer(&self, actor: ActorRef<CommitterMessage>) -> u64 {
        let mut refs = self.refs.write();
        refs.committer = Some(actor);
        refs.intake = None;
        refs.partitions.clear();
        refs.hosts.clear();
        refs.life += 1;
        refs.life
    }

    /// Those of this life; `None` when it is over. A committer that was left behind commands nobody.
    #[must_use]
    pub fn crew(&self, life: u64) -> Option<Crew> {
        let refs = self.refs.read();
        (refs.life == life).then(|| Crew {
            sinks: refs.sinks(),
            partitions: refs.partitions.clone(),
            intake: refs.intake.clone(),
        })
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

    /// All sinks, in the order of the topology. Whoever starts in a life of the shard takes them then: those
    /// of the next are not its own.
    #[must_use]
    pub fn sinks(&self) -> Vec<(NodeIndex, ActorRef<SinkMessage>)> {
        self.refs.read().sinks()
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

impl Refs {
    fn sinks(&self) -> Vec<(NodeIndex, ActorRef<SinkMessage>)> {
        let mut all: Vec<_> = self.sinks.iter().map(|(k, v)| (*k, v.clone())).collect();
        all.sort_by_key(|(index, _)| *index);
        all
    }
}
