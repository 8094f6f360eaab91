//! The live line: what a running topology does, once a second on a terminal, else a log line every
//! ten seconds. It also sets the gauges that are read rather than counted, and lets the alerts look at
//! them, which keeps histograms small.

mod gauges;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actors::nodes::status::{Latency, TaskStatus};
use indicatif::{ProgressBar, ProgressStyle};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::allocator;
use crate::control::Control;
use crate::telemetry::Screen;
use gauges::Gauges;

const LINE_EVERY: Duration = Duration::from_secs(1);
/// Seconds between log lines where there is no terminal.
const LOG_EVERY: u64 = 10;

/// Shows progress until it is dropped or aborted.
pub async fn run(control: Control, handle: Option<Arc<PrometheusHandle>>, screen: Screen) {
    let line = screen.lines().add(ProgressBar::no_length());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        line.set_style(style);
    }
    let _cleared = Cleared(line.clone());
    let mut ticks = tokio::time::interval(LINE_EVERY);
    // The first tick is at once.
    ticks.tick().await;
    let mut before = Seen::of(&control);
    let mut second = 0u64;
    let mut gauges = Gauges::default();
    loop {
        ticks.tick().await;
        second += 1;
        // The log's calls may wait for the disk.
        let (asked, shown) = (control.clone(), handle.clone());
        let mut set = std::mem::take(&mut gauges);
        let look = move || {
            let lag = set.set(&asked);
            if let Some(shown) = shown {
                let context = asked.context();
                context.alerts.look(context, &shown.render());
            }
            (set, lag)
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let lag;
        (gauges, lag) = looked.unwrap_or_default();
        if !screen.is_terminal() && !second.is_multiple_of(LOG_EVERY) {
            continue;
        }
        let now = Seen::of(&control);
        if now.records == before.records && second.is_multiple_of(LOG_EVERY) {
            allocator::trim();
        }
        let latency = control.context().status.take_latency();
        if screen.is_terminal() {
            line.set_message(text(&now, &before, latency, lag));
            line.tick();
        } else {
            tracing::info!(
                records = now.records,
                records_per_s = now.rate(&before),
                decisions = now.decisions,
                p50_ms = latency.p50_ms,
                p99_ms = latency.p99_ms,
                lag,
                sessions = now.sessions,
                dead_letters = now.dead_letters,
                restore_left = now.restore.left,
                "progress"
            );
        }
        before = now;
    }
}

/// Takes the line off the terminal when it is dropped: what is said afterwards stands alone.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Counters at a moment.
struct Seen {
    at: Instant,
    records: u64,
    decisions: u64,
    dead_letters: u64,
    sessions: usize,
    restore: Restore,
}

/// What is left to restore, of all tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Restore {
    tasks: usize,
    left: u64,
    /// Until the last of them is done, as far as that is known.
    seconds: u64,
}

impl Restore {
    fn of(tasks: &[TaskStatus]) -> Self {
        let mut restore = Self::default();
        for restoring in tasks.iter().filter_map(|task| task.restoring) {
            restore.tasks += 1;
            restore.left += restoring.left();
            restore.seconds = restore.seconds.max(restoring.left_s().unwrap_or(0));
        }
        restore
    }

    fn text(&self) -> String {
        match self.tasks {
            0 => String::new(),
            tasks => format!(
                " · restoring {tasks} tasks: {} left, {} s",
                self.left, self.seconds
            ),
        }
    }
}

impl Seen {
    fn of(control: &Control) -> Self {
        let status = &control.context().status;
        let tasks = status.tasks();
        Self {
            at: Instant::now(),
            records: status.records.load(Ordering::Relaxed),
            decisions: status.decisions.load(Ordering::Relaxed),
            dead_letters: status.dead_letters.load(Ordering::Relaxed),
            sessions: tasks.iter().map(|task| task.sessions).sum(),
            restore: Restore::of(&tasks),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rate for people"
    )]
    fn rate(&self, before: &Self) -> u64 {
        let seconds = self.at.duration_since(before.at).as_secs_f64().max(1e-3);
        ((self.records - before.records) as f64 / seconds) as u64
    }
}

fn text(now: &Seen, before: &Seen, latency: Latency, lag: i64) -> String {
    let latency = match latency.rows {
        0 => "-".to_owned(),
        _ => format!("p50 {} ms, p99 {} ms", latency.p50_ms, latency.p99_ms),
    };
    let dead = match now.dead_letters {
        0 => String::new(),
        count => format!(" · {count} dead letters"),
    };
    format!(
        "{} records/s · {} records · {} decisions · {latency} · lag {lag} · {} sessions{dead}{}",
        now.rate(before),
        now.records,
        now.decisions,
        now.sessions,
        now.restore.text()
    )
}
