//! Every named crash point: `cargo run --release -p thalweg-tests --bin crashpoints -- [TIMES] [RECORDS] [POINT]`.
//!
//! Needs brokers in `THALWEG_TEST_BROKERS` (see `tests/kafka/broker`). Builds nothing: build the
//! daemon first (`cargo build --release`).

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints figures"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use tests::chaos::{Chaos, Crash, POINTS};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [child, point, nth, file, data] if child == "child" => {
            let nth = nth.parse().unwrap_or(1);
            Crash::child(point, nth, Path::new(file), Path::new(data))
        }
        numbers => experiment(numbers),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("FAILED: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(numbers: &[String]) -> Result<(), String> {
    let number = |nth: usize, default: u64| {
        let given = numbers.get(nth).and_then(|text| text.parse().ok());
        given.unwrap_or(default)
    };
    let (times, records) = (number(0, 10), number(1, 20_000));
    let bootstrap = std::env::var("THALWEG_TEST_BROKERS")
        .map_err(|_| "THALWEG_TEST_BROKERS names no cluster")?;
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let only = numbers.get(2);
    let points = POINTS.iter().chain(&["on-revocation"]);
    for point in points.filter(|point| only.is_none_or(|only| only == *point)) {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        let chaos = Chaos {
            bootstrap: bootstrap.clone(),
            brokers: None,
            network: None,
            delivery: "exactly-once",
            name: format!("crash-{point}-{}", std::process::id()),
            protocol: "classic",
            records,
            keys: 2_000,
            partitions: 4,
            nodes: 1,
            faults: usize::try_from(times).map_err(|e| e.to_string())?,
            seed: 1,
            pause: Duration::ZERO,
        };
        let crash = Crash {
            program: program.clone(),
            chaos,
            point: (*point).to_owned(),
        };
        match crash.run(dir.path()) {
            Ok((reached, report)) => println!(
                "{point}: fell there {reached} times; {} outputs and {} dead letters right",
                report.outputs, report.dead_letters
            ),
            Err(reason) => {
                let kept = dir.keep();
                return Err(format!("{point}: {reason} (logs in {})", kept.display()));
            }
        }
    }
    Ok(())
}
