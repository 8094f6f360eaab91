//! What the processes of a run share: the cluster that holds the log, the dice, the trace, the weather.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actors::clock::Clock;
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::mutation::Mutation;
use super::trace::Trace;
use super::weather::Chances;

/// Virtual time begins here: 2026-01-01 UTC.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Stream of the seed's dice that faults are thrown from; the scenario has another.
const FAULTS: u64 = 1;

/// Everything outside the processes.
pub(super) struct World {
    began: Instant,
    /// Topics, groups and transactions.
    pub(super) cluster: Mutex<Cluster>,
    /// What has been done to the log and the stores.
    pub(super) trace: Mutex<Trace>,
    /// How often what goes wrong, while it storms.
    pub(super) chances: Chances,
    /// A deliberate error, if this run has one.
    pub(super) mutation: Option<Mutation>,
    dice: Mutex<ChaCha8Rng>,
    storm: AtomicBool,
    broken: Mutex<Option<String>>,
}

impl World {
    /// An empty cluster under a calm sky. Called on the paused clock.
    pub(super) fn new(
        seed: u64,
        chances: Chances,
        mutation: Option<Mutation>,
        trace: Trace,
    ) -> Arc<Self> {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(FAULTS);
        Arc::new(Self {
            began: Instant::now(),
            cluster: Mutex::default(),
            trace: Mutex::new(trace),
            chances,
            mutation,
            dice: Mutex::new(dice),
            storm: AtomicBool::new(false),
            broken: Mutex::default(),
        })
    }

    /// Since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// From here on things go wrong, or no more.
    pub(super) fn set_storm(&self, storm: bool) {
        self.storm.store(storm, Ordering::Relaxed);
    }

    /// Whether something that goes wrong with this probability does so now.
    pub(super) fn strikes(&self, probability: f64) -> bool {
        probability > 0.0
            && self.storm.load(Ordering::Relaxed)
            && self.dice.lock().random_bool(probability)
    }

    /// A number from a range.
    pub(super) fn draw(&self, range: std::ops::Range<usize>) -> usize {
        self.dice.lock().random_range(range)
    }

    /// Notes what a process has done, and how that ended.
    pub(super) fn note(&self, what: std::fmt::Arguments<'_>) {
        let at = self.elapsed();
        self.trace.lock().note(at, what);
    }

    /// Something that may never be: the run has failed. The first one counts.
    pub(super) fn break_law(&self, what: String) {
        self.note(format_args!("LAW BROKEN: {what}"));
        self.broken.lock().get_or_insert(what);
    }

    /// The first law that was broken.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.lock().clone()
    }

    /// Whether this run has this deliberate error.
    pub(super) fn is_mutated(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        BEGIN_MS + i64::try_from(self.elapsed().as_millis()).unwrap_or(0)
    }
}
