//! Passivation racing arrival: records of random keys, of which only a few have room in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::nodes::faults::Faults;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::counting::{Counting, Settings};
use crate::process::{cpu_seconds, resident_mib};

/// Records that may be on their way: enough to keep it busy.
const AHEAD: u64 = 200_000;
const BLOCK: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(600);

/// What came of it. That no record was lost, doubled or out of order was looked at row by row.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Rows that came out.
    pub rows: u64,
    /// Sessions in memory, at most, as the tasks told at the ends of their epochs.
    pub sessions: usize,
    /// MiB of this process, at most.
    pub memory: u64,
    /// CPU-seconds, the feed's and the look's among them.
    pub cpu: f64,
    /// Restarts of actors.
    pub restarts: u64,
}

/// Gives `records` records to `keys` random keys with room for `room` sessions.
///
/// # Panics
/// If a record is lost, doubled or out of order.
#[must_use]
pub fn passivation(data: &Path, records: u64, keys: u32, (hosting, room): (&str, u32)) -> Figures {
    let log = EmbeddedLog::open(&data.join("log"), EmbeddedOptions::default()).expect("a new log");
    let mut settings = Settings::of(keys);
    let max = room / settings.partitions;
    settings.sessions = format!("{{ hosting = \"{hosting}\", max = {max} }}");
    let before = cpu_seconds();
    let mut counting = Counting::start(settings, Arc::new(log), data, Faults::default());
    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut sessions, mut memory) = (0, 0);
    while counting.given() < records {
        let block = BLOCK.min(records - counting.given());
        counting.append((0..block).map(|_| dice.random_range(0..keys)), "");
        let enough = counting.given().saturating_sub(AHEAD);
        counting.until_rows(enough, PATIENCE);
        sessions = sessions.max(live(&counting));
        memory = memory.max(resident_mib());
    }
    counting.until_rows(records, PATIENCE);
    counting.assert_whole();
    sessions = sessions.max(live(&counting));
    Figures {
        rows: counting.rows(),
        sessions,
        memory,
        cpu: cpu_seconds() - before,
        restarts: counting.stop(),
    }
}

fn live(counting: &Counting) -> usize {
    let tasks = counting.running().daemon.context.status.tasks();
    tasks.iter().map(|task| task.sessions).sum()
}
