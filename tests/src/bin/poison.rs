//! What poison costs: card-fraud over payments of which one in a thousand panics, at each stage in turn,
//! against the same payments without a panic. All in this process, on a log in memory.
//!
//! `cargo run --release -p thalweg-tests --bin poison -- [PAYMENTS]`

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::sync::Arc;
use std::time::Instant;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use tests::inside;
use tests::process::cpu_seconds;

/// What a poison payment costs; as a feature, it is found in the model's rows.
const POISON_AMOUNT: f32 = 666.25;
/// Every so manieth payment is poison.
const POISON_EVERY: u64 = 1_000;
const CUSTOMERS: u64 = 5_000;

fn main() {
    let argument = std::env::args().nth(1);
    let payments = argument.map_or(300_000, |text| text.parse().unwrap_or(300_000));
    println!(
        "{:<12} {:>8} {:>8} {:>12} {:>8} {:>13} {:>9}",
        "stage", "wall s", "CPU s", "records/CPU-s", "of clean", "dead letters", "restarts"
    );
    // Once to warm up: the first run pays for the model's first forward and the allocator's growth.
    run(payments, Faults::by_content(Arc::new(|_, _| {})));
    let mut clean = None;
    for stage in ["none", "codec", "operator", "session", "model", "sink"] {
        let poison = match stage {
            "model" => POISON_AMOUNT.to_le_bytes().to_vec(),
            _ => b"poison-".to_vec(),
        };
        let figures = run(payments, Faults::poison(stage, poison));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = payments as f64 / figures.cpu;
        let part = 100.0 * rate / *clean.get_or_insert(rate);
        println!(
            "{stage:<12} {:>8.2} {:>8.2} {rate:>12.0} {part:>7.0}% {:>13} {:>9}",
            figures.wall, figures.cpu, figures.dead, figures.restarts
        );
    }
}

struct Figures {
    wall: f64,
    cpu: f64,
    dead: usize,
    restarts: u64,
}

fn run(payments: u64, faults: Faults) -> Figures {
    let text = tests::examples::card_fraud();
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("feed ="))
        .flat_map(|line| [line, "\n"])
        .collect();
    let text = text.replace("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"");
    let topology = inside::topology(&text);
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    for (_, spec) in topics(&topology) {
        log.ensure_topic(&spec).expect("created");
    }
    let all: Vec<u64> = (0..payments).collect();
    for block in all.chunks(10_000) {
        let records = block.iter().map(|nth| payment(*nth)).collect();
        inside::append(&*log, "transactions", records);
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (began, before) = (Instant::now(), cpu_seconds());
    let restarts = inside::run(topology, Arc::clone(&log), dir.path(), faults);
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - before);
    let dead = inside::values(&*log, "card-fraud.dead-letters").concat();
    if restarts == 0 {
        look(&inside::values(&*log, "scored").concat(), &dead, payments);
    }
    Figures {
        wall,
        cpu,
        dead: dead.len(),
        restarts,
    }
}

/// Every payment is scored or a dead letter, in one of the two and once; at the sinks, where a payment
/// may be in two of them, a dead letter is one of one sink.
fn look(scored: &[String], dead: &[String], payments: u64) {
    let number = |text: &String| -> u64 {
        let number = text.split("\"tx_id\":").nth(1).expect("a payment");
        let digits = number.split(|c: char| !c.is_ascii_digit()).next();
        digits
            .and_then(|digits| digits.parse().ok())
            .expect("its number")
    };
    let mut there = vec![0u8; usize::try_from(payments).expect("not so many")];
    for nth in scored.iter().map(number) {
        there[nth as usize] += 1;
    }
    let mut letters: Vec<u64> = dead.iter().map(number).collect();
    letters.sort_unstable();
    letters.dedup();
    for nth in &letters {
        there[*nth as usize] += 1;
    }
    assert!(there.iter().all(|times| *times == 1), "each payment once");
    let poison = letters.iter().filter(|nth| is_poison(**nth)).count() as u64;
    assert!(
        dead.is_empty() || poison == payments / POISON_EVERY,
        "each poison is there"
    );
}

fn is_poison(nth: u64) -> bool {
    nth % POISON_EVERY == POISON_EVERY / 2
}

/// A payment: 5,000 customers, 10,000 terminals, 8 seconds apart; a poison one at a terminal of its own,
/// and of one customer after the other: none fails so often that it is set aside.
fn payment(nth: u64) -> LogRecord {
    let mixed = nth.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let customer = (mixed.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 16) % CUSTOMERS;
    let ts = 1_700_000_000_000 + nth * 8_000;
    let (customer, terminal, amount) = match is_poison(nth) {
        true => (
            nth / POISON_EVERY % CUSTOMERS,
            format!("poison-{nth}"),
            f64::from(POISON_AMOUNT),
        ),
        false => (
            customer,
            format!("t{}", (mixed >> 32) % 10_000),
            (mixed % 20_000) as f64 / 100.0 + 1.0,
        ),
    };
    let value = format!(
        "{{\"tx_id\":{nth},\"ts\":{ts},\"customer_id\":\"{customer}\",\"terminal_id\":\"{terminal}\",\"amount\":{amount}}}"
    );
    LogRecord::new(
        Some(Bytes::from(customer.to_string())),
        Some(value.into()),
        1,
    )
}
