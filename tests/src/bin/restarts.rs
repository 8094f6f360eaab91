//! How soon records flow again after a panic, by where it was.
//!
//! `cargo run --release -p thalweg-tests --bin restarts -- [PANICS]`

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::collections::BTreeMap;
use std::time::Duration;

use tests::experiments::percentile;
use tests::experiments::restarts::restarts;

/// Records between two panics: those of some epochs.
const SETTLED: u64 = 1_500;

fn main() {
    let argument = std::env::args().nth(1);
    let panics = argument.and_then(|text| text.parse().ok()).unwrap_or(500);
    let mut by_place: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for restart in restarts(panics, SETTLED) {
        by_place
            .entry(restart.place)
            .or_default()
            .push(restart.took);
        by_place.entry("all").or_default().push(restart.took);
    }
    for (place, mut took) in by_place {
        took.sort();
        let [p50, p90, p99, most] = [50, 90, 99, 100].map(|percent| percentile(&took, percent));
        let count = took.len();
        println!(
            "{place}: {count} panics; p50 {p50:.1?}, p90 {p90:.1?}, p99 {p99:.1?}, longest {most:.1?}"
        );
    }
}
