//! From a topology to its supervision tree, as a value.

use std::fmt;

use config::{
    Backoff, Feed, Intensity, Millis, ModelSettings, Node, Source, Strategy, SubTopology, Topology,
    Webhook,
};

use crate::ledger::strategy_label;
use crate::{ChildKind, ChildSpec, Parking, Role, TaskId};

/// A whole tree. Its Display draws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreePlan {
    /// The supervisor of all.
    pub root: ChildSpec,
}

const TASKS: &str = "tasks";
const FEEDS: &str = "feeds";

/// What the topology does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanOptions {
    /// Session hosts of each task that has keyed operators, at least 1.
    pub session_hosts: u32,
    /// How long a task that fails too often is left out before it is tried again.
    pub parked_retry: Millis,
}

/// A worker's time to stop: handlers are short, and what they write is written by threads that have
/// deadlines of their own.
const WORKER_SHUTDOWN: Millis = Millis(5_000);
/// A supervisor's time to stop beside its children's.
const SUPERVISOR_SHUTDOWN: Millis = Millis(1_000);

const NO_WAIT: Backoff = Backoff {
    initial: Millis(0),
    max: Millis(0),
};
/// Long enough for a broker's fail-over to pass within a few tries.
const PATIENT: Backoff = Backoff {
    initial: Millis(100),
    max: Millis(30_000),
};
/// For actors whose work others wait for.
const BRISK: Backoff = Backoff {
    initial: Millis(10),
    max: Millis(5_000),
};

const ROOT_BUDGET: Intensity = per(3, 600_000);
const MODELS_BUDGET: Intensity = per(10, 60_000);
const TOPOLOGY_BUDGET: Intensity = per(5, 600_000);
const SHARD_BUDGET: Intensity = per(5, 120_000);
/// Of a task's own failures; one more and it is parked.
const TASK_BUDGET: Intensity = per(5, 120_000);
/// Of the consumer and of what its tasks give up on: a new member, with new tasks, cures it or nothing.
const MEMBER_BUDGET: Intensity = per(2, 120_000);
/// Escalates at once.
const NO_BUDGET: Intensity = per(0, 1);
/// Never escalates.
const ENDLESS: Intensity = per(u32::MAX, 60_000);

const fn per(restarts: u32, within_ms: i64) -> Intensity {
    Intensity {
        restarts,
        within: Millis(within_ms),
    }
}

/// All tasks of a topology: each sub-topology's partitions, upstream first.
#[must_use]
pub fn all_tasks(topology: &Topology) -> Vec<TaskId> {
    let tasks = |(sub_topology, sub): (usize, &SubTopology)| {
        (0..sub.partitions).map(move |partition| TaskId {
            sub_topology,
            partition,
        })
    };
    topology
        .sub_topologies
        .iter()
        .enumerate()
        .flat_map(tasks)
        .collect()
}

/// The tree of one process that runs these shards, each given as its tasks.
///
/// A shard's tasks restart as a whole: they, its sinks and its committer share one transaction, so the
/// failure of any of them aborts the epoch, and all of them have to go back to the last committed position.
/// For that reason a task's own tree restarts nothing: it only escalates. But the failures that are its own
/// fault are counted apart, and when they are too many the task is parked.
#[must_use]
pub fn plan(topology: &Topology, shards: &[Vec<TaskId>], options: PlanOptions) -> TreePlan {
    let models = topology.models.iter().flat_map(plan_model).collect();
    let models = supervisor("models", ChildKind::Models, models);
    let mut below_topology: Vec<ChildSpec> = (0..)
        .zip(shards)
        .map(|(shard, tasks)| plan_shard(topology, shard, tasks, options))
        .collect();
    let feeds: Vec<ChildSpec> = topology.nodes.iter().filter_map(plan_feed).collect();
    if !feeds.is_empty() {
        let feeds = supervisor(FEEDS, ChildKind::Feeds, feeds);
        below_topology.push(feeds.with(Strategy::OneForOne, SHARD_BUDGET, PATIENT));
    }
    let running = supervisor(topology.name.as_str(), ChildKind::Topology, below_topology);
    let mut admin = vec![worker("api", ChildKind::Admin)];
    admin.extend(topology.alerts.webhooks.iter().map(plan_webhook));
    let below_root = vec![
        worker("store", ChildKind::Store),
        models.with(Strategy::OneForOne, MODELS_BUDGET, BRISK),
        running.with(Strategy::OneForOne, TOPOLOGY_BUDGET, PATIENT),
        supervisor("admin", ChildKind::Admin, admin).with(Strategy::OneForOne, ENDLESS, PATIENT),
    ];
    TreePlan {
        root: supervisor("root", ChildKind::Root, below_root).with(
            Strategy::RestForOne,
            ROOT_BUDGET,
            PATIENT,
        ),
    }
}

/// What answers, and what serves and trains it if it learns.
fn plan_model(model: &ModelSettings) -> impl Iterator<Item = ChildSpec> {
    let id = model.id.clone();
    let inference = worker(
        format!("inference-{id}"),
        ChildKind::Inference { model: id.clone() },
    );
    let director = model
        .learning
        .is_some()
        .then(|| worker(format!("director-{id}"), ChildKind::Director { model: id }));
    std::iter::once(inference).chain(director)
}

fn plan_webhook(webhook: &Webhook) -> ChildSpec {
    let kind = ChildKind::Webhook {
        webhook: webhook.id.clone(),
    };
    worker(format!("webhook-{}", webhook.id), kind)
}

