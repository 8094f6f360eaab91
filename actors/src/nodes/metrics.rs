//! Every metric of this crate: name, unit, help, labels. The raw macros are used nowhere else.
//! No label is a key.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const RECORDS: &str = "thalweg_records_total";
const EPOCHS: &str = "thalweg_epochs_total";
const COMMIT: &str = "thalweg_commit_seconds";
const BARRIER: &str = "thalweg_barrier_seconds";
const DEAD_LETTERS: &str = "thalweg_dead_letters_total";
const DELETES: &str = "thalweg_deletes_total";
const RESTARTS: &str = "thalweg_restarts_total";
const QUARANTINES: &str = "thalweg_quarantines_total";
const BREAKER: &str = "thalweg_breaker_changes_total";
const LATENCY: &str = "thalweg_latency_seconds";
const INFERENCE: &str = "thalweg_inference_seconds";
const INFERENCE_ROWS: &str = "thalweg_inference_batch_rows";
const SESSIONS: &str = "thalweg_sessions_live";
const STATE: &str = "thalweg_state_bytes";
const OVERLAY: &str = "thalweg_state_unwritten_bytes";
const HANGS: &str = "thalweg_hangs_total";
const PARKED: &str = "thalweg_parked_partitions";
const LAG: &str = "thalweg_lag_records";
const WATERMARK_LAG: &str = "thalweg_watermark_lag_seconds";
const HELD: &str = "thalweg_held_rows";
const RESTORE: &str = "thalweg_restore_left_offsets";
const TROUBLE: &str = "thalweg_model_trouble";
const QUARANTINED: &str = "thalweg_quarantined_keys";
const ALERTS: &str = "thalweg_alerts_firing";
const WEBHOOKS: &str = "thalweg_webhooks_total";
const MAILBOX: &str = "thalweg_mailbox_depth";

/// Tells the recorder what the metrics mean. Called once at start.
pub fn describe() {
    describe_counter!(RECORDS, Unit::Count, "records taken from sources");
    describe_counter!(EPOCHS, Unit::Count, "epochs committed");
    describe_histogram!(
        COMMIT,
        Unit::Seconds,
        "from the barrier's begin to the commit"
    );
    describe_histogram!(BARRIER, Unit::Seconds, "time of the barrier itself");
    describe_counter!(DEAD_LETTERS, Unit::Count, "dead letters, by stage and code");
    describe_counter!(
        RESTARTS,
        Unit::Count,
        "restarts of actors, by kind and cause"
    );
    describe_histogram!(
        LATENCY,
        Unit::Seconds,
        "from a record's append to its decision's commit"
    );
    describe_histogram!(
        INFERENCE,
        Unit::Seconds,
        "what rows wait for a model, and one forward, by model and stage"
    );
    describe_histogram!(INFERENCE_ROWS, Unit::Count, "rows of one forward, by model");
    describe_gauge!(SESSIONS, Unit::Count, "sessions in memory, by task");
    describe_gauge!(STATE, Unit::Bytes, "bytes of sessions in memory, by task");
    describe_gauge!(
        OVERLAY,
        Unit::Bytes,
        "committed state not yet in the stores"
    );
    describe_gauge!(
        LAG,
        Unit::Count,
        "records not yet committed as read, by topic and partition"
    );
    describe_healing();
    describe_counter!(
        QUARANTINES,
        Unit::Count,
        "keys that came into quarantine, by operator"
    );
    describe_counter!(DELETES, Unit::Count, "records without a value, by source");
    describe_counter!(
        BREAKER,
        Unit::Count,
        "changes of circuit breakers, by model and new state"
    );
    describe_gauge!(
        WATERMARK_LAG,
        Unit::Seconds,
        "wall clock minus watermark, by task"
    );
    describe_gauge!(
        HELD,
        Unit::Count,
        "rows that wait for the watermark, by task"
    );
    describe_gauge!(
        RESTORE,
        Unit::Count,
        "changelog offsets that a restore has still to pass, by task"
    );
    describe_alerts();
    describe_gauge!(
        MAILBOX,
        Unit::Count,
        "batches or requests that wait or are at work, by kind of actor and its name"
    );
}

fn describe_healing() {
    describe_counter!(
        HANGS,
        Unit::Count,
        "actors that made no progress and were replaced, by kind"
    );
    describe_gauge!(
        PARKED,
        Unit::Count,
        "partitions that failed too often and are left out"
    );
}

fn describe_alerts() {
    describe_gauge!(
        TROUBLE,
        Unit::Count,
        "whether a model has drifted, or its successor was refused or rolled back, lately"
    );
    describe_gauge!(QUARANTINED, Unit::Count, "keys in quarantine");
    describe_gauge!(ALERTS, Unit::Count, "alerts that fire");
    describe_counter!(
        WEBHOOKS,
        Unit::Count,
        "requests to webhooks, by webhook and outcome"
    );
}

/// Records taken from sources.
pub fn records(count: u64) {
    counter!(RECORDS).increment(count);
}

