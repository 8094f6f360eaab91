//! The chaos experiment on Kafka: several daemons share a topology while they are killed, paused,
//! stopped and started or cut off from the network, and brokers fall. Afterwards the topics must hold what the input implies.
//!
//! The judge ([`verdict`]) knows nothing of Thalweg's code: it reads the topics with a plain consumer
//! and computes counters and sums from the input. `bin/chaos.rs` runs it in full.

mod cluster;
mod network;
mod nodes;
mod input;
mod verdict;
mod points;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use cluster::Brokers;
pub use network::Network;
use nodes::Nodes;
pub use points::{Crash, POINTS};

/// What is done.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// Bootstrap list.
    pub bootstrap: String,
    /// The brokers' script, if brokers may be killed: it started three.
    pub brokers: Option<Brokers>,
    /// The daemons' network, if they may be cut off.
    pub network: Option<Arc<Network>>,
    /// What the topology promises: `exactly-once`, or `at-least-once` (then outputs may come again).
    pub delivery: &'static str,
    /// Name of the topology and beginning of its topics' names; new each time.
    pub name: String,
    /// The group's protocol: `classic` or `consumer`.
    pub protocol: &'static str,
    /// Records, good ones and garbage.
    pub records: u64,
    /// Distinct keys.
    pub keys: u64,
    /// Partitions of the input.
    pub partitions: i32,
    /// Daemons.
    pub nodes: usize,
    /// Faults.
    pub faults: usize,
    /// Draws the faults.
    pub seed: u64,
    /// A paused daemon stands still for so long: longer than its session, so that others take over.
    pub pause: Duration,
}

/// How it went.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Faults by kind.
    pub kills: usize,
    /// Paused and resumed.
    pub pauses: usize,
    /// Stopped in order and started.
    pub stops: usize,
    /// Brokers killed and revived.
    pub brokers: usize,
    /// Brokers that stood still while a daemon was killed and started, and went on.
    pub stalls: usize,
    /// Cut off from the network and connected again.
    pub cuts: usize,
    /// Output records judged, each counted once.
    pub outputs: usize,
    /// Output records that came again.
    pub repeated: usize,
    /// Dead letters judged.
    pub dead_letters: usize,
}

/// From the last fault to the last output.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

impl Chaos {
    /// Runs it in an empty folder.
    ///
    /// # Errors
    /// What was lost, doubled, reordered or wrong, or what could not be run.
    pub fn run(&self, dir: &Path) -> Result<Report, String> {
        cluster::create_topic(&self.bootstrap, &self.input_topic(), self.partitions)?;
        let topology = dir.join("chaos.toml");
        std::fs::write(&topology, self.topology()).map_err(|e| e.to_string())?;
        let mut nodes = Nodes::start(
            &topology,
            dir,
            &self.name,
            (self.nodes, self.network.clone()),
        )?;
        let feeding = input::start(self.clone());
        let mut report = Report::default();
        let disturbed = self.disturb(&mut nodes, &mut report);
        let fed = feeding.join().map_err(|_| "the feeder panicked")?;
        disturbed.and(fed)?;
        let judge = verdict::Judge::of(self)?;
        let judged = judge.wait_for_outputs(self, SETTLED_WITHIN);
        if judged.is_err() {
            nodes.note_partitions();
        }
        nodes.stop_all()?;
        let found = judged.and_then(|()| judge.judge(self))?;
        Ok(found.added_to(report))
    }

    /// The topic that is fed.
    fn input_topic(&self) -> String {
        format!("{}.in", self.name)
    }

    fn topology(&self) -> String {
        let Self {
            name, bootstrap, ..
        } = self;
        let brokers: Vec<String> = bootstrap.split(',').map(|b| format!("\"{b}\"")).collect();
        format!(
            include_str!("topology.toml.in"),
            name = name,
            protocol = self.protocol,
            delivery = self.delivery,
            brokers = brokers.join(", "),
            partitions = self.partitions,
        )
    }

    fn disturb(&self, nodes: &mut Nodes, report: &mut Report) -> Result<(), String> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        for _ in 0..self.faults {
            wait(Duration::from_millis(random.random_range(200..3_000)));
            let node = random.random_range(0..self.nodes);
            match random.random_range(0..10u32) {
                0..=3 => {
                    nodes.kill(node)?;
                    // Some stay away for longer than their session.
                    wait(Duration::from_millis(random.random_range(0..8_000)));
                    nodes.start_one(node)?;
                    report.kills += 1;
                }
                4..=5 => {
                    nodes.pause(node)?;
                    wait(self.pause);
                    nodes.resume(node)?;
                    report.pauses += 1;
                }
                6..=7 => {
                    nodes.stop(node)?;
                    nodes.start_one(node)?;
                    report.stops += 1;
                }
                8 if random.random_ratio(1, 2) => {
                    self.stall_broker(&mut random, nodes, (node, report))?;
                }
                8 => self.fell_broker(&mut random, nodes, (node, report))?,
                _ => match &self.network {
                    Some(network) => {
                        network.cut(node)?;
                        wait(Duration::from_millis(random.random_range(1_000..15_000)));
                        network.heal(node)?;
                        report.cuts += 1;
                    }
                    None => self.fell_broker(&mut random, nodes, (node, report))?,
                },
            }
            nodes.all_run()?;
        }
        Ok(())
    }

    /// Lets a broker stand still for longer than the others wait for it, so that they take over what it led.
    /// A daemon that is started meanwhile has asked it, and is answered when it goes on.
    fn stall_broker(
        &self,
        random: &mut ChaCha8Rng,
        nodes: &mut Nodes,
        (node, report): (usize, &mut Report),
    ) -> Result<(), String> {
        let Some(brokers) = &self.brokers else {
            return self.fell_broker(random, nodes, (node, report));
        };
        let broker = random.random_range(1..=3);
        nodes.kill(node)?;
        brokers.pause(broker)?;
        nodes.start_one(node)?;
        wait(Duration::from_millis(random.random_range(8_000..14_000)));
        brokers.resume(broker)?;
        report.stalls += 1;
        Ok(())
    }

    /// Kills a broker and revives it, or the daemon if the brokers are not ours.
    fn fell_broker(
        &self,
        random: &mut ChaCha8Rng,
        nodes: &mut Nodes,
        (node, report): (usize, &mut Report),
    ) -> Result<(), String> {
        let Some(brokers) = &self.brokers else {
            nodes.kill(node)?;
            nodes.start_one(node)?;
            report.kills += 1;
            return Ok(());
        };
        let broker = random.random_range(1..=3);
        brokers.kill(broker)?;
        wait(Duration::from_millis(random.random_range(500..6_000)));
        brokers.revive(broker)?;
        report.brokers += 1;
        Ok(())
    }
}

/// Time is part of this experiment: it passes.
fn wait(time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
        if left.is_zero() {
            break;
        }
    }
}