/// The consumer first: it outlives the tasks, so that their failure is not the group's. The tasks are
/// started downstream first, so that whoever sends finds who receives; stopped upstream first.
fn plan_shard(
    topology: &Topology,
    shard: u32,
    tasks: &[TaskId],
    options: PlanOptions,
) -> ChildSpec {
    let mut children: Vec<ChildSpec> = topology.nodes.iter().filter_map(plan_sink).collect();
    children.push(worker("committer", ChildKind::Committer));
    children.extend(tasks.iter().map(|task| plan_task(topology, *task, options)));
    children.push(worker("intake", ChildKind::Intake));
    let tasks = supervisor(TASKS, ChildKind::Tasks, children);
    let children = vec![
        worker("consumer", ChildKind::Consumer),
        tasks.with(Strategy::OneForAll, SHARD_BUDGET, PATIENT),
    ];
    let shard = supervisor(shard_name(shard), ChildKind::Shard { shard }, children);
    shard.with(Strategy::RestForOne, MEMBER_BUDGET, PATIENT)
}

fn task_name(sub: &SubTopology, task: TaskId) -> String {
    format!("{}-{}", sub.name, task.partition)
}

fn shard_name(shard: u32) -> String {
    format!("shard-{shard}")
}

fn plan_sink(node: &Node) -> Option<ChildSpec> {
    match node {
        Node::Sink(sink) => {
            let kind = ChildKind::Sink {
                sink: sink.id.clone(),
            };
            Some(worker(format!("sink-{}", sink.id), kind))
        }
        Node::Source(_) | Node::Operator(_) => None,
    }
}

/// Feeds that run by themselves; what comes in over HTTP is the API's to take.
fn plan_feed(node: &Node) -> Option<ChildSpec> {
    let Node::Source(Source {
        id,
        feed: Some(feed),
        ..
    }) = node
    else {
        return None;
    };
    match feed {
        Feed::Http => None,
        Feed::File { .. } | Feed::Generator { .. } | Feed::Stdin => {
            let kind = ChildKind::Feed { source: id.clone() };
            Some(worker(format!("feed-{id}"), kind))
        }
    }
}

fn plan_task(topology: &Topology, task: TaskId, options: PlanOptions) -> ChildSpec {
    let sub = &topology.sub_topologies[task.sub_topology];
    let hosts = match has_sessions(topology, sub) {
        true => options.session_hosts.max(1),
        false => 0,
    };
    let mut children: Vec<ChildSpec> = (0..hosts)
        .map(|host| {
            worker(
                format!("host-{host}"),
                ChildKind::SessionHost { task, host },
            )
        })
        .collect();
    children.push(worker("partition", ChildKind::Partition { task }));
    let name = task_name(sub, task);
    let tree = supervisor(name, ChildKind::PartitionTree { task }, children);
    ChildSpec {
        parking: Some(Parking {
            intensity: TASK_BUDGET,
            retry: options.parked_retry,
        }),
        ..tree.with(Strategy::OneForAll, NO_BUDGET, NO_WAIT)
    }
}

/// Whether any of its operators keeps state per key.
fn has_sessions(topology: &Topology, sub: &SubTopology) -> bool {
    sub.nodes.iter().any(|index| match topology.node(*index) {
        Node::Operator(operator) => operator.kind.is_keyed(),
        Node::Source(_) | Node::Sink(_) => false,
    })
}

fn worker(name: impl Into<String>, kind: ChildKind) -> ChildSpec {
    ChildSpec::worker(name, kind, WORKER_SHUTDOWN)
}

/// A supervisor whose policy `with` sets.
fn supervisor(name: impl Into<String>, kind: ChildKind, children: Vec<ChildSpec>) -> Draft {
    Draft {
        name: name.into(),
        kind,
        children,
    }
}

struct Draft {
    name: String,
    kind: ChildKind,
    children: Vec<ChildSpec>,
}

impl Draft {
    fn with(self, strategy: Strategy, intensity: Intensity, backoff: Backoff) -> ChildSpec {
        ChildSpec {
            name: self.name,
            kind: self.kind,
            shutdown: SUPERVISOR_SHUTDOWN,
            parking: None,
            role: Role::Supervisor {
                strategy,
                intensity,
                backoff,
                children: self.children,
            },
        }
    }
}

impl fmt::Display for TreePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        draw(f, &self.root, "", "")
    }
}

/// Draws a node after `lead`, and those below it, each line beginning with `margin`.
fn draw(f: &mut fmt::Formatter<'_>, spec: &ChildSpec, lead: &str, margin: &str) -> fmt::Result {
    write!(f, "{lead}{}", spec.name)?;
    if let Role::Supervisor {
        strategy,
        intensity,
        backoff,
        ..
    } = &spec.role
    {
        write!(f, "  {}", strategy_label(*strategy))?;
        match intensity.restarts {
            0 => write!(f, ", escalates at once")?,
            u32::MAX => write!(f, ", never escalates")?,
            restarts => write!(f, ", {restarts} restarts / {}", intensity.within)?,
        }
        if backoff.max > Millis(0) {
            write!(f, ", backoff {} to {}", backoff.initial, backoff.max)?;
        }
    }
    if let Some(parking) = spec.parking {
        let Intensity { restarts, within } = parking.intensity;
        write!(f, "; itself parked after {restarts} restarts / {within}")?;
        write!(f, ", tried again after {}", parking.retry)?;
    }
    writeln!(f)?;
    let children = spec.children();
    for (position, child) in children.iter().enumerate() {
        let (branch, trunk) = match position + 1 == children.len() {
            true => ("└ ", "  "),
            false => ("├ ", "│ "),
        };
        draw(
            f,
            child,
            &format!("{margin}{branch}"),
            &format!("{margin}{trunk}"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
