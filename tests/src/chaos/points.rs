//! Named crash points: a daemon in a process of its own kills itself with SIGKILL at a point of its
//! work, again and again, while another shares the topology; then the same judge as for chaos.
//!
//! The points are test hooks of the runtime; [`Crash::child`] is what the process runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actors::nodes::faults::Faults;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use runtime::daemon::{Daemon, context, open_log};

use super::nodes::Nodes;
use super::{Chaos, Report, SETTLED_WITHIN, cluster, input, verdict};
use crate::inside::topology;

/// Every point: where in an epoch's commit, in writing the store, in a restore, in a rebalance.
pub const POINTS: [&str; 10] = [
    "before-begin",
    "after-begin",
    "after-produce",
    "before-offsets",
    "before-commit",
    "after-commit",
    "before-store",
    "after-store",
    "in-restore",
    "on-assignment",
];

/// How long a member is alone before another joins.
const ALONE: Duration = Duration::from_secs(5);

/// A process that does not come to its point within this is killed from outside.
const REACHED_WITHIN: Duration = Duration::from_secs(20);

/// One point, hit a number of times.
#[derive(Debug, Clone)]
pub struct Crash {
    /// The program whose `child` command runs [`Crash::child`].
    pub program: PathBuf,
    /// The input and the judge; its faults are the times.
    pub chaos: Chaos,
    /// One of [`POINTS`], or `on-revocation`.
    pub point: String,
}

impl Crash {
    /// Runs it; gives how often the point was reached beside the judge's report.
    ///
    /// # Errors
    /// What was lost, doubled, reordered or wrong, or what could not be run.
    pub fn run(&self, dir: &Path) -> Result<(usize, Report), String> {
        let chaos = &self.chaos;
        cluster::create_topic(&chaos.bootstrap, &chaos.input_topic(), chaos.partitions)?;
        let file = dir.join("chaos.toml");
        std::fs::write(&file, chaos.topology()).map_err(|e| e.to_string())?;
        // Another member, so that the group's partitions move when this one falls.
        let mut nodes = Nodes::start(&file, dir, &chaos.name, (chaos.nodes, None))?;
        let feeding = input::start(chaos.clone());
        let mut random = ChaCha8Rng::seed_from_u64(chaos.seed);
        let mut reached = 0;
        for _ in 0..chaos.faults {
            // A process comes to an epoch's points again and again, to the group's once.
            let nth = match self.point.starts_with("on-") {
                true => 1,
                false => random.random_range(1..=4u32),
            };
            reached += usize::from(self.crash_once(&file, dir, nth, &mut nodes)?);
            nodes.all_run()?;
        }
        feeding.join().map_err(|_| "the feeder panicked")??;
        let judge = verdict::Judge::of(chaos)?;
        let judged = judge.wait_for_outputs(chaos, SETTLED_WITHIN);
        if judged.is_err() {
            nodes.note_partitions();
        }
        nodes.stop_all()?;
        let found = judged.and_then(|()| judge.judge(chaos))?;
        Ok((reached, found.added_to(Report::default())))
    }

    /// True if the process fell at its point.
    fn crash_once(
        &self,
        file: &Path,
        dir: &Path,
        nth: u32,
        nodes: &mut Nodes,
    ) -> Result<bool, String> {
        // Partitions are taken from a member when another comes: the other one comes late then.
        let revoked = self.point == "on-revocation";
        if revoked {
            nodes.stop(0)?;
        }
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(dir.join("crashing.log"))
            .map_err(|e| e.to_string())?;
        let mut child = Command::new(&self.program)
            .args(["child", &self.point, &nth.to_string()])
            .arg(file)
            .arg(dir.join("crashing"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|e| e.to_string())?;
        if revoked {
            super::wait(ALONE);
            nodes.start_one(0)?;
        }
        let deadline = Instant::now() + REACHED_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                return match status.code() {
                    None => Ok(true),
                    Some(code) => Err(format!("the process ended by itself with {code}")),
                };
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        child.kill().map_err(|e| e.to_string())?;
        child.wait().map_err(|e| e.to_string())?;
        Ok(false)
    }

    /// Runs a daemon in this process until it comes to a point for the `nth` time; does not return.
    ///
    /// # Errors
    /// If the daemon cannot start.
    pub fn child(point: &str, nth: u32, file: &Path, data: &Path) -> Result<(), String> {
        let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
        std::fs::create_dir_all(data).map_err(|e| e.to_string())?;
        let topology = topology(&text);
        let log = open_log(&topology.log, data, "crashing").map_err(|e| e.to_string())?;
        let (point, left) = (point.to_owned(), Arc::new(AtomicU32::new(nth)));
        let faults = Faults::new(Arc::new(move |at: &str| {
            if at == point && left.fetch_sub(1, Ordering::AcqRel) == 1 {
                kill_self();
            }
        }));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        runtime.block_on(async {
            let context = context(topology, log, data, "crashing", faults);
            let daemon = Daemon::start(context).await.map_err(|e| e.to_string())?;
            Err(daemon.ended().await.to_string())
        })
    }
}

/// SIGKILL, as from outside: nothing is flushed, nothing is closed.
fn kill_self() {
    let id = std::process::id().to_string();
    // If it cannot be run, the process goes on, and its parent finds the point not reached.
    drop(Command::new("kill").args(["-9", &id]).status());
    loop {
        std::thread::park();
    }
}
