//! What the actors of one shard share: the topology's programs, the log, the models, and where they
//! report. Made once when the daemon starts; it outlives the actors' restarts.

mod reading;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use config::{NodeId, NodeIndex, Topology};
use parking_lot::{Mutex, RwLock};
use supervisors::{ChildKind, Errand, TaskId};
use tokio::sync::Notify;
use tokio::task::JoinError;

use super::alerts::Alerts;
use super::credit::Credits;
use super::events::Events;
use super::faults::Faults;
use super::heartbeat::Heartbeats;
use super::inference::InferenceHandle;
use super::lanes::Lanes;
use super::parked::Parked;
use super::program::{EntryKind, Program, compile};
use super::pulse::Pulses;
use super::states::States;
use super::status::Status;
use super::suspects::Suspects;
use super::threads::Threads;
use super::unread::Unread;
use super::wiring::Wiring;
use crate::clock::Clock;
use crate::log::{Log, LogError, TopicPartition};
use crate::operators::sketch::Profiles;
use crate::state::store::OpenStore;

/// Shared by the actors of a shard.
pub struct ShardContext {
    /// The checked topology.
    pub topology: Arc<Topology>,
    /// Where records live.
    pub log: Arc<dyn Log>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// One program a sub-topology.
    pub programs: Vec<Arc<Program>>,
    /// All tasks of the topology, upstream first; this node runs those that are [`Self::assigned`].
    pub tasks: Vec<TaskId>,
    /// The tasks' committed state.
    pub states: States,
    /// By position in the topology's models.
    pub models: Vec<InferenceHandle>,
    /// What their versions were trained on, where somebody watches; by position as the models.
    pub profiles: Vec<Arc<Profiles>>,
    /// What the state of one task may take in memory.
    pub budget: Budget,
    /// How much may be on its way to each task.
    pub credits: HashMap<TaskId, Arc<Credits>>,
    /// Who is where.
    pub wiring: Wiring,
    /// What the outside may see.
    pub status: Arc<Status>,
    /// What happened that somebody should know.
    pub events: Events,
    /// What this node is to tell when a metric is not as it should be.
    pub alerts: Alerts,
    /// What this node says of itself to the others.
    pub heartbeats: Heartbeats,
    /// Records over which tasks failed.
    pub suspects: Suspects,
    /// Partitions that nobody reads.
    pub unread: Unread,
    /// Tasks that are left out.
    pub parked: Parked,
    /// Test hook: where actors are made to fail.
    pub faults: Faults,
    /// Folder of the versions that models' stewards have trained; `None`: nothing is trained.
    pub models_dir: Option<PathBuf>,
    /// Where work runs that blocks.
    pub threads: Threads,
    /// The threads that actors run on.
    pub lanes: Lanes,
    /// Signs of life, for the watchdog.
    pub pulses: Arc<Pulses>,
    /// Draws what is to be random: backoffs.
    pub seed: u64,
    /// Which node of the group this is; part of its transactional id.
    pub node: String,
    /// Batches handed to tasks so far: whether anything has happened.
    pub arrivals: AtomicU64,
    refusal: Refusal,
    assigned: RwLock<Option<Arc<Vec<TaskId>>>>,
    following: RwLock<Vec<TaskId>>,
    tree: OnceLock<AskTree>,
}

/// What no waiting and no restart cures, once it has happened.
#[derive(Default)]
struct Refusal {
    error: Mutex<Option<LogError>>,
    told: Notify,
}

/// Asks something of an actor of the supervision tree: [`supervisors::TreeHandle::ask`].
pub type AskTree = Box<dyn Fn(&ChildKind, Errand) + Send + Sync>;

/// What the state of one task may take in memory: equal shares of `[state] memory`. The rest of it
/// is for what cannot be counted so well: the stores' caches, epochs on their way, the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Live sessions: a half.
    pub session_bytes: usize,
    /// Committed snapshots that are not in the store yet: a quarter.
    pub overlay_bytes: usize,
}

impl Budget {
    pub(super) fn new(memory: u64, keyed_tasks: usize) -> Self {
        let share = usize::try_from(memory).unwrap_or(usize::MAX) / keyed_tasks.max(1);
        Self {
            session_bytes: share / 2,
            overlay_bytes: share / 4,
        }
    }
}