/// An epoch committed so long after its barrier began.
pub fn epoch(took: Duration) {
    counter!(EPOCHS).increment(1);
    histogram!(COMMIT).record(took);
}

/// A barrier took so long.
pub fn barrier(took: Duration) {
    histogram!(BARRIER).record(took);
}

/// Records rejected; the stage is `decode` or a node's id.
pub fn dead_letters(stage: &str, code: &'static str, count: u64) {
    counter!(DEAD_LETTERS, "stage" => stage.to_owned(), "code" => code).increment(count);
}

/// An actor was restarted.
pub fn restart(kind: String, cause: &'static str) {
    counter!(RESTARTS, "kind" => kind, "cause" => cause).increment(1);
}

/// Records of a source had no value.
pub fn deletes(source: &str, records: u64) {
    counter!(DELETES, "source" => source.to_owned()).increment(records);
}

/// An actor of this kind made no progress.
pub fn hang(kind: &'static str) {
    counter!(HANGS, "kind" => kind).increment(1);
}

/// So many partitions are parked.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn parked(count: usize) {
    gauge!(PARKED).set(count as f64);
}

/// A key of an operator came into quarantine.
pub fn quarantine(operator: &str) {
    counter!(QUARANTINES, "operator" => operator.to_owned()).increment(1);
}

/// The circuit breaker before a model is now `closed`, `open` or `half-open`.
pub fn breaker(model: &str, to: &'static str) {
    counter!(BREAKER, "model" => model.to_owned(), "to" => to).increment(1);
}

/// A decision was committed so long after its record was appended.
pub fn latency(seconds: f64, rows: u64) {
    let histogram = histogram!(LATENCY);
    histogram.record_many(seconds, usize::try_from(rows).unwrap_or(usize::MAX));
}

/// One forward of a model.
pub fn inference(model: &str, rows: usize, waited: Duration, forward: Duration) {
    for (stage, took) in [("wait", waited), ("forward", forward)] {
        histogram!(INFERENCE, "model" => model.to_owned(), "stage" => stage).record(took);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    histogram!(INFERENCE_ROWS, "model" => model.to_owned()).record(rows as f64);
}

/// What a task holds.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn task(name: &str, sessions: usize, bytes: usize, held: usize, watermark_lag_ms: Option<i64>) {
    gauge!(SESSIONS, "task" => name.to_owned()).set(sessions as f64);
    gauge!(STATE, "task" => name.to_owned()).set(bytes as f64);
    gauge!(HELD, "task" => name.to_owned()).set(held as f64);
    if let Some(lag) = watermark_lag_ms {
        gauge!(WATERMARK_LAG, "task" => name.to_owned()).set(lag as f64 / 1e3);
    }
}

/// What the restore of a task's state has left to do; 0: there is none.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn restore(task: &str, left: u64) {
    gauge!(RESTORE, "task" => task.to_owned()).set(left as f64);
}

/// What is on its way to an actor or at work in it: batches of a task, requests of a model.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn mailbox(kind: &'static str, name: &str, depth: usize) {
    gauge!(MAILBOX, "kind" => kind, "name" => name.to_owned()).set(depth as f64);
}

/// Records of a partition that are not committed as read.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn lag(topic: &str, partition: u32, records: i64) {
    gauge!(LAG, "topic" => topic.to_owned(), "partition" => partition.to_string())
        .set(records as f64);
}

/// Committed state that is not yet in the stores.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn overlay(bytes: usize) {
    gauge!(OVERLAY).set(bytes as f64);
}

/// Whether `what` has befallen a model lately.
pub fn model_trouble(model: &str, what: &'static str, is_so: bool) {
    gauge!(TROUBLE, "model" => model.to_owned(), "what" => what).set(f64::from(u8::from(is_so)));
}

/// Keys in quarantine on this node.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
pub fn quarantined(keys: usize) {
    gauge!(QUARANTINED).set(keys as f64);
}

/// Alerts that fire.
#[expect(clippy::cast_precision_loss, reason = "a thousand at most")]
pub fn alerts_firing(alerts: usize) {
    gauge!(ALERTS).set(alerts as f64);
}

/// A webhook was called: `delivered` or `failed`; or an alert for it was `given-up`.
pub fn webhook(webhook: &str, outcome: &'static str) {
    counter!(WEBHOOKS, "webhook" => webhook.to_owned(), "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn an_alert_may_look_at_every_metric_and_the_operations_page_names_each() {
        let source = include_str!("metrics.rs");
        let constants = source.lines().filter(|line| line.starts_with("const "));
        let names = constants.filter_map(|line| line.split('"').nth(1));
        let names: BTreeSet<String> = names.map(str::to_owned).collect();
        let known: BTreeSet<String> = config::alert::metric_names().collect();
        assert_eq!(names, known, "config/src/alert/measured.rs");
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
        let page = std::fs::read_to_string(page).expect("the page is there");
        for name in names {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
