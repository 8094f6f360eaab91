//! The index of every actor there is: which one stands for which child of the tree.

use std::sync::Arc;

use config::{Node, NodeIndex};
use ractor::{Actor, ActorCell, SpawnErr};
use supervisors::{ChildKind, ChildSpec, ChildStarter, StartError, StartFuture};

use super::committer::Committer;
use super::consumer::ConsumerActor;
use super::context::ShardContext;
use super::director::Director;
use super::feed::{FeedActor, FeedArguments};
use super::host::{HostArguments, SessionHost};
use super::housekeeping::Housekeeping;
use super::inference::{Inference, InferenceArguments};
use super::intake::Intake;
use super::partition::{Partition, PartitionArguments};
use super::sink::{SinkActor, SinkArguments};

/// Starts the workers of one shard's tree.
pub struct Starter {
    context: Arc<ShardContext>,
    admin: Option<AdminStart>,
}

/// Starts the admin actor, which lives above this crate.
pub type AdminStart = Arc<dyn Fn(ActorCell) -> StartFuture + Send + Sync>;

impl Starter {
    /// Starts actors in this context; `admin` starts the API's actor.
    #[must_use]
    pub fn new(context: Arc<ShardContext>, admin: Option<AdminStart>) -> Self {
        Self { context, admin }
    }

    fn node(&self, id: &config::NodeId) -> Result<NodeIndex, StartError> {
        let nodes = self.context.topology.nodes.iter();
        let found = nodes
            .map(Node::id)
            .position(|other| other == id)
            .map(NodeIndex);
        found.ok_or_else(|| unknown(format!("node \"{id}\" is not in the topology")))
    }

    fn model(&self, id: &config::ModelId) -> Result<usize, StartError> {
        let found = self
            .context
            .topology
            .models
            .iter()
            .position(|model| model.id == *id);
        found.ok_or_else(|| unknown(format!("model \"{id}\" is not in the topology")))
    }
}

fn unknown(reason: String) -> StartError {
    StartError(supervisors::Exit::Error {
        reason,
        remedy: None,
    })
}

impl ChildStarter for Starter {
    fn start(&self, spec: &ChildSpec, _: u64, supervisor: ActorCell) -> StartFuture {
        let context = Arc::clone(&self.context);
        match &spec.kind {
            ChildKind::Store => spawn(Housekeeping, context, supervisor),
            ChildKind::Inference { model } => match self.model(model) {
                Ok(model) => spawn(Inference, InferenceArguments { context, model }, supervisor),
                Err(error) => failed(error),
            },
            ChildKind::Director { model } => match self.model(model) {
                Ok(model) => spawn(Director, InferenceArguments { context, model }, supervisor),
                Err(error) => failed(error),
            },
            ChildKind::Sink { sink } => match self.node(sink) {
                Ok(index) => spawn(SinkActor, SinkArguments { context, index }, supervisor),
                Err(error) => failed(error),
            },
            ChildKind::Committer => spawn(Committer, context, supervisor),
            ChildKind::SessionHost { task, .. } | ChildKind::Partition { task }
                if !context.assigned().contains(task) =>
            {
                // Another node's: a place in the tree until the group gives it to this one.
                spawn(Idle, (), supervisor)
            }
            ChildKind::SessionHost { task, .. } => spawn(
                SessionHost,
                HostArguments {
                    context,
                    task: *task,
                },
                supervisor,
            ),
            ChildKind::Partition { task } => spawn(
                Partition,
                PartitionArguments {
                    context,
                    task: *task,
                },
                supervisor,
            ),
            ChildKind::Consumer => spawn(ConsumerActor, context, supervisor),
            ChildKind::Intake => spawn(Intake, context, supervisor),
            ChildKind::Feed { source } => match self.node(source) {
                Ok(source) => spawn(FeedActor, FeedArguments { context, source }, supervisor),
                Err(error) => failed(error),
            },
            ChildKind::Admin => match &self.admin {
                Some(start) => start(supervisor),
                None => spawn(Idle, (), supervisor),
            },
            ChildKind::Root
            | ChildKind::Models
            | ChildKind::Topology
            | ChildKind::Shard { .. }
            | ChildKind::Tasks
            | ChildKind::Feeds
            | ChildKind::PartitionTree { .. } => failed(unknown(format!(
                "\"{}\" is a supervisor, not a worker",
                spec.name
            ))),
        }
    }
}

fn spawn<A: Actor>(actor: A, arguments: A::Arguments, supervisor: ActorCell) -> StartFuture {
    Box::pin(async move {
        let spawned: Result<_, SpawnErr> =
            A::spawn_linked(None, actor, arguments, supervisor).await;
        Ok(spawned?.0.get_cell())
    })
}

fn failed(error: StartError) -> StartFuture {
    Box::pin(async move { Err(error) })
}

/// Stands where nothing is to be done: the API in tests, tasks of other nodes.
struct Idle;

impl Actor for Idle {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ractor::ActorRef<()>,
        (): (),
    ) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }
}
