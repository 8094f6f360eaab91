//! More than can be done: records that come ten times faster than they are worked on, and a sink ten
//! times slower than they come. Memory stays bounded, nothing is lost, and when it is over the lag goes
//! back to what it was.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use actors::nodes::faults::Faults;
use actors::nodes::status::Status;

use crate::counting::{Counting, Settings};
use crate::process::{cpu_seconds, resident_mib};

/// Blocks of records a second.
const TICKS: u32 = 20;
/// A wait is not longer, so that nothing takes it for a hang.
const WAIT_MAX: Duration = Duration::from_millis(1_500);
const PATIENCE: Duration = Duration::from_secs(900);

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// Ten times the normal rate comes in; the tasks do what is normal.
    Overload,
    /// The normal rate comes in; the sink does a tenth of it.
    SlowSink,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Records given; as many rows came out, each once and in its key's order.
    pub records: u64,
    /// MiB of this process: before, and at most.
    pub memory: (u64, u64),
    /// Records that waited when it ended.
    pub backlog: u64,
    /// From its end until no more waited than what comes in a second.
    pub recovery: Duration,
    /// CPU-seconds, the feed's and the look's among them.
    pub cpu: f64,
    /// Restarts of actors.
    pub restarts: u64,
}

/// What holds the actors up: not more than so many rows a second since it began.
#[derive(Default)]
struct Brake {
    on: AtomicBool,
    began: OnceLock<(Instant, u64)>,
    status: OnceLock<Arc<Status>>,
}

impl Brake {
    fn done(&self, flood: Flood) -> u64 {
        self.status.get().map_or(0, |status| match flood {
            Flood::Overload => status.records.load(Ordering::Relaxed),
            Flood::SlowSink => status.decisions.load(Ordering::Relaxed),
        })
    }

    fn wait(&self, flood: Flood, rate: u32) -> Duration {
        if !self.on.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let (began, done) = *self
            .began
            .get_or_init(|| (Instant::now(), self.done(flood)));
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 records")]
        let seconds = (self.done(flood) - done) as f64 / f64::from(rate);
        let wait = Duration::from_secs_f64(seconds).saturating_sub(began.elapsed());
        wait.min(WAIT_MAX)
    }
}

/// `rate` records a second for a while, then the flood for so many seconds, then `rate` again until
/// the lag is normal.
///
/// # Panics
/// If a record is lost, doubled or out of order, or the lag does not become normal.
#[must_use]
pub fn flood(data: &Path, flood: Flood, seconds: u32, rate: u32) -> Figures {
    let log = EmbeddedLog::open(&data.join("log"), EmbeddedOptions::default()).expect("a new log");
    let brake = Arc::new(Brake::default());
    let (place, limit, flooded) = match flood {
        Flood::Overload => ("partition", rate, 10 * rate),
        Flood::SlowSink => ("sink", rate / 10, rate),
    };
    let held = Arc::clone(&brake);
    let faults = Faults::default().delayed(Arc::new(move |at| match at == place {
        true => held.wait(flood, limit),
        false => Duration::ZERO,
    }));
    let before = cpu_seconds();
    let settings = Settings {
        // Small messages: each is held up once.
        epoch: limit.max(100),
        ..Settings::of(100_000)
    };
    let mut counting = Counting::start(settings, Arc::new(log), data, faults);
    let status = Arc::clone(&counting.running().daemon.context.status);
    drop(brake.status.set(status));
    let mut memory = 0;
    pace(&mut counting, rate, &mut memory, |began, _| {
        began.elapsed() > Duration::from_secs(5)
    });
    let calm = memory;
    brake.on.store(true, Ordering::Relaxed);
    let flooding = Duration::from_secs(seconds.into());
    pace(&mut counting, flooded, &mut memory, |began, _| {
        began.elapsed() > flooding
    });
    let backlog = counting.given() - counting.rows();
    brake.on.store(false, Ordering::Relaxed);
    let recovery = pace(&mut counting, rate, &mut memory, |began, counting| {
        assert!(began.elapsed() < PATIENCE, "the lag does not go away");
        counting.given() - counting.rows() < u64::from(rate)
    });
    let records = counting.given();
    counting.until_rows(records, PATIENCE);
    counting.assert_whole();
    Figures {
        records,
        memory: (calm, memory),
        backlog,
        recovery,
        cpu: cpu_seconds() - before,
        restarts: counting.stop(),
    }
}

/// Gives records at a rate, until it is enough; says how long that took.
fn pace(
    counting: &mut Counting,
    rate: u32,
    memory: &mut u64,
    enough: impl Fn(Instant, &Counting) -> bool,
) -> Duration {
    let began = Instant::now();
    let mut ticks = 0;
    let mut next = 0;
    loop {
        counting.append((0..rate / TICKS).map(|nth| (next + nth) % 100_000), "");
        next = (next + rate / TICKS) % 100_000;
        counting.look();
        *memory = (*memory).max(resident_mib());
        if enough(began, counting) {
            return began.elapsed();
        }
        ticks += 1;
        let due = Duration::from_secs(1) * ticks / TICKS;
        std::thread::park_timeout(due.saturating_sub(began.elapsed()));
    }
}
