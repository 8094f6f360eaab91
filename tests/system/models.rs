//! A model that fails costs the rows it fails on their answer, or gets the fallback in; nothing restarts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::events::Happened;
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use serde_json::Value;
use tests::inside::{self, Running};

const PAYMENTS: usize = 6_000;
/// What every three hundredth payment costs.
const ODD: f64 = 5.5;

/// card-fraud, fed by the test, with these settings on its `infer`; the feature `weekend` has no value
/// for payments of [`ODD`].
fn card_fraud(settings: &str) -> config::Topology {
    let text = tests::examples::card_fraud();
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("feed ="))
        .flat_map(|line| [line, "\n"])
        .collect();
    let weekend = "weekend = \"case when day_of_week(ts) >= 6 then 1.0 else 0.0 end\"";
    assert!(text.contains(weekend), "the example has the feature");
    let text = text
        .replace(weekend, &format!("weekend = \"ln(amount - {ODD})\""))
        // Eight tasks ask the model, each at least once: enough to open its breaker.
        .replace(
            "topic = \"transactions\"\n",
            "topic = \"transactions\"\npartitions = 8\n",
        )
        .replace("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"")
        .replace(
            "model = \"fraud\"\n",
            &format!("model = \"fraud\"\n{settings}\n"),
        )
        .replacen(
            "version = 1\n",
            "version = 1\nepoch = { interval = \"20ms\", records = 500 }\n",
            1,
        );
    inside::topology(&text)
}

fn payment(nth: usize) -> LogRecord {
    let (customer, ts) = (nth * 7 % 900, 1_700_000_000_000 + nth * 10_000);
    let (terminal, amount) = (nth * 11 % 400, ODD + (nth % 300) as f64);
    let value = format!(
        "{{\"tx_id\":{nth},\"ts\":{ts},\"customer_id\":\"{customer}\",\"terminal_id\":\"{terminal}\",\"amount\":{amount}}}"
    );
    let key = Bytes::from(customer.to_string());
    LogRecord::new(Some(key), Some(Bytes::from(value)), 1)
}

struct Outcome {
    /// Amount and score of each payment that has one.
    scored: Vec<(f64, f64)>,
    dead: Vec<LogRecord>,
    events: Vec<Happened>,
}

fn run(settings: &str, faults: Faults) -> Outcome {
    let topology = card_fraud(settings);
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    for (_, spec) in topics(&topology) {
        log.ensure_topic(&spec).expect("created");
    }
    for block in (0..PAYMENTS).collect::<Vec<_>>().chunks(500) {
        let records = block.iter().map(|nth| payment(*nth)).collect();
        inside::append(&*log, "transactions", records);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let events = inside::block_on(async {
        let running = Running::start(topology, Arc::clone(&log), dir.path(), faults).await;
        running.caught_up().await;
        let events = running.control.events(0);
        assert_eq!(running.stop().await, 0, "nothing restarts");
        events
    });
    let values = inside::values(&*log, "scored").into_iter().flatten();
    let scored = values.map(|value| {
        let row: Value = serde_json::from_str(&value).expect("JSON");
        let number = |name: &str| row[name].as_f64().expect("a number");
        (number("amount"), number("score"))
    });
    let dead = inside::records(&*log, "card-fraud.dead-letters");
    Outcome {
        scored: scored.collect(),
        dead: dead.into_iter().flatten().collect(),
        events: events.into_iter().map(|event| event.happened).collect(),
    }
}

/// Why the breaker opened, each time.
fn openings(events: &[Happened]) -> Vec<&str> {
    let opening = |event| match event {
        &Happened::Breaker {
            to: "open",
            ref reason,
            ..
        } => Some(reason.as_str()),
        _ => None,
    };
    events.iter().filter_map(opening).collect()
}

#[test]
fn rows_for_which_a_model_gives_nan_are_dead_letters_and_the_others_have_their_score() {
    let found = run("", Faults::default());
    assert_eq!(found.dead.len(), PAYMENTS / 300);
    for letter in &found.dead {
        let is = |name: &str, value: &[u8]| letter.headers.get(name) == Some(value);
        assert!(is("thalweg.stage", b"score") && is("thalweg.code", b"model-failed"));
        assert!(is("thalweg.reason", b"the model gave NaN"));
        let value = String::from_utf8_lossy(letter.value.as_deref().expect("its bytes"));
        assert!(value.contains("\"amount\":5.5}"), "{value}");
    }
    assert_eq!(found.scored.len(), PAYMENTS - PAYMENTS / 300);
    assert!(
        openings(&found.events).is_empty(),
        "a model that answers is well"
    );
}

#[test]
fn with_a_fallback_rows_without_an_answer_get_it_and_no_other() {
    let expected = run("", Faults::default());
    let found = run("fallback = 0.25", Faults::default());
    assert!(found.dead.is_empty());
    type Rows = Vec<(f64, f64)>;
    let odd = |(amount, _): &(f64, f64)| *amount == ODD;
    let (odd, others): (Rows, Rows) = found.scored.into_iter().partition(odd);
    assert_eq!(odd, vec![(ODD, 0.25); PAYMENTS / 300]);
    assert_eq!(others, expected.scored);
}

#[test]
fn a_dead_model_is_soon_not_asked_and_everything_gets_the_fallback() {
    let dead = Faults::by_content(Arc::new(|stage, _| assert_ne!(stage, "model", "dead")));
    let found = run("fallback = 0.25", dead);
    assert_eq!(found.scored.len(), PAYMENTS);
    assert!(found.scored.iter().all(|(_, score)| *score == 0.25));
    assert!(found.dead.is_empty());
    let why = openings(&found.events);
    assert!(
        why.iter().all(|why| why.contains("it panicked: ")),
        "{why:?}"
    );
    assert!(!why.is_empty());
}

#[test]
fn a_model_that_hangs_costs_five_deadlines_and_a_probe_now_and_then() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let hangs = Faults::by_content(Arc::new(move |stage, _| {
        if stage == "model" && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            // Far longer than all deadlines together.
            std::thread::park_timeout(Duration::from_secs(5));
        }
    }));
    let found = run("fallback = 0.25\ndeadline = \"20ms\"", hangs);
    assert_eq!(found.scored.len(), PAYMENTS);
    let why = openings(&found.events);
    assert!(
        why.iter().all(|why| *why == "no answer within 20ms"),
        "{why:?}"
    );
    assert!(!why.is_empty());
    let late = found.scored.iter().filter(|(_, score)| *score == 0.25);
    assert!(
        late.count() > 5,
        "rows beyond the deadline get the fallback"
    );
}
