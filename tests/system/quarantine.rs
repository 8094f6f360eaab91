//! A key that fails again and again is set aside, the others go on, and nothing of it is lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::faults::Faults;
use actors::nodes::partition::SessionAction;
use actors::nodes::status::{KeyState, QuarantineStatus};
use actors::nodes::topics::topics;
use bytes::Bytes;
use runtime::control::ControlError;
use serde_json::Value;
use tests::inside::{self, Running};

const TOPOLOGY: &str = r#"
version = 1
name = "held"
epoch = { interval = "20ms" }

[[source]]
id = "readings"
topic = "readings"
format = "json"
key = "series"
partitions = 1
time = { column = "at", unit = "ms" }
watermark = { delay = "0s" }
[source.schema]
series = "string"
at = "timestamp"
nth = "int64"

[[operator]]
id = "history"
OPERATOR

[[sink]]
id = "out"
input = "history"
topic = "out"
format = "json"
key = "series"
"#;

const ROLLING: &str = r#"kind = "rolling"
input = "readings"
[operator.columns]
n = { fn = "count", over = "all" }
total = { fn = "sum", of = "nth", over = "all" }
"#;

const WINDOW: &str = r#"kind = "window"
input = "readings"
window = { kind = "tumbling", size = "10ms" }
[operator.columns]
total = { fn = "sum", of = "nth" }
"#;

fn topology(operator: &str) -> config::Topology {
    inside::topology(&TOPOLOGY.replace("OPERATOR", operator))
}

fn log(topology: &config::Topology) -> Arc<dyn Log> {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    for (_, spec) in topics(topology) {
        log.ensure_topic(&spec).expect("created");
    }
    log
}

/// A reading; `what` is not read, but a fault may look for it.
fn reading(series: &str, at: i64, nth: i64, what: &str) -> LogRecord {
    let value =
        format!("{{\"series\":\"{series}\",\"at\":{at},\"nth\":{nth},\"what\":\"{what}\"}}");
    LogRecord::new(Some(Bytes::from(series.to_owned())), Some(value.into()), 1)
}

/// The column of a series' outputs, in their order.
fn outputs(log: &dyn Log, series: &str, column: &str) -> Vec<i64> {
    let values = inside::values(log, "out").into_iter().flatten();
    let rows = values.map(|value| serde_json::from_str::<Value>(&value).expect("JSON"));
    let of_series = rows.filter(|row| row["series"] == series);
    of_series.filter_map(|row| row[column].as_i64()).collect()
}

/// Dead letters of a code.
fn dead(log: &dyn Log, code: &str) -> usize {
    let letters = inside::records(log, "held.dead-letters");
    let of_code = |letter: &&LogRecord| letter.headers.get("thalweg.code") == Some(code.as_bytes());
    letters.iter().flatten().filter(of_code).count()
}

/// One good reading of `bad`, three that panic, five good ones; ten of another series between them.
fn readings() -> Vec<LogRecord> {
    let mut records = vec![reading("bad", 0, 1, "")];
    records.extend((1..4).map(|at| reading("bad", at, 100, "poison")));
    records.extend((4..9).map(|at| reading("bad", at, at - 2, "")));
    for nth in 0..10 {
        let at = usize::try_from(nth).expect("small");
        records.insert(at, reading("good", nth, nth, ""));
    }
    records
}

fn quarantine(running: &Running) -> Option<QuarantineStatus> {
    let keys = running.control.failing_keys();
    keys.into_iter().find_map(|key| match key.state {
        KeyState::Quarantined(held) if key.key == "bad" => Some(held),
        KeyState::Quarantined(_) | KeyState::Failing { .. } => None,
    })
}

/// Brings `bad` into quarantine with five good readings held, and stops.
fn quarantined(log: &Arc<dyn Log>, dir: &Path) {
    inside::append(&**log, "readings", readings());
    let faults = Faults::poison("session", *b"poison");
    let generation = inside::run(topology(ROLLING), Arc::clone(log), dir, faults);
    assert_eq!(generation, 0, "nothing restarts");
}

async fn end(running: &Running, action: SessionAction) -> Result<u64, ControlError> {
    let call =
        move |control: &runtime::control::Control| control.end_quarantine("history", "bad", action);
    running.ask(call).await.map(|ended| ended.replayed)
}

#[test]
fn the_third_failure_sets_a_key_aside_and_the_others_go_on() {
    let log = log(&topology(ROLLING));
    let dir = tempfile::tempdir().expect("a temporary folder");
    quarantined(&log, dir.path());
    assert_eq!(outputs(&*log, "good", "n"), (1..=10).collect::<Vec<i64>>());
    assert_eq!(outputs(&*log, "bad", "n"), [1]);
    assert_eq!(
        (dead(&*log, "panicked"), dead(&*log, "quarantined")),
        (3, 5)
    );
}

