//! What a seed is about: a topology, what it reads and when, and how many nodes run it.

use std::fmt::Write;
use std::time::Duration;

use actors::log::LogRecord;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::weather::Chances;

/// Stream of the seed's dice that the scenario is drawn from.
const SCENARIO: u64 = 0;

/// The topic that is read.
pub(super) const PAYMENTS: &str = "payments";

/// A run's plan.
pub(super) struct Scenario {
    /// The topology file.
    pub(super) topology: String,
    /// Partitions of what is read.
    pub(super) partitions: u32,
    /// Topics whose content is compared.
    pub(super) sinks: Vec<&'static str>,
    /// What is appended, each at its time; ascending.
    pub(super) input: Vec<(Duration, Vec<LogRecord>)>,
    /// Nodes that run it.
    pub(super) nodes: usize,
    /// What goes wrong meanwhile.
    pub(super) chances: Chances,
    /// How long things go wrong.
    pub(super) storm: Duration,
    /// When nodes are stopped in good order and started again: the node, and when.
    pub(super) stops: Vec<(usize, Duration)>,
}

impl Scenario {
    /// Draws it.
    pub(super) fn draw(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        dice.set_stream(SCENARIO);
        let partitions = dice.random_range(1..=3);
        let (topology, sinks) = topology(&mut dice, partitions);
        let input = input(&mut dice);
        let last = input.last().map_or(Duration::ZERO, |(at, _)| *at);
        let storm = last + Duration::from_millis(dice.random_range(0..5_000));
        let nodes = if dice.random_bool(0.4) { 2 } else { 1 };
        let stops = (0..dice.random_range(0..3_usize)).map(|_| {
            let at = dice.random_range(0..storm.as_millis().max(1));
            let at = Duration::from_millis(u64::try_from(at).unwrap_or(0));
            (dice.random_range(0..nodes), at)
        });
        Self {
            stops: stops.collect(),
            topology,
            partitions,
            sinks,
            input,
            nodes,
            chances: Chances::draw(&mut dice),
            storm,
        }
    }
}

/// Payments in the order of their time, in bursts.
fn input(dice: &mut ChaCha8Rng) -> Vec<(Duration, Vec<LogRecord>)> {
    let cards = dice.random_range(1..=20_u32);
    let shops = dice.random_range(1..=6_u32);
    let mut left = dice.random_range(20..=300_u32);
    let (mut at, mut ts) = (Duration::ZERO, 0_u64);
    let mut input = Vec::new();
    while left > 0 {
        let burst = dice.random_range(1..=60).min(left);
        left -= burst;
        let records = (0..burst).map(|_| {
            ts += dice.random_range(0..2_000_u64);
            let card = format!("c{}", dice.random_range(0..cards));
            let shop = dice.random_range(0..shops);
            let amount = dice.random_range(0..100_u32);
            let value =
                format!(r#"{{"card":"{card}","shop":"s{shop}","ts":{ts},"amount":{amount}}}"#);
            LogRecord::new(Some(card.into()), Some(value.into()), 0)
        });
        input.push((at, records.collect()));
        at += Duration::from_millis(dice.random_range(0..2_000));
    }
    input
}

/// One of a few shapes, with sizes that make epochs, batches and memory short.
fn topology(dice: &mut ChaCha8Rng, partitions: u32) -> (String, Vec<&'static str>) {
    let interval = [20, 50, 100, 500][dice.random_range(0..4)];
    let records = [1, 7, 50, 10_000][dice.random_range(0..4)];
    let (memory, idle) = [("512MiB", "10min"), ("1MiB", "1s")][dice.random_range(0..2)];
    let mut text = format!(
        r#"
version = 1
name = "ledger"
epoch = {{ interval = "{interval}ms", records = {records} }}
state = {{ memory = "{memory}", idle = "{idle}" }}
[[source]]
id = "payments"
topic = "payments"
partitions = {partitions}
format = "json"
key = "card"
time = {{ column = "ts", unit = "ms" }}
watermark = {{ delay = "0s", idle = "24h" }}
[source.schema]
card = "string"
shop = "string"
ts = "timestamp"
amount = "float64"
[[operator]]
id = "valid"
kind = "filter"
input = "payments"
where = "amount >= 5"
[[operator]]
id = "history"
kind = "rolling"
input = "valid"
[operator.columns]
payments = {{ fn = "count", over = "all" }}
total = {{ fn = "sum", of = "amount", over = "all" }}
recent = {{ fn = "max", of = "amount", over = 5 }}
"#
    );
    let mut sinks = vec![("totals", "history", "card")];
    if dice.random_bool(0.5) {
        text.push_str(WINDOW);
        sinks.push(("minutes", "per-minute", "card"));
    }
    if dice.random_bool(0.6) {
        let own = dice.random_range(1..=3);
        // Writing to a string does not fail.
        let _: std::fmt::Result = write!(text, "{REKEYED}partitions = {own}\n{BY_SHOP}");
        sinks.push(("shops", "shop-history", "shop"));
        if dice.random_bool(0.5) {
            text.push_str(SHOP_WINDOW);
            sinks.push(("shop-visits", "visits", "shop"));
        }
    }
    for (topic, input, key) in &sinks {
        let partitions = dice.random_range(1..=2);
        let _: std::fmt::Result = write!(
            text,
            "[[sink]]\nid = \"{topic}\"\ninput = \"{input}\"\ntopic = \"{topic}\"\npartitions = {partitions}\nformat = \"json\"\nkey = \"{key}\"\n"
        );
    }
    (text, sinks.into_iter().map(|(topic, ..)| topic).collect())
}

const WINDOW: &str = r#"
[[operator]]
id = "per-minute"
kind = "window"
input = "payments"
window = { kind = "tumbling", size = "1min" }
columns = { n = { fn = "count" }, most = { fn = "max", of = "amount" } }
"#;

const REKEYED: &str = r#"
[[operator]]
id = "by-shop"
kind = "key-by"
input = "history"
key = "shop"
"#;

const BY_SHOP: &str = r#"
[[operator]]
id = "shop-history"
kind = "rolling"
input = "by-shop"
[operator.columns]
visits = { fn = "count", over = "all" }
turnover = { fn = "sum", of = "amount", over = "all" }
"#;

const SHOP_WINDOW: &str = r#"
[[operator]]
id = "visits"
kind = "window"
input = "by-shop"
window = { kind = "session", gap = "20s" }
columns = { n = { fn = "count" }, sum = { fn = "sum", of = "amount" } }
"#;
