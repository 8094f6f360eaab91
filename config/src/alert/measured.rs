//! Every metric that an alert may look at. A test in `actors` holds the list against the metrics that
//! there are.

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only grows, and begins at 0 with each start.
    Counter,
    /// Measurements; an alert sees how many there were (`_count`) and their sum (`_sum`).
    Histogram,
}

/// A metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Metric {
    /// Its name without `thalweg_`.
    pub(crate) name: &'static str,
    pub(crate) kind: MetricKind,
    pub(crate) labels: &'static [&'static str],
}

const fn metric(name: &'static str, kind: MetricKind, labels: &'static [&'static str]) -> Metric {
    Metric { name, kind, labels }
}

/// All of them.
pub(crate) const METRICS: [Metric; 26] = {
    use MetricKind::{Counter, Gauge, Histogram};
    [
        metric("records_total", Counter, &[]),
        metric("lag_records", Gauge, &["topic", "partition"]),
        metric("epochs_total", Counter, &[]),
        metric("commit_seconds", Histogram, &[]),
        metric("barrier_seconds", Histogram, &[]),
        metric("latency_seconds", Histogram, &[]),
        metric("watermark_lag_seconds", Gauge, &["task"]),
        metric("held_rows", Gauge, &["task"]),
        metric("restore_left_offsets", Gauge, &["task"]),
        metric("mailbox_depth", Gauge, &["kind", "name"]),
        metric("restarts_total", Counter, &["kind", "cause"]),
        metric("hangs_total", Counter, &["kind"]),
        metric("parked_partitions", Gauge, &[]),
        metric("sessions_live", Gauge, &["task"]),
        metric("state_bytes", Gauge, &["task"]),
        metric("state_unwritten_bytes", Gauge, &[]),
        metric("inference_seconds", Histogram, &["model", "stage"]),
        metric("inference_batch_rows", Histogram, &["model"]),
        metric("model_trouble", Gauge, &["model", "what"]),
        metric("dead_letters_total", Counter, &["stage", "code"]),
        metric("deletes_total", Counter, &["source"]),
        metric("quarantines_total", Counter, &["operator"]),
        metric("quarantined_keys", Gauge, &[]),
        metric("breaker_changes_total", Counter, &["model", "to"]),
        metric("alerts_firing", Gauge, &[]),
        metric("webhooks_total", Counter, &["webhook", "outcome"]),
    ]
};

impl Metric {
    /// The series of it that an alert may name, each with whether it only grows.
    pub(crate) fn series(&self) -> Vec<(String, bool)> {
        match self.kind {
            MetricKind::Gauge => vec![(self.name.into(), false)],
            MetricKind::Counter => vec![(self.name.into(), true)],
            MetricKind::Histogram => vec![
                (format!("{}_count", self.name), true),
                (format!("{}_sum", self.name), true),
            ],
        }
    }
}
