//! The crash experiment in full: `cargo run --release -p thalweg-tests --bin crash -- [RUNS] [RECORDS] [SEED]`.
//!
//! Builds nothing: build the daemon first (`cargo build --release`).

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::path::Path;
use std::process::ExitCode;

use tests::crash::{Experiment, binary};

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let (runs, records, seed) = (
        numbers.first().copied().unwrap_or(25),
        numbers.get(1).copied().unwrap_or(200_000),
        numbers.get(2).copied().unwrap_or(1),
    );
    match experiment(runs, records, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("FAILED: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn experiment(runs: u64, records: u64, seed: u64) -> Result<(), String> {
    let experiment = Experiment::card_fraud(binary()?, records);
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let (expected, length) = experiment.undisturbed(&dir.path().join("undisturbed"))?;
    let total: usize = expected
        .iter()
        .flat_map(|t| &t.partitions)
        .map(Vec::len)
        .sum();
    println!("undisturbed: {total} output records in {length:.1?}");
    for run in 0..runs {
        let data = dir.path().join(format!("run-{run}"));
        let report = experiment
            .killed(&data, seed + run, length, &expected)
            .map_err(|reason| format!("run {run}, seed {}: {reason}", seed + run))?;
        println!("run {run}: {report:?}");
        remove(&data);
    }
    println!("{runs} passed, 0 failed");
    Ok(())
}

fn remove(dir: &Path) {
    // Left-overs go with the temporary folder.
    drop(std::fs::remove_dir_all(dir));
}
