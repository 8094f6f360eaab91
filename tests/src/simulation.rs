//! A deterministic simulation: the real actors, on one thread and a paused clock, over a cluster, disks
//! and processes that fail as a seed says. One seed, one run, call by call.
//!
//! Each run is compared with one of the same seed without faults: every key's outputs in their order,
//! the dead letters, and the state, in the changelogs and in the stores. docs/simulation.md says more.

mod cluster;
mod connection;
mod disk;
pub mod mutation;
mod node;
mod process;
mod scenario;
mod trace;
mod verdict;
mod weather;
mod world;

use std::cell::Cell;
use std::sync::{Arc, Once};
use std::time::Duration;

use actors::log::{LogRecord, TopicPartition, TopicSpec, partition_for_key};
use actors::nodes::topics::{Purpose, topics};
use config::{TopicName, Topology};
use runtime::daemon::Daemon;

use crate::inside;
use cluster::{Cluster, Transaction};
use mutation::Mutation;
use node::Node;
use scenario::{PAYMENTS, Scenario};
use trace::Trace;
use verdict::{Left, Owned};
use weather::Chances;
use world::World;

/// Virtual time within which a run must be done once nothing goes wrong any more.
const CALM_WITHIN: Duration = Duration::from_secs(300);

/// How long a node is waited for before all are asked again.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(1);

/// What a run was like.
#[derive(Debug, Clone)]
pub struct Run {
    /// Hash of all that was done to the log and the stores.
    pub trace: u64,
    /// How many calls that was.
    pub calls: u64,
    /// The calls themselves, if they were wanted.
    pub lines: Vec<String>,
    /// Records that came out.
    pub outputs: usize,
    /// What was wrong, if anything.
    pub failed: Option<String>,
}

/// What a run leaves.
struct Done {
    run: Run,
    left: Left,
}

/// How a seed is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct How {
    /// With this error.
    pub mutation: Option<Mutation>,
    /// Keeps the calls.
    pub keeps_lines: bool,
}

/// Runs a seed without faults and with them, and compares.
#[must_use]
pub fn simulate(seed: u64, how: How) -> Run {
    let scenario = Scenario::draw(seed);
    let topology = Arc::new(inside::topology(&scenario.topology));
    let calm = Scenario {
        nodes: 1,
        chances: Chances::default(),
        stops: Vec::new(),
        ..Scenario::draw(seed)
    };
    let right = run(seed, &calm, &topology, How::default());
    if let Some(failed) = right.run.failed {
        return Run {
            failed: Some(format!("without faults: {failed}")),
            ..right.run
        };
    }
    let Done { mut run, left } = run(seed, &scenario, &topology, how);
    if run.failed.is_none() {
        run.failed = left.differs_from(&right.left);
    }
    run
}

/// What a seed is about, for people.
#[must_use]
pub fn describe(seed: u64) -> String {
    let scenario = Scenario::draw(seed);
    let records: usize = scenario.input.iter().map(|(_, burst)| burst.len()).sum();
    format!(
        "{}\n{records} records, {} nodes, storm for {:?}, stops {:?}\n{:#?}",
        scenario.topology, scenario.nodes, scenario.storm, scenario.stops, scenario.chances
    )
}

thread_local! {
    static SIMULATES: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the process's panic hook from telling of panics that are injected: the trace does.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !SIMULATES.get() {
                before(info);
            }
        }));
    });
}

fn run(seed: u64, scenario: &Scenario, topology: &Arc<Topology>, how: How) -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("a runtime without threads and sockets needs nothing");
    let local = tokio::task::LocalSet::new();
    quiet_hook();
    SIMULATES.set(true);
    let done = local.block_on(&runtime, async {
        let trace = Trace::new(how.keeps_lines);
        let world = World::new(seed, scenario.chances, how.mutation, trace);
        let told = direct(&world, scenario, topology).await;
        let left = Left::of(&world.cluster.lock(), &scenario.sinks);
        let (trace, calls, lines) = world.trace.lock().finish();
        let run = Run {
            trace,
            calls,
            lines,
            outputs: left.outputs(),
            failed: told.err().map(|failure| failure.0).or(world.broken()),
        };
        Done { run, left }
    });
    SIMULATES.set(false);
    done
}

/// Why a run failed before there was anything to compare.
struct Failure(String);

