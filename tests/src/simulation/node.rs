//! A node: a machine on which process after process runs the topology, until the run is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::nodes::context::{ShardContext, ShardSettings};
use actors::nodes::threads::Threads;
use config::Topology;
use parking_lot::Mutex;
use runtime::daemon::Daemon;
use tokio::sync::Notify;

use super::connection::Connection;
use super::disk::Disk;
use super::process::Process;
use super::world::World;

/// How soon the service manager starts a process again.
const RESTART: Duration = Duration::from_millis(500);

/// A machine.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) disk: Arc<Disk>,
    /// The process that is up, if one is.
    up: Mutex<Option<Up>>,
    topology: Arc<Topology>,
    seed: u64,
    over: Notify,
    /// When it is to be stopped in good order; ascending.
    stops: Mutex<Vec<Duration>>,
}

/// A daemon that runs.
struct Up {
    context: Arc<ShardContext>,
    tree: Arc<supervisors::TreeHandle>,
}

/// How a life ends.
enum End {
    /// The run is over.
    Over,
    /// It is to stop.
    Stops,
    /// It died.
    Dies,
    /// Its tree gave up, or did not come up.
    Ends,
}

impl Node {
    pub(super) fn new(name: String, topology: &Arc<Topology>, stops: Vec<Duration>) -> Self {
        Self {
            name,
            disk: Arc::default(),
            up: Mutex::default(),
            topology: Arc::clone(topology),
            seed: 0,
            over: Notify::new(),
            stops: Mutex::new(stops),
        }
    }

    /// The daemon that is up, if one is.
    pub(super) fn daemon(&self) -> Option<Daemon> {
        self.up.lock().as_ref().map(Up::daemon)
    }

    /// Runs process after process until the run is over; the last one is stopped in good order.
    pub(super) async fn run(&self, world: &Arc<World>) {
        loop {
            let (process, context) = self.process(world);
            let end = self.live(world, (&process, &context)).await;
            let up = self.up.lock().take();
            let (what, graceful) = match end {
                End::Over => ("is stopped at the end", true),
                End::Stops => ("is stopped", true),
                End::Dies => ("is dead", false),
                End::Ends => ("gives up", false),
            };
            world.note(format_args!("{} {what}", self.name));
            if let Some(up) = up {
                match graceful {
                    true => up.stop(world, &process).await,
                    // What is left of a dead process goes without a word.
                    false => drop(up.tree.stop(Duration::ZERO).await),
                }
            }
            process.end();
            if matches!(end, End::Over) {
                return;
            }
            tokio::time::sleep(RESTART).await;
        }
    }

    /// The run is over.
    pub(super) fn end(&self) {
        self.over.notify_one();
    }

    fn process(&self, world: &Arc<World>) -> (Arc<Process>, Arc<ShardContext>) {
        let group = self.topology.name.as_str();
        let mut changelogs = BTreeMap::new();
        for sub in &self.topology.sub_topologies {
            let models = self.topology.models.iter();
            let profiles: Vec<_> = models.map(|_| Arc::default()).collect();
            let program = actors::nodes::program::compile(&self.topology, sub, &profiles);
            for (space, step) in (0..).zip(&program.keyed) {
                changelogs.insert(step.changelog.clone(), (program.name.to_string(), space));
            }
        }
        let process = Process::new(world, &self.name, &self.disk, (group, changelogs));
        let context = ShardContext::new(ShardSettings {
            topology: Arc::clone(&self.topology),
            log: Arc::new(Connection::new(&process)),
            clock: Arc::clone(world) as _,
            stores: Disk::stores(&process),
            models_dir: None,
            faults: process.faults(),
            threads: Threads::One,
            seed: self.seed,
            node: self.name.clone(),
        });
        (process, context)
    }

    async fn live(
        &self,
        world: &World,
        (process, context): (&Arc<Process>, &Arc<ShardContext>),
    ) -> End {
        let stop_at = {
            let mut stops = self.stops.lock();
            stops.retain(|at| *at > world.elapsed());
            stops.first().copied()
        };
        let stop = async {
            match stop_at {
                Some(at) => tokio::time::sleep(at.saturating_sub(world.elapsed())).await,
                None => std::future::pending().await,
            }
        };
        let life = async {
            let Ok(daemon) = Daemon::start(Arc::clone(context)).await else {
                return End::Ends;
            };
            *self.up.lock() = Some(Up {
                context: Arc::clone(&daemon.context),
                tree: Arc::clone(&daemon.tree),
            });
            tokio::select! {
                biased;
                _ = daemon.ended() => End::Ends,
                () = stop => End::Stops,
            }
        };
        tokio::select! {
            biased;
            () = process.died() => End::Dies,
            () = self.over.notified() => End::Over,
            end = life => end,
        }
    }
}

impl Up {
    /// The same daemon once more.
    fn daemon(&self) -> Daemon {
        Daemon::of(Arc::clone(&self.context), Arc::clone(&self.tree))
    }

    async fn stop(self, world: &World, process: &Process) {
        if let Err(killed) = self.daemon().stop().await {
            world.note(format_args!("{} is killed: {killed}", process.node));
        }
    }
}
