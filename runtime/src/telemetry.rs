//! Logs and metrics of the process: tracing to standard error (for people on a terminal, JSON
//! elsewhere; `RUST_LOG` filters), metrics kept for `/metrics`.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Upper bounds of the histograms of times: a millisecond, then about ×2.5, to a minute.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];
/// Upper bounds of the histograms of rows: powers of 4.
const ROWS: [f64; 8] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0];

/// Standard error, shared by log lines and the live line, so that neither writes into the other.
#[derive(Clone)]
pub struct Screen {
    lines: MultiProgress,
    terminal: bool,
}

impl Screen {
    /// Standard error as it is.
    #[must_use]
    pub fn stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        let target = match terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        Self {
            lines: MultiProgress::with_draw_target(target),
            terminal,
        }
    }

    /// Whether people look at it.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Where live lines are added.
    #[must_use]
    pub fn lines(&self) -> &MultiProgress {
        &self.lines
    }
}

/// Writes a log line above the live line.
struct Above(MultiProgress);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Starts logging to a screen. Called once; a second call does nothing.
pub fn logs(screen: &Screen) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    let started = if screen.is_terminal() {
        let lines = screen.lines().clone();
        builder
            .with_target(false)
            .with_writer(move || Above(lines.clone()))
            .try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
            .try_init()
    };
    // Somebody (a test) has set one up already: it stays.
    drop(started);
}

/// Starts recording metrics; `None` if another recorder is in place.
#[must_use]
pub fn metrics() -> Option<Arc<PrometheusHandle>> {
    let recorder = builder().ok()?.build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).ok()?;
    Some(Arc::new(handle))
}

/// Histograms with fixed bounds: they add up over nodes, which quantiles do not.
fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_rows".into()), &ROWS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rows_are_histograms_with_bounds() {
        let recorder = builder().expect("valid bounds").build_recorder();
        ::metrics::with_local_recorder(&recorder, || {
            actors::nodes::metrics::describe();
            let (waited, forward) = (
                std::time::Duration::ZERO,
                std::time::Duration::from_millis(3),
            );
            actors::nodes::metrics::inference("m", 20, waited, forward);
        });
        let text = recorder.handle().render();
        for expect in [
            "# TYPE thalweg_inference_seconds histogram",
            "# HELP thalweg_inference_seconds ",
            "thalweg_inference_seconds_bucket{model=\"m\",stage=\"forward\",le=\"0.005\"} 1",
            "thalweg_inference_batch_rows_bucket{model=\"m\",le=\"16\"} 0",
            "thalweg_inference_batch_rows_bucket{model=\"m\",le=\"64\"} 1",
        ] {
            assert!(text.contains(expect), "{expect} in\n{text}");
        }
    }
}
