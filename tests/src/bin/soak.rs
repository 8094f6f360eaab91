//! An hour of load, starvation and stops without a false alarm of the watchdog.
//!
//! `cargo run --release -p thalweg-tests --bin soak -- [MINUTES]` (build the daemon first; 60 unless said)

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::process::ExitCode;
use std::time::Duration;

use tests::experiments::soak::Soak;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    let minutes = argument.and_then(|text| text.parse().ok()).unwrap_or(60);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let soak = Soak {
        length: Duration::from_secs(60 * minutes),
        load: Duration::from_secs(40),
        starvation: Duration::from_secs(10),
        stop: Duration::from_secs(10),
    };
    let soaked = soak.run(dir.path());
    for alarm in &soaked.alarms {
        println!("{alarm}");
    }
    let (rounds, records, alarms) = (soaked.rounds, soaked.records, soaked.alarms.len());
    println!("{rounds} rounds, {records} records, {alarms} alarms");
    ExitCode::from(u8::from(alarms > 0))
}