#[test]
fn a_quarantine_survives_a_restart_and_a_replay_goes_on_from_the_first_held_record_in_order() {
    let log = log(&topology(ROLLING));
    let dir = tempfile::tempdir().expect("a temporary folder");
    quarantined(&log, dir.path());
    inside::block_on(async {
        let (shared, text) = (Arc::clone(&log), topology(ROLLING));
        let running = Running::start(text, shared, dir.path(), Faults::default()).await;
        let held = quarantine(&running).expect("still in quarantine");
        assert_eq!((held.held, held.failures), (5, 3));
        assert!(held.reason.contains("poison in session"), "{}", held.reason);
        // One more is held in this life.
        inside::append(&*log, "readings", vec![reading("bad", 9, 7, "")]);
        let committed = || (dead(&*log, "quarantined") == 6).then_some(());
        running.until("a sixth held record", committed).await;

        assert_eq!(end(&running, SessionAction::Replay).await.expect("ends"), 6);
        inside::append(&*log, "readings", vec![reading("bad", 10, 8, "")]);
        let rows = || (outputs(&*log, "bad", "n").len() == 8).then_some(());
        running
            .until("the outputs of eight good readings", rows)
            .await;
        assert_eq!(outputs(&*log, "bad", "n"), (1..=8).collect::<Vec<i64>>());
        let sums: Vec<i64> = (1..=8).map(|n| n * (n + 1) / 2).collect();
        assert_eq!(outputs(&*log, "bad", "total"), sums, "each once, in order");
        assert!(quarantine(&running).is_none());
        let again = end(&running, SessionAction::Replay).await;
        assert!(matches!(again, Err(ControlError::Conflict(_))), "{again:?}");
        assert_eq!(running.stop().await, 0, "nothing restarts");
    });
    // And stays ended.
    inside::append(&*log, "readings", vec![reading("bad", 11, 9, "")]);
    inside::run(
        topology(ROLLING),
        Arc::clone(&log),
        dir.path(),
        Faults::default(),
    );
    assert_eq!(outputs(&*log, "bad", "n"), (1..=9).collect::<Vec<i64>>());
}

#[test]
fn rows_held_in_an_epoch_that_is_still_open_are_replayed_too() {
    let log = log(&topology(ROLLING));
    let dir = tempfile::tempdir().expect("a temporary folder");
    quarantined(&log, dir.path());
    let text = TOPOLOGY
        .replace("OPERATOR", ROLLING)
        .replace("20ms", "500ms");
    inside::block_on(async {
        let (shared, text) = (Arc::clone(&log), inside::topology(&text));
        let running = Running::start(text, shared, dir.path(), Faults::default()).await;
        let more = vec![reading("bad", 9, 7, ""), reading("good", 10, 10, "")];
        inside::append(&*log, "readings", more);
        let context = Arc::clone(&running.daemon.context);
        // The row behind it has gone to its sink: it has been held.
        let given = || (context.status.outputs.load(Ordering::SeqCst) == 1).then_some(());
        running.until("a row on its way to the sink", given).await;
        assert_eq!(end(&running, SessionAction::Replay).await.expect("ends"), 6);
        running.stop().await;
    });
    assert_eq!(outputs(&*log, "bad", "n"), (1..=7).collect::<Vec<i64>>());
}

#[test]
fn after_a_release_or_a_skip_a_key_goes_on_from_now() {
    for action in [SessionAction::Release, SessionAction::Skip] {
        let log = log(&topology(ROLLING));
        let dir = tempfile::tempdir().expect("a temporary folder");
        quarantined(&log, dir.path());
        inside::block_on(async {
            let (shared, text) = (Arc::clone(&log), topology(ROLLING));
            let running = Running::start(text, shared, dir.path(), Faults::default()).await;
            assert_eq!(end(&running, action).await.expect("ends"), 0);
            inside::append(&*log, "readings", vec![reading("bad", 10, 8, "")]);
            running.caught_up().await;
            running.stop().await;
        });
        assert_eq!(outputs(&*log, "bad", "total"), [1, 9], "{action:?}");
        assert_eq!(dead(&*log, "quarantined"), 5, "the held records stay there");
    }
}

#[test]
fn windows_of_a_key_in_quarantine_wait_and_a_replay_fills_them() {
    let text = topology(WINDOW);
    let log = log(&text);
    let dir = tempfile::tempdir().expect("a temporary folder");
    inside::append(&*log, "readings", readings());
    // The watermark passes the first window of everybody.
    inside::append(&*log, "readings", vec![reading("good", 50, 1, "")]);
    inside::block_on(async {
        let faults = Faults::poison("session-end", *b"poison");
        let running = Running::start(text, Arc::clone(&log), dir.path(), faults).await;
        let fired = || (outputs(&*log, "good", "total") == [45]).then_some(());
        running
            .until("the first window of the other series", fired)
            .await;
        assert_eq!(quarantine(&running).map(|held| held.held), Some(5));
        assert!(outputs(&*log, "bad", "total").is_empty());
        assert_eq!(end(&running, SessionAction::Replay).await.expect("ends"), 5);
        running.caught_up().await;
        assert_eq!(running.stop().await, 0, "nothing restarts");
    });
    assert_eq!(outputs(&*log, "bad", "total"), [1 + 2 + 3 + 4 + 5 + 6]);
}

#[test]
fn a_restart_at_any_moment_neither_loses_nor_doubles_a_row_of_a_failing_key() {
    for place in ["session-host", "sink", "committer", "producer", "partition"] {
        for call in [2, 5, 9] {
            let log = log(&topology(ROLLING));
            let dir = tempfile::tempdir().expect("a temporary folder");
            let calls = AtomicU64::new(0);
            let panics = Arc::new(move |kind: &str| {
                let hit = kind == place && calls.fetch_add(1, Ordering::SeqCst) + 1 == call;
                assert!(!hit, "injected into {kind}");
            });
            inside::append(&*log, "readings", readings());
            let faults = Faults::poison("session", *b"poison").and(panics);
            inside::run(topology(ROLLING), Arc::clone(&log), dir.path(), faults);
            let at = format!("{place} {call}");
            assert_eq!(
                outputs(&*log, "good", "n"),
                (1..=10).collect::<Vec<i64>>(),
                "{at}"
            );
            assert_eq!(dead(&*log, "panicked"), 3, "{at}");
            // Failures before a restart are forgotten: there may be no quarantine then.
            let rows = outputs(&*log, "bad", "n");
            assert_eq!(rows.len() + dead(&*log, "quarantined"), 6, "{at}");
            let counted: Vec<i64> = (1..).take(rows.len()).collect();
            assert_eq!(rows, counted, "{at}");
        }
    }
}
