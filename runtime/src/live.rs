//! The live line: what a running topology does, once a second on a terminal, else a log line every
//! ten seconds. It also sets the gauges that are read rather than counted, and keeps histograms small.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actors::nodes::metrics;
use actors::nodes::status::Latency;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::control::Control;

const LINE_EVERY: Duration = Duration::from_secs(1);
/// Seconds between log lines where there is no terminal.
const LOG_EVERY: u64 = 10;

/// Shows progress until it is dropped or aborted.
pub async fn run(control: Control, handle: Option<Arc<PrometheusHandle>>) {
    let terminal = std::io::stderr().is_terminal();
    let target = match terminal {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let line = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        line.set_style(style);
    }
    let mut ticks = tokio::time::interval(LINE_EVERY);
    let mut before = Seen::of(&control);
    let mut second = 0u64;
    loop {
        ticks.tick().await;
        if let Some(handle) = &handle {
            handle.run_upkeep();
        }
        second += 1;
        if !terminal && second % LOG_EVERY != 0 {
            gauges(&control);
            continue;
        }
        let now = Seen::of(&control);
        let latency = control.context().status.take_latency();
        let lag = gauges(&control);
        let text = text(&now, &before, latency, lag);
        if terminal {
            line.set_message(text);
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
                "progress"
            );
        }
        before = now;
    }
}

/// Counters at a moment.
struct Seen {
    at: Instant,
    records: u64,
    decisions: u64,
    dead_letters: u64,
    sessions: usize,
}

impl Seen {
    fn of(control: &Control) -> Self {
        let status = &control.context().status;
        Self {
            at: Instant::now(),
            records: status.records.load(Ordering::Relaxed),
            decisions: status.decisions.load(Ordering::Relaxed),
            dead_letters: status.dead_letters.load(Ordering::Relaxed),
            sessions: status.tasks().iter().map(|task| task.sessions).sum(),
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
        "{} records/s · {} records · {} decisions · {latency} · lag {lag} · {} sessions{dead}",
        now.rate(before),
        now.records,
        now.decisions,
        now.sessions
    )
}

/// Sets the gauges; gives the lag of the sources.
fn gauges(control: &Control) -> i64 {
    let context = control.context();
    let now = context.clock.now_ms();
    for task in context.status.tasks() {
        let late = task.watermark.filter(|w| *w != i64::MAX).map(|w| now - w);
        metrics::task(&task.name, task.sessions, task.state_bytes, task.held, late);
    }
    metrics::overlay(context.states.overlay_bytes());
    if let Ok(partitions) = control.partitions() {
        for input in partitions.iter().flat_map(|partition| &partition.inputs) {
            metrics::lag(
                &input.topic,
                input.partition,
                (input.end - input.position).max(0),
            );
        }
    }
    control.source_lag().unwrap_or(0)
}
