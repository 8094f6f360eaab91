//! Logs and metrics of the process: tracing to standard error (for people on a terminal, JSON
//! elsewhere; `RUST_LOG` filters), metrics kept for `/metrics`.

use std::io::IsTerminal;
use std::sync::Arc;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Starts logging. Called once; a second call does nothing.
pub fn logs() {
    let filter = || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let started = if std::io::stderr().is_terminal() {
        tracing_subscriber::fmt()
            .with_env_filter(filter())
            .with_target(false)
            .with_writer(std::io::stderr)
            .try_init()
    } else {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_env_filter(filter())
            .with_writer(std::io::stderr)
            .try_init()
    };
    // Somebody (a test) has set one up already: it stays.
    drop(started);
}

/// Starts recording metrics; `None` if another recorder is in place.
#[must_use]
pub fn metrics() -> Option<Arc<PrometheusHandle>> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    ::metrics::set_global_recorder(recorder).ok()?;
    Some(Arc::new(handle))
}
