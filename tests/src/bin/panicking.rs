//! Sessions that panic, in full.
//!
//! `cargo run --release -p thalweg-tests --bin panicking -- key [SECONDS] [RATE]`: one key panics every
//! second for ten minutes, and the same without.
//! `… -- burst [KEYS]`: as many sessions panic at once, in each hosting.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use tests::experiments::sessions::{all_at_once, one_key, part};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u32| {
        let given = arguments.get(at).and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let data = || tempfile::tempdir().expect("a temporary folder");
    match arguments.first().map(String::as_str) {
        Some("burst") => {
            for hosting in ["hosted", "dedicated"] {
                let keys = number(1, 10_000);
                let sessions = format!("{{ hosting = \"{hosting}\", max = {keys} }}");
                let [clean, poisoned] = all_at_once(data().path(), keys, &sessions);
                println!(
                    "{keys} {hosting} sessions: two good records each in (time, CPU-seconds) {clean:.3?}; a panic and a good one in {poisoned:.3?}"
                );
            }
        }
        _ => {
            for panics in [false, true] {
                let seconds = number(1, 600);
                let figures = one_key(data().path(), seconds, number(2, 4_000), panics);
                println!(
                    "{seconds} s, panics {panics}: neighbours {:.4}, other partitions {:.4}, {figures:?}",
                    part((figures.neighbours.1, figures.neighbours.0)),
                    part((figures.others.1, figures.others.0))
                );
            }
        }
    }
}