/// A run from beginning to end.
async fn direct(
    world: &Arc<World>,
    scenario: &Scenario,
    topology: &Arc<Topology>,
) -> Result<(), Failure> {
    create(&mut world.cluster.lock(), scenario.partitions);
    let nodes: Vec<Arc<Node>> = (0..scenario.nodes)
        .map(|nth| {
            let mut stops: Vec<Duration> = scenario
                .stops
                .iter()
                .filter(|(of, _)| *of == nth)
                .map(|(_, at)| *at)
                .collect();
            stops.sort();
            Arc::new(Node::new(format!("node-{nth}"), topology, stops))
        })
        .collect();
    let running: Vec<_> = nodes
        .iter()
        .map(|node| {
            let (node, world) = (Arc::clone(node), Arc::clone(world));
            tokio::task::spawn_local(async move { node.run(&world).await })
        })
        .collect();
    world.set_storm(true);
    for (at, records) in &scenario.input {
        tokio::time::sleep(at.saturating_sub(world.elapsed())).await;
        append(&mut world.cluster.lock(), records, scenario.partitions);
    }
    tokio::time::sleep(scenario.storm.saturating_sub(world.elapsed())).await;
    world.set_storm(false);
    world.note(format_args!("calm"));
    if tokio::time::timeout(CALM_WITHIN, caught_up(world, &nodes, topology))
        .await
        .is_err()
    {
        return Err(Failure(format!(
            "not caught up {CALM_WITHIN:?} after the last fault"
        )));
    }
    let owners: Vec<(Arc<Node>, Owned)> = nodes
        .iter()
        .map(|node| (Arc::clone(node), owned(node)))
        .collect();
    nodes.iter().for_each(|node| node.end());
    for node in running {
        if let Err(error) = node.await {
            return Err(Failure(format!("a node panicked: {error}")));
        }
    }
    match verdict::wrong_store(&world.cluster.lock(), &owners) {
        Some(wrong) => Err(Failure(wrong)),
        None => Ok(()),
    }
}

/// Waits until all nodes have read and committed everything, and nothing came of that any more.
async fn caught_up(world: &World, nodes: &[Arc<Node>], topology: &Topology) {
    let group = topology.name.as_str();
    let mut inputs = vec![payments()];
    for (purpose, spec) in topics(topology) {
        if purpose == Purpose::Repartition {
            inputs.push(spec.name);
        }
    }
    loop {
        let before = world.cluster.lock().visible();
        let mut all = true;
        // All are told that the sources have ended before any is waited for: one may need another's end.
        let up: Vec<Daemon> = nodes.iter().filter_map(|node| node.daemon()).collect();
        for daemon in &up {
            daemon.context.status.set_until_caught_up();
        }
        for daemon in &up {
            let told = tokio::time::timeout(CAUGHT_UP_WITHIN, daemon.caught_up()).await;
            all &= told.is_ok();
        }
        // Partitions that rest with a dead member are nobody's: no node knows of them.
        let is_done = {
            let cluster = world.cluster.lock();
            all && cluster.visible() == before && cluster.is_read(group, &inputs)
        };
        if is_done && is_owned(nodes) {
            return;
        }
        tokio::time::sleep(CAUGHT_UP_WITHIN).await;
    }
}

/// Whether the nodes run all tasks, each once.
fn is_owned(nodes: &[Arc<Node>]) -> bool {
    let mut owned = 0;
    let mut tasks = None;
    for node in nodes {
        if let Some(Daemon { context, .. }) = node.daemon() {
            owned += context.assigned().len();
            tasks = Some(context.tasks.len());
        }
    }
    tasks == Some(owned)
}

/// The stores of the tasks that a node runs now.
fn owned(node: &Node) -> Owned {
    let Some(Daemon { context, .. }) = node.daemon() else {
        return Owned::new();
    };
    let tasks = context.assigned();
    let owned = tasks
        .iter()
        .filter(|task| !context.program(**task).keyed.is_empty())
        .map(|task| (context.task_name(*task), context.changelogs(*task)));
    owned.collect()
}

fn payments() -> TopicName {
    TopicName::parse(PAYMENTS).expect("a topic's name")
}

fn create(cluster: &mut Cluster, partitions: u32) {
    let spec = TopicSpec {
        name: payments(),
        partitions,
        compacted: false,
        retention_ms: None,
        retention_bytes: None,
    };
    cluster.ensure_topic(&spec).expect("a new topic");
}

/// Appends what somebody else writes, partitioned by key.
fn append(cluster: &mut Cluster, records: &[LogRecord], partitions: u32) {
    let mut transaction = Transaction::default();
    for record in records {
        let key = record.key.as_deref().unwrap_or_default();
        let at = TopicPartition::new(payments(), partition_for_key(key, partitions));
        transaction.sends.push((at, vec![record.clone()]));
    }
    cluster.commit(transaction).expect("the topic is there");
}
