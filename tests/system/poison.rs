//! A record on which Thalweg panics costs one dead letter and nothing else, wherever it panics.

use std::collections::BTreeSet;
use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use tests::inside;

const PAYMENTS: usize = 12_000;
/// Every so manieth payment is poison.
const POISON_EVERY: usize = 1_000;
/// What a poison payment costs; as a feature, it is found in the model's rows.
const POISON_AMOUNT: f32 = 666.25;

/// card-fraud, fed by the test, in short epochs.
fn card_fraud() -> config::Topology {
    let text = tests::examples::card_fraud();
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("feed ="))
        .flat_map(|line| [line, "\n"])
        .collect();
    let text = text.replace("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"");
    let text = text.replacen(
        "version = 1\n",
        "version = 1\nepoch = { interval = \"20ms\", records = 1000 }\n",
        1,
    );
    inside::topology(&text)
}

/// Payments ten seconds apart; a poison one is at a terminal of its own.
fn payments() -> Vec<(bool, LogRecord)> {
    let payment = |nth: usize| {
        let poison = nth % POISON_EVERY == POISON_EVERY / 2;
        let (customer, ts) = (nth * 7 % 900, 1_700_000_000_000 + nth * 10_000);
        let (terminal, amount) = match poison {
            true => (format!("poison-{nth}"), f64::from(POISON_AMOUNT)),
            false => (format!("t{}", nth * 11 % 400), 5.5 + (nth % 300) as f64),
        };
        let value = format!(
            "{{\"tx_id\":{nth},\"ts\":{ts},\"customer_id\":\"{customer}\",\"terminal_id\":\"{terminal}\",\"amount\":{amount}}}"
        );
        let key = Bytes::from(customer.to_string());
        (
            poison,
            LogRecord::new(Some(key), Some(Bytes::from(value)), 1),
        )
    };
    (0..PAYMENTS).map(payment).collect()
}

/// Payments of which one alone is poison.
fn one_poison() -> Vec<LogRecord> {
    let all = payments().into_iter().enumerate();
    let wanted = all.filter(|(nth, (poison, _))| !poison || *nth == POISON_EVERY / 2);
    wanted.map(|(_, (_, record))| record).collect()
}

struct Outcome {
    outputs: Vec<Vec<Vec<String>>>,
    dead: Vec<LogRecord>,
    generation: u64,
}

fn run(records: Vec<LogRecord>, faults: Faults) -> Outcome {
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    let topology = card_fraud();
    for (_, spec) in topics(&topology) {
        log.ensure_topic(&spec).expect("created");
    }
    for block in records.chunks(1_500) {
        inside::append(&*log, "transactions", block.to_vec());
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let generation = inside::run(topology, Arc::clone(&log), dir.path(), faults);
    let outputs = ["scored", "blocked", "review"];
    let dead = inside::records(&*log, "card-fraud.dead-letters");
    Outcome {
        outputs: outputs.map(|topic| inside::values(&*log, topic)).into(),
        dead: dead.into_iter().flatten().collect(),
        generation,
    }
}

/// Runs with poison at a stage and holds what comes out against `expected`; the poison dies at `node`.
fn check(stage: &'static str, node: &str, expected: &[Vec<Vec<String>>]) {
    let poison = match stage {
        "model" => POISON_AMOUNT.to_le_bytes().to_vec(),
        _ => b"poison-".to_vec(),
    };
    let all = payments();
    let records = all.iter().map(|(_, record)| record.clone()).collect();
    let found = run(records, Faults::poison(stage, poison));
    assert_eq!(found.generation, 0, "{stage}: nothing restarts");
    for (found, expected) in found.outputs.iter().zip(expected) {
        assert_eq!(found, expected, "{stage}: outputs");
    }
    let header = |letter: &LogRecord, name: &str| {
        let value = letter.headers.get(name).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let mut dead = found.dead;
    if stage == "sink" {
        // A poison payment that goes to several sinks dies in each of them.
        dead.retain(|letter| header(letter, "thalweg.stage") == node);
    }
    let mut bytes: Vec<_> = dead.iter().map(|d| d.value.clone()).collect();
    let poison = all.iter().filter(|(poison, _)| *poison);
    let mut wanted: Vec<_> = poison.map(|(_, record)| record.value.clone()).collect();
    bytes.sort();
    wanted.sort();
    assert_eq!(bytes, wanted, "{stage}: each poison once, with its bytes");
    let places: BTreeSet<String> = dead.iter().map(|d| header(d, "thalweg.input")).collect();
    assert_eq!(places.len(), wanted.len(), "{stage}: each from its place");
    for letter in &dead {
        let reason = header(letter, "thalweg.reason");
        assert_eq!(header(letter, "thalweg.stage"), node, "{stage}");
        assert!(
            reason.contains(&format!("poison in {stage}")),
            "{stage}: {reason}"
        );
        let code = if stage == "model" {
            "model-failed"
        } else {
            "panicked"
        };
        assert_eq!(header(letter, "thalweg.code"), code, "{stage}");
    }
}

#[test]
fn poison_that_panics_before_it_has_counted_leaves_the_output_of_the_others_alone() {
    let good = payments().into_iter().filter(|(poison, _)| !poison);
    let expected = run(good.map(|(_, record)| record).collect(), Faults::default());
    assert!(expected.dead.is_empty());
    assert_eq!(
        expected.outputs[0].iter().map(Vec::len).sum::<usize>(),
        PAYMENTS - PAYMENTS / POISON_EVERY
    );
    check("codec", "decode", &expected.outputs);
    check("operator", "valid", &expected.outputs);
    check("session", "customer-history", &expected.outputs);
    check("session-end", "customer-history", &expected.outputs);
}

#[test]
fn poison_that_panics_in_the_model_or_a_sink_takes_only_its_own_output_away() {
    let all = payments().into_iter().map(|(_, record)| record).collect();
    let mut expected = run(all, Faults::default()).outputs;
    for partition in expected.iter_mut().flatten() {
        partition.retain(|value| !value.contains("poison-"));
    }
    check("model", "score", &expected);
    check("sink", "scored", &expected);
}

#[test]
fn a_record_that_kills_its_task_three_times_is_a_dead_letter_and_the_others_have_their_outputs() {
    let good = payments().into_iter().filter(|(poison, _)| !poison);
    let expected = run(good.map(|(_, record)| record).collect(), Faults::default());
    let found = run(one_poison(), Faults::poison("task", *b"\"poison-"));
    assert_eq!(found.outputs, expected.outputs);
    assert!(found.generation >= 3, "each kill restarts the task");
    let dead = &found.dead[..];
    assert_eq!(dead.len(), 1);
    let is = |name: &str, value: &[u8]| dead[0].headers.get(name) == Some(value);
    assert!(is("thalweg.stage", b"task") && is("thalweg.code", b"task-failed"));
    assert!(is("thalweg.reason", b"the task panicked"));
}
