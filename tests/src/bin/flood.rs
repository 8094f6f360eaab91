//! Ten times more than can be done, in full.
//!
//! `cargo run --release -p thalweg-tests --bin flood -- overload|slow-sink [SECONDS] [RATE]`: RATE is the
//! normal one.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use tests::experiments::flood::{Flood, flood};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u32| {
        let given = arguments.get(at).and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let (kind, rate) = match arguments.first().map(String::as_str) {
        Some("slow-sink") => (Flood::SlowSink, 20_000),
        _ => (Flood::Overload, 2_000),
    };
    let data = tempfile::tempdir().expect("a temporary folder");
    let figures = flood(data.path(), kind, number(1, 600), number(2, rate));
    println!("{kind:?}: {figures:?}");
}
