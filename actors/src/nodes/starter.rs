//! The index of every actor there is: which one stands for which child of the tree.

use std::sync::Arc;

use config::{Node, NodeIndex};
use ractor::{Actor, ActorCell, SpawnErr};
use supervisors::{ChildKind, ChildSpec, ChildStarter, StartError, StartFuture};
use tokio::task::JoinHandle;

use super::alerts::webhook::{WebhookActor, WebhookArguments};
use super::committer::Committer;
use super::consumer::ConsumerActor;
use super::context::ShardContext;
use super::director::Director;
use super::feed::{FeedActor, FeedArguments};
use super::host::{HostArguments, SessionHost};
use super::housekeeping::Housekeeping;
use super::inference::{Inference, InferenceArguments};
use super::intake::Intake;
use super::lanes::Lane;
use super::partition::{Partition, PartitionArguments};
use super::sink::{SinkActor, SinkArguments};
use super::threads::Threads;
use super::watched::Watched;

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

    /// Where a worker runs: on a thread that can be left behind, if threads are its shard's own.
    fn lane(&self, spec: &ChildSpec) -> Result<Option<Lane>, StartError> {
        let ShardContext {
            threads,
            lanes,
            pulses,
            ..
        } = &*self.context;
        match threads {
            Threads::One => Ok(None),
            Threads::Own => {
                let name = match spec.kind {
                    ChildKind::Partition { task } | ChildKind::SessionHost { task, .. } => {
                        self.context.task_name(task)
                    }
                    _ => spec.name.clone(),
                };
                let lane = lanes.lane(&spec.kind, &name, pulses);
                lane.map_err(|error| unknown(format!("no thread for {name}: {error}")))
            }
        }
    }

    fn is_of_another_node(&self, kind: &ChildKind) -> bool {
        match kind {
            ChildKind::SessionHost { task, .. } | ChildKind::Partition { task } => {
                !self.context.assigned().contains(task)
            }
            _ => false,
        }
    }

    fn node(&self, id: &config::NodeId) -> Result<NodeIndex, StartError> {
        let nodes = self.context.topology.nodes.iter();
        let found = nodes
            .map(Node::id)
            .position(|other| other == id)
            .map(NodeIndex);
        found.ok_or_else(|| unknown(format!("node \"{id}\" is not in the topology")))
    }

    fn webhook(&self, id: &config::NodeId) -> Result<usize, StartError> {
        let mut webhooks = self.context.topology.alerts.webhooks.iter();
        let found = webhooks.position(|webhook| webhook.id == *id);
        found.ok_or_else(|| unknown(format!("webhook \"{id}\" is not in the topology")))
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
    #[expect(clippy::too_many_lines, reason = "the index: an arm for each actor")]
    fn start(&self, spec: &ChildSpec, _: u64, supervisor: ActorCell) -> StartFuture {
        let context = Arc::clone(&self.context);
        if self.is_of_another_node(&spec.kind) {
            // A place in the tree until the group gives it to this one.
            return spawn(Idle, (), ("idle", None), supervisor);
        }
        let lane = match self.lane(spec) {
            Ok(lane) => (spec.kind.label(), lane),
            Err(error) => return failed(error),
        };
        match &spec.kind {
            ChildKind::Store => spawn(Housekeeping, context, lane, supervisor),
            ChildKind::Inference { model } => match self.model(model) {
                Ok(model) => {
                    let arguments = InferenceArguments { context, model };
                    spawn(Inference, arguments, lane, supervisor)
                }
                Err(error) => failed(error),
            },
            ChildKind::Director { model } => match self.model(model) {
                Ok(model) => {
                    let arguments = InferenceArguments { context, model };
                    spawn(Director, arguments, lane, supervisor)
                }
                Err(error) => failed(error),
            },
            ChildKind::Sink { sink } => match self.node(sink) {
                Ok(index) => spawn(
                    SinkActor,
                    SinkArguments { context, index },
                    lane,
                    supervisor,
                ),
                Err(error) => failed(error),
            },
            ChildKind::Committer => spawn(Committer, context, lane, supervisor),
            ChildKind::SessionHost { task, .. } => {
                let task = *task;
                spawn(
                    SessionHost,
                    HostArguments { context, task },
                    lane,
                    supervisor,
                )
            }
            ChildKind::Partition { task } => {
                let task = *task;
                spawn(
                    Partition,
                    PartitionArguments { context, task },
                    lane,
                    supervisor,
                )
            }
            ChildKind::Consumer => spawn(ConsumerActor, context, lane, supervisor),
            ChildKind::Intake => spawn(Intake, context, lane, supervisor),
            ChildKind::Feed { source } => match self.node(source) {
                Ok(source) => spawn(
                    FeedActor,
                    FeedArguments { context, source },
                    lane,
                    supervisor,
                ),
                Err(error) => failed(error),
            },
            ChildKind::Webhook { webhook } => match self.webhook(webhook) {
                Ok(webhook) => spawn(
                    WebhookActor,
                    WebhookArguments { context, webhook },
                    lane,
                    supervisor,
                ),
                Err(error) => failed(error),
            },
            ChildKind::Admin => match &self.admin {
                Some(start) => start(supervisor),
                None => spawn(Idle, (), lane, supervisor),
            },
            ChildKind::Root
            | ChildKind::Models
            | ChildKind::Topology
            | ChildKind::Shard { .. }
            | ChildKind::Tasks
            | ChildKind::Feeds
            | ChildKind::PartitionTree { .. } => failed(no_worker(spec)),
        }
    }
}

fn no_worker(spec: &ChildSpec) -> StartError {
    let name = &spec.name;
    unknown(format!("\"{name}\" is a supervisor, not a worker"))
}

/// Starts an actor on a lane, or beside its supervisor where it has none.
fn spawn<A: Actor>(
    actor: A,
    arguments: A::Arguments,
    (who, lane): (&'static str, Option<Lane>),
    supervisor: ActorCell,
) -> StartFuture {
    let pulse = lane.as_ref().map(|lane| lane.pulse.clone());
    let watched = Watched {
        actor,
        who,
        pulse: pulse.unwrap_or_default(),
    };
    let start = async move {
        let spawned: Result<_, SpawnErr> =
            Watched::spawn_linked(None, watched, arguments, supervisor).await;
        Ok(spawned?.0.get_cell())
    };
    match lane {
        None => Box::pin(start),
        Some(lane) => Box::pin(async move {
            let mut started = Started(lane.runtime.spawn(start));
            match (&mut started.0).await {
                Ok(started) => started,
                Err(ended) => Err(unknown(ended.to_string())),
            }
        }),
    }
}

/// A start on its way; dropped, it is abandoned.
struct Started<T>(JoinHandle<T>);

impl<T> Drop for Started<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
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
