//! card-fraud over real-looking payments: its features against a computation from the whole past.

use std::collections::HashMap;
use std::sync::Arc;

use actors::log::Log;
use actors::log::memory::MemoryLog;
use actors::nodes::faults::Faults;
use serde_json::Value;
use tests::{inside, shared};

const ROWS: usize = 50_000;
const DAY_MS: i64 = 86_400_000;

/// The topology over the file: its columns renamed and its seconds read as such by the source.
fn topology(example: &str, path: &str) -> String {
    let schema = "tx_id = \"int64\"\nts = { type = \"timestamp\", path = \"timestamp\" }\n\
        customer_id = \"string\"\nterminal_id = \"string\"\namount = \"float64\"\n";
    let (head, rest) = example.split_once("[source.schema]\n").expect("a schema");
    let (_, rest) = rest.split_once("\n\n").expect("a blank line behind it");
    let feed = head
        .lines()
        .find(|line| line.starts_with("feed ="))
        .expect("a feed");
    let head = head
        .replace(
            feed,
            &format!("feed = {{ kind = \"file\", path = \"{path}\" }}"),
        )
        .replace("unit = \"ms\"", "unit = \"s\"");
    let model = "\"examples/card-fraud/models/fraud\"";
    format!(
        "{head}[source.schema]\n{schema}\n{}\n[[sink]]\nid = \"all\"\ninput = \"calendar\"\ntopic = \"features\"\nformat = \"json\"\nkey = \"customer_id\"\n",
        rest.replace("\"models/fraud\"", model)
    )
}

/// One payment of the output, with its place in the input.
struct Payment {
    time: i64,
    partition: u32,
    offset: i64,
    customer: String,
    terminal: String,
    amount: f64,
    row: Value,
}

fn payments(log: &dyn Log) -> Vec<Payment> {
    let parse = |record: actors::log::LogRecord| {
        let row: Value = serde_json::from_slice(&record.value.expect("a value")).expect("JSON");
        let input = record
            .headers
            .get("thalweg.input")
            .expect("an origin")
            .to_vec();
        let input = String::from_utf8(input).expect("text");
        let mut parts = input.rsplit('/');
        let offset = parts.next().expect("an offset").parse().expect("a number");
        let partition = parts
            .next()
            .expect("a partition")
            .parse()
            .expect("a number");
        let text = |name: &str| row[name].as_str().expect("text").to_owned();
        Payment {
            // The sink gives each record the event time of its row.
            time: record.timestamp,
            partition,
            offset,
            customer: text("customer_id"),
            terminal: text("terminal_id"),
            amount: row["amount"].as_f64().expect("a number"),
            row,
        }
    };
    inside::records(log, "features")
        .into_iter()
        .flatten()
        .map(parse)
        .collect()
}

/// Compares count and mean over the days before with those of a walk over all the past.
fn check(payment: &Payment, past: &[(i64, f64)], days: i64, count: &str, mean: Option<&str>) {
    let from = payment.time - days * DAY_MS;
    let amounts: Vec<f64> = past
        .iter()
        .filter(|(time, _)| *time > from)
        .map(|(_, a)| *a)
        .collect();
    assert_eq!(
        payment.row[count].as_u64(),
        Some(amounts.len() as u64),
        "{count} {}",
        payment.row
    );
    if let Some(mean) = mean {
        let expected = amounts.iter().sum::<f64>() / amounts.len() as f64;
        let found = payment.row[mean].as_f64().expect("a mean");
        assert!(
            (found - expected).abs() <= 1e-9 * expected.abs(),
            "{mean} {expected}: {}",
            payment.row
        );
    }
}

#[test]
fn features_equal_a_brute_force_computation_on_the_same_payments() {
    let test = "card-fraud over payments of 2018-04";
    let Some(data) = shared::file("data/fraud/transactions-2018-04.csv.gz", test) else {
        return;
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("payments.csv");
    let lines: Vec<String> = shared::gunzip(&data)
        .expect("readable")
        .lines()
        .take(ROWS + 1)
        .map(String::from)
        .collect();
    std::fs::write(&path, lines.join("\n")).expect("written");
    let example = tests::examples::card_fraud();
    let topology = inside::topology(&topology(example, &path.display().to_string()));
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    inside::run(topology, Arc::clone(&log), dir.path(), Faults::default());
    let mut payments = payments(&*log);
    let kept = lines
        .iter()
        .skip(1)
        .filter(|line| line.split(',').nth(4).is_none_or(|a| a != "0.00"));
    assert_eq!(
        payments.len(),
        kept.count(),
        "every payment above zero, once"
    );
    // The order in which a terminal's payments are taken: event time, then input partition and offset.
    payments.sort_by_key(|p| (p.time, p.partition, p.offset));
    let mut customers: HashMap<&str, Vec<(i64, f64)>> = HashMap::new();
    let mut terminals: HashMap<&str, Vec<(i64, f64)>> = HashMap::new();
    for payment in &payments {
        let past = customers.entry(&payment.customer).or_default();
        past.push((payment.time, payment.amount));
        for days in [1, 7, 30] {
            check(
                payment,
                past,
                days,
                &format!("count_{days}d"),
                Some(&format!("avg_{days}d")),
            );
        }
        let past = terminals.entry(&payment.terminal).or_default();
        past.push((payment.time, payment.amount));
        check(payment, past, 1, "terminal_count_1d", None);
        check(
            payment,
            past,
            7,
            "terminal_count_7d",
            Some("terminal_avg_7d"),
        );
    }
}
