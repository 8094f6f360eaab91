//! Sessions that panic: one key again and again, and many keys at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actors::log::memory::MemoryLog;
use actors::nodes::faults::Faults;
use actors::nodes::partition::SessionAction;

use crate::counting::{Counting, Settings};
use crate::process::cpu_seconds;

const POISON: &str = ",\"note\":\"poison\"";
const PATIENCE: Duration = Duration::from_secs(120);
/// Blocks of records a second.
const TICKS: u32 = 20;

/// What one key that panics every second costs the others.
#[derive(Debug, Clone)]
pub struct OneKey {
    /// Rows by partition; the failing key is in the first that is named.
    pub partition: usize,
    /// Records given to the other keys of its partition, and rows of theirs that had come out when the
    /// last was given.
    pub neighbours: (u64, u64),
    /// The same of the other partitions.
    pub others: (u64, u64),
    /// Rows of all but the failing key in the worst window of ten seconds, of those given in it.
    pub worst: f64,
    /// Poison records after which the key was in quarantine.
    pub failures: u32,
    /// Records held, and run again when released.
    pub held: u64,
    /// CPU-seconds, the feed's and the look's among them.
    pub cpu: f64,
    /// Restarts of actors.
    pub restarts: u64,
}

/// Hooks that panic at the session on poison, while the switch is on.
fn poison(on: &Arc<AtomicBool>) -> Faults {
    let on = Arc::clone(on);
    Faults::by_content(Arc::new(move |stage, bytes| {
        let found = || bytes.windows(6).any(|bytes| bytes == b"poison");
        let panics = stage == "session" && found() && on.load(Ordering::Relaxed);
        assert!(!panics, "poison");
    }))
}

/// `rate` records a second over 10,000 keys for so many seconds; if `panics`, key `k0` gets one each
/// second on which its session panics. In the end the fault is gone, and what was held runs again.
///
/// # Panics
/// If a record of another key is lost, doubled or out of order, or one of `k0` when it is released.
#[must_use]
pub fn one_key(data: &Path, seconds: u32, rate: u32, panics: bool) -> OneKey {
    let (settings, on) = (Settings::of(10_000), Arc::new(AtomicBool::new(panics)));
    let keys = settings.keys;
    let before = cpu_seconds();
    let mut counting = Counting::start(settings, Arc::new(MemoryLog::new()), data, poison(&on));
    let mut worst: f64 = 1.0;
    let mut window = (0, 0);
    let began = Instant::now();
    let mut next = 1;
    for tick in 0..seconds * TICKS {
        if tick % TICKS == 0 {
            counting.append([0], if panics { POISON } else { "" });
        }
        let block: Vec<u32> = (0..rate / TICKS)
            .map(|nth| 1 + (next + nth) % (keys - 1))
            .collect();
        next += rate / TICKS;
        counting.append(block, "");
        counting.look();
        if tick % (10 * TICKS) == 10 * TICKS - 1 {
            let now = (
                counting.given() - u64::from(counting.given_to(0)),
                of_others(&counting),
            );
            worst = worst.min(part((now.1 - window.1, now.0 - window.0)));
            window = now;
        }
        let due = Duration::from_secs(1) * (tick + 1) / TICKS;
        std::thread::park_timeout(due.saturating_sub(began.elapsed()));
    }
    let partition = counting.partition(0);
    let (neighbours, others) = shares(&counting, partition);
    let others_given = counting.given() - u64::from(counting.given_to(0));
    let failing = if panics {
        0
    } else {
        u64::from(counting.given_to(0))
    };
    counting.until_rows(others_given + failing, PATIENCE);
    let cpu = cpu_seconds() - before;
    let (mut failures, mut held) = (0, 0);
    if panics {
        on.store(false, Ordering::Relaxed);
        let control = counting.running().control.clone();
        let view = control.session("count", "k0").expect("there");
        failures = view.quarantine.map_or(0, |quarantine| quarantine.failures);
        let replay = move || control.end_quarantine("count", "k0", SessionAction::Replay);
        let replayed = counting.block_on(async { tokio::task::spawn_blocking(replay).await });
        held = replayed
            .expect("answers")
            .expect("was in quarantine")
            .replayed;
        counting.until_rows(others_given + held, PATIENCE);
        // In order and without a gap, or the look would have said so: from the first held record on.
        let last = i64::from(counting.given_to(0)) - 1;
        let expected = (u32::try_from(held).expect("few"), last);
        assert_eq!(
            counting.rows_of_key(0),
            expected,
            "held rows ran, to the last"
        );
    }
    OneKey {
        partition,
        neighbours,
        others,
        worst,
        failures,
        held,
        cpu,
        restarts: counting.stop(),
    }
}

/// Rows of all keys but the failing one.
fn of_others(counting: &Counting) -> u64 {
    counting.rows() - u64::from(counting.rows_of_key(0).0)
}

/// Given and come out: other keys of the partition, other partitions.
fn shares(counting: &Counting, partition: usize) -> ((u64, u64), (u64, u64)) {
    let mut given = [0; 2];
    for key in 1..10_000 {
        let other = usize::from(counting.partition(key) != partition);
        given[other] += u64::from(counting.given_to(key));
    }
    let neighbours = counting.rows_of(partition) - u64::from(counting.rows_of_key(0).0);
    let others = of_others(counting) - neighbours;
    ((given[0], neighbours), (given[1], others))
}

/// A part of a whole, of nothing all.
#[must_use]
pub fn part((part, whole): (u64, u64)) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let ratio = part as f64 / whole.max(1) as f64;
    if whole == 0 { 1.0 } else { ratio }
}

/// How long it takes until as many sessions as there are keys, which all panic at once, have each
/// given the row of their next good record, and its CPU-seconds; after the same without a panic.
///
/// # Panics
/// If a record is lost, doubled or out of order.
#[must_use]
pub fn all_at_once(data: &Path, keys: u32, hosting: &str) -> [(Duration, f64); 2] {
    let mut settings = Settings::of(keys);
    settings.sessions = hosting.to_owned();
    let on = Arc::new(AtomicBool::new(true));
    let mut counting = Counting::start(settings, Arc::new(MemoryLog::new()), data, poison(&on));
    let keys_once = u64::from(keys);
    counting.append(0..keys, "");
    counting.append(0..keys, "");
    counting.until_rows(2 * keys_once, PATIENCE);
    let mut figures = [(Duration::ZERO, 0.0); 2];
    for (nth, note) in ["", POISON].into_iter().enumerate() {
        let (began, before) = (Instant::now(), cpu_seconds());
        let good = if note.is_empty() { 2 } else { 1 };
        let rows = counting.rows() + good * keys_once;
        counting.append(0..keys, note);
        counting.append(0..keys, "");
        counting.until_rows(rows, PATIENCE);
        figures[nth] = (began.elapsed(), cpu_seconds() - before);
    }
    let dead = counting
        .running()
        .daemon
        .context
        .status
        .dead_letters
        .load(Ordering::Relaxed);
    assert_eq!(dead, keys_once, "each poison record is a dead letter, once");
    assert_eq!(counting.stop(), 0, "nothing restarts");
    figures
}