/// What a shard is made of.
pub struct ShardSettings {
    /// The checked topology.
    pub topology: Arc<Topology>,
    /// Where records live.
    pub log: Arc<dyn Log>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Opens the tasks' stores.
    pub stores: OpenStore,
    /// Folder of the versions that models' stewards have trained; `None`: nothing is trained.
    pub models_dir: Option<PathBuf>,
    /// Test hook.
    pub faults: Faults,
    /// Where work runs that blocks.
    pub threads: Threads,
    /// Draws what is to be random; each node another, so that they do not restart in step.
    pub seed: u64,
    /// Which node of the group this is: unlike any other's, the same after a restart.
    pub node: String,
}

impl ShardContext {
    /// Makes the context: compiles the programs; starts nothing.
    #[must_use]
    #[expect(
        clippy::too_many_lines,
        reason = "a line for each thing that is shared"
    )]
    pub fn new(settings: ShardSettings) -> Arc<Self> {
        let ShardSettings {
            topology,
            log,
            clock,
            stores,
            models_dir,
            faults,
            threads,
            seed,
            node,
        } = settings;
        let profiles: Vec<Arc<Profiles>> = topology.models.iter().map(|_| Arc::default()).collect();
        let programs: Vec<Arc<Program>> = topology
            .sub_topologies
            .iter()
            .map(|sub| Arc::new(compile(&topology, sub, &profiles)))
            .collect();
        let mut tasks = Vec::new();
        for (sub_topology, program) in programs.iter().enumerate() {
            tasks.extend((0..program.partitions).map(|partition| TaskId {
                sub_topology,
                partition,
            }));
        }
        let keyed = tasks
            .iter()
            .filter(|task| !programs[task.sub_topology].keyed.is_empty());
        let budget = Budget::new(topology.state.memory.0, keyed.count());
        let credits = tasks
            .iter()
            .map(|task| {
                let inputs = programs[task.sub_topology]
                    .inputs(task.partition)
                    .map(|(_, at)| at);
                (*task, Arc::new(Credits::new(inputs)))
            })
            .collect();
        let models = topology
            .models
            .iter()
            .map(|model| InferenceHandle::new(&model.id))
            .collect();
        let states = States::new(Arc::clone(&clock), stores, topology.hash);
        Arc::new(Self {
            status: Arc::new(Status::new(&topology, &programs, &tasks)),
            events: Events::default(),
            alerts: Alerts::new(&topology, clock.now_ms()),
            heartbeats: Heartbeats::new(clock.now_ms()),
            suspects: Suspects::default(),
            unread: Unread::default(),
            parked: Parked::default(),
            topology,
            log,
            clock,
            programs,
            tasks,
            states,
            models,
            profiles,
            budget,
            credits,
            wiring: Wiring::default(),
            models_dir,
            faults,
            threads,
            lanes: Lanes::default(),
            pulses: Arc::default(),
            seed,
            node,
            arrivals: AtomicU64::new(0),
            refusal: Refusal::default(),
            assigned: RwLock::default(),
            following: RwLock::default(),
            tree: OnceLock::new(),
        })
    }

    /// Does one piece of work that blocks, and waits for it.
    ///
    /// # Errors
    /// If it panics.
    pub async fn blocking<T: Send + 'static>(
        &self,
        what: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        self.faults.wait(what).await;
        self.threads.blocking(work).await
    }

    /// The tasks that this node runs now, upstream first; none before the group has said so.
    #[must_use]
    pub fn assigned(&self) -> Arc<Vec<TaskId>> {
        self.assigned.read().clone().unwrap_or_default()
    }

    /// The tasks that are this node's and not parked, upstream first: those that take part in epochs.
    #[must_use]
    pub fn running(&self) -> Arc<Vec<TaskId>> {
        let assigned = self.assigned();
        if !self.parked.any_of(&assigned) {
            return assigned;
        }
        let runs = |task: &&TaskId| self.parked.get(**task).is_none();
        Arc::new(assigned.iter().filter(runs).copied().collect())
    }

    /// The sources whose feeds run here: one node feeds a topic, the one that has its first partition.
    #[must_use]
    pub fn fed_here(&self, tasks: &[TaskId]) -> Vec<NodeId> {
        let first = tasks.iter().filter(|task| task.partition == 0);
        let entries = first.flat_map(|task| &self.program(*task).entries);
        let sources = entries.filter_map(|entry| match &entry.kind {
            EntryKind::Source(source, _) => Some(source.id.clone()),
            EntryKind::Repartition { .. } => None,
        });
        sources.collect()
    }

    /// Whether the group has said which tasks are this node's.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        self.assigned.read().is_some()
    }

    /// Says which tasks are this node's from their next start on.
    pub fn assign(&self, tasks: Vec<TaskId>) {
        self.status.retain(&tasks);
        *self.assigned.write() = Some(Arc::new(tasks));
    }

    /// Tasks of other nodes whose state is kept warm here.
    #[must_use]
    pub fn following(&self) -> Vec<TaskId> {
        self.following.read().clone()
    }

    pub(super) fn set_following(&self, tasks: Vec<TaskId>) {
        *self.following.write() = tasks;
    }

    /// The tree that the shard's actors are in; set once, when there is one.
    pub fn set_tree(&self, ask: AskTree) {
        // A second tree over one context does not exist.
        drop(self.tree.set(ask));
    }

    /// Asks something of an actor of the supervision tree.
    pub fn ask_tree(&self, kind: &ChildKind, errand: Errand) {
        match self.tree.get() {
            Some(ask) => ask(kind, errand),
            None => tracing::debug!("no supervision tree yet"),
        }
    }

    /// Ends the daemon with this error: no waiting and no restart cures it. The first is told.
    pub fn refuse(&self, error: LogError) {
        self.refusal.error.lock().get_or_insert(error);
        self.refusal.told.notify_one();
    }

    /// The same, if the log refuses: a right that is missing, a record that it does not take.
    pub fn refuse_for_good(&self, error: &LogError) {
        if let LogError::Refused(text) = error {
            self.refuse(LogError::Refused(text.clone()));
        }
    }

    /// Resolves with the error of [`ShardContext::refuse`]. For one who waits.
    pub async fn refused(&self) -> LogError {
        loop {
            if let Some(error) = self.refusal.error.lock().take() {
                return error;
            }
            self.refusal.told.notified().await;
        }
    }

    /// The program that a task runs.
    ///
    /// # Panics
    /// If the task is not of this topology.
    #[must_use]
    pub fn program(&self, task: TaskId) -> &Arc<Program> {
        &self.programs[task.sub_topology]
    }

    /// A task's changelogs, one a keyed operator, in the order of their spaces.
    #[must_use]
    pub fn changelogs(&self, task: TaskId) -> Vec<TopicPartition> {
        let steps = self.program(task).keyed.iter();
        steps
            .map(|step| TopicPartition::new(step.changelog.clone(), task.partition))
            .collect()
    }

    /// Tasks of this node that read sources.
    #[must_use]
    pub fn source_tasks(&self) -> u64 {
        let is_source = |task: &&TaskId| {
            let entries = &self.program(**task).entries;
            entries
                .iter()
                .any(|entry| matches!(entry.kind, EntryKind::Source(..)))
        };
        self.assigned().iter().filter(is_source).count() as u64
    }

    /// Name of a task for people: `<sub-topology>-<partition>`.
    #[must_use]
    pub fn task_name(&self, task: TaskId) -> String {
        format!("{}-{}", self.program(task).name, task.partition)
    }

    /// The consumer group: the topology's name.
    #[must_use]
    pub fn group(&self) -> &str {
        self.topology.name.as_str()
    }

    /// Under which id a node's epochs are committed.
    #[must_use]
    pub fn shard_id(&self, node: &str) -> String {
        format!("{}.shard.{node}", self.topology.name)
    }

    /// Under which id a node's heartbeats are written.
    #[must_use]
    pub fn heartbeat_id(&self, node: &str) -> String {
        format!("{}.nodes.{node}", self.topology.name)
    }

    /// Group in which a source's feed commits its position.
    #[must_use]
    pub fn feed_group(&self, source: NodeIndex) -> String {
        format!(
            "{}.feed.{}",
            self.topology.name,
            self.topology.node(source).id()
        )
    }
}
