//! How soon a hang is found and healed, in each kind of actor, computing and sleeping.
//!
//! `cargo run --release -p thalweg-tests --bin hangs -- [ROUNDS]`

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::process::ExitCode;
use std::time::Duration;

use tests::experiments::hangs::{PLACES, Way, hang, undisturbed};

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let rounds: usize = argument.and_then(|text| text.parse().ok()).unwrap_or(3);
    let expected = undisturbed();
    let (mut found, mut healed, mut wrong) = (Duration::ZERO, Duration::ZERO, 0);
    for nth in 0..rounds * PLACES.len() {
        let place = PLACES[nth % PLACES.len()];
        let way = Way {
            computes: nth % 2 == 0,
            ends_early: nth % 4 < 2,
        };
        let figures = hang(place, way);
        println!(
            "{} {way:?}: {} found after {:?}, healed after {:?}",
            place.hook, figures.replaced, figures.found, figures.healed
        );
        found = found.max(figures.found);
        healed = healed.max(figures.healed);
        if figures.outputs != expected {
            println!("  the output is another");
            wrong += 1;
        }
    }
    println!("longest: found after {found:?}, healed after {healed:?}; {wrong} outputs differ");
    ExitCode::from(u8::from(wrong > 0))
}
