//! Passivation racing arrival, in full: no record is lost, doubled or out of order.
//!
//! `cargo run --release -p thalweg-tests --bin passivation -- [RECORDS] [KEYS] [ROOM] [HOSTING]`

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use tests::experiments::passivation::passivation;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u32| {
        let given = arguments.get(at).and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let (records, keys, room) = (
        number(0, 10_000_000),
        number(1, 1_000_000),
        number(2, 10_000),
    );
    let hosting = arguments.get(3).map_or("hosted", String::as_str);
    let data = tempfile::tempdir().expect("a temporary folder");
    let figures = passivation(data.path(), records.into(), keys, (hosting, room));
    println!("{records} records, {keys} keys, room for {room}, {hosting}: {figures:?}");
}
