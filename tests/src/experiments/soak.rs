//! A daemon under load, starved of CPU and stopped now and then: it must not take that for a hang.
//!
//! The daemon is a process of its own; this one takes the CPUs away from it, stops it and lets it go on, and
//! asks it what happened.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::daemon::Daemon;

/// How a soak goes: round after round of load, starvation and stop.
#[derive(Debug, Clone, Copy)]
pub struct Soak {
    /// At least so long.
    pub length: Duration,
    /// In each round, CPUs are busy for so long: 90 of 100 ms on each.
    pub load: Duration,
    /// Then so long with four endless loops for each CPU.
    pub starvation: Duration,
    /// Then the process stands still for so long.
    pub stop: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Soaked {
    /// Rounds.
    pub rounds: u32,
    /// Records taken, as the metrics say.
    pub records: u64,
    /// Events that tell of something that failed or hung; there should be none.
    pub alarms: Vec<Value>,
}

/// Events that no healthy daemon has.
const ALARMS: [&str; 6] = [
    "hung",
    "unread",
    "restarting",
    "parked",
    "escalated",
    "breaker",
];
/// What is wrongly taken for a hang is told within the watchdog's limit.
const HEARD_WITHIN: Duration = Duration::from_secs(3);

impl Soak {
    /// Runs card-fraud for so long; its data lie in a folder.
    ///
    /// # Panics
    /// If the daemon does not start, ends, or does not answer.
    #[must_use]
    pub fn run(self, data: &Path) -> Soaked {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let topology = root.join("examples/card-fraud/topology.toml");
        let daemon = Daemon::start(&topology, data, &[]);
        let (began, mut rounds, mut heard) = (Instant::now(), 0, 0);
        let mut alarms: Vec<Value> = Vec::new();
        while began.elapsed() < self.length {
            rounds += 1;
            busy(1, Duration::from_millis(90), self.load);
            busy(4, Duration::from_millis(100), self.starvation);
            daemon.signal("STOP");
            wait(self.stop);
            daemon.signal("CONT");
            wait(HEARD_WITHIN);
            let events = daemon.get(&format!("/v1/events?after={heard}")).json();
            for event in events.as_array().expect("a list of events") {
                heard = event["number"].as_u64().unwrap_or(heard).max(heard);
                if ALARMS.iter().any(|alarm| event["event"] == *alarm) {
                    alarms.push(event.clone());
                }
            }
        }
        let metrics = daemon.get("/metrics").text;
        let mut lines = metrics.lines();
        let records = lines.find_map(|line| line.strip_prefix("thalweg_records_total "));
        Soaked {
            rounds,
            records: records
                .and_then(|count| count.trim().parse().ok())
                .unwrap_or(0),
            alarms,
        }
    }
}

/// Keeps so many threads a CPU busy for a part of each 100 ms.
fn busy(threads_a_cpu: usize, of_100_ms: Duration, length: Duration) {
    let stop = Arc::new(AtomicBool::new(false));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let work = |stop: Arc<AtomicBool>| {
        move || {
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                while began.elapsed() < of_100_ms && !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
                std::thread::park_timeout(Duration::from_millis(100).saturating_sub(of_100_ms));
            }
        }
    };
    let threads = (0..cpus * threads_a_cpu).map(|_| std::thread::spawn(work(Arc::clone(&stop))));
    let threads: Vec<_> = threads.collect();
    wait(length);
    stop.store(true, Ordering::Relaxed);
    for thread in threads {
        thread.join().expect("it only counts");
    }
}

/// A park may end early.
fn wait(length: Duration) {
    let end = Instant::now() + length;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}
