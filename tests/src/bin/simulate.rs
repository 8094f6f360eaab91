//! Runs seeds of the simulation; tells those that fail, each with the command that runs it again.
//!
//! `cargo run --release -p thalweg-tests --bin simulate -- --seeds 1000`

#![expect(clippy::print_stdout, reason = "a program that prints what it found")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tests::simulation::mutation::Mutation;
use tests::simulation::{How, Run, describe, simulate};

/// What the command line says.
struct Options {
    first: u64,
    seeds: u64,
    jobs: usize,
    how: How,
    /// Runs each seed twice and compares the traces.
    twice: bool,
    /// Ends at the first seed that fails.
    until_failure: bool,
}

const USAGE: &str = "simulate [--seeds N] [--from SEED] [--seed SEED [--trace]] [--jobs N] [--twice] \
    [--until-failure] [--mutation NAME]";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(wrong) => {
            println!("{wrong}\nusage: {USAGE}");
            return ExitCode::from(2);
        }
    };
    let (next, failures, calls) = (
        AtomicU64::new(options.first),
        AtomicU64::new(0),
        AtomicU64::new(0),
    );
    let began = Instant::now();
    let end = options.first + options.seeds;
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = options.until_failure && failures.load(Ordering::Relaxed) > 0;
                    if seed >= end || enough {
                        return;
                    }
                    let run = one(seed, &options);
                    calls.fetch_add(run.calls, Ordering::Relaxed);
                    failures.fetch_add(u64::from(run.failed.is_some()), Ordering::Relaxed);
                }
            });
        }
    });
    let failures = failures.into_inner();
    let ran = next.into_inner().min(end) - options.first;
    println!(
        "{ran} seeds, {failures} failed, {} calls, {:.1} s",
        calls.into_inner(),
        began.elapsed().as_secs_f64()
    );
    ExitCode::from(u8::from(failures > 0))
}

/// Runs a seed and tells what is wrong with it.
fn one(seed: u64, options: &Options) -> Run {
    let mut run = simulate(seed, options.how);
    if options.twice {
        let again = simulate(seed, options.how);
        if (again.trace, again.calls, &again.failed) != (run.trace, run.calls, &run.failed) {
            run.failed = Some("a second run of the same seed was another".to_owned());
        }
    }
    if options.how.keeps_lines {
        println!("{}", describe(seed));
        for line in &run.lines {
            println!("{line}");
        }
    }
    if let Some(failed) = &run.failed {
        let mutation = options.how.mutation.map(|mutation| mutation.label());
        let mutation = mutation.map_or(String::new(), |label| format!(" --mutation {label}"));
        println!(
            "seed {seed} failed: {failed}\n  again: cargo run --release -p thalweg-tests --bin simulate -- --seed {seed}{mutation} --trace"
        );
    } else if options.seeds == 1 {
        println!(
            "seed {seed}: {} outputs, {} calls, trace {:016x}",
            run.outputs, run.calls, run.trace
        );
    }
    run
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            first: 0,
            seeds: 100,
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            how: How::default(),
            twice: false,
            until_failure: false,
        };
        while let Some(argument) = arguments.next() {
            let mut number = || -> Result<u64, String> {
                let value = arguments.next().unwrap_or_default();
                let parsed = value.parse();
                parsed.map_err(|_| format!("{argument} wants a number, not \"{value}\""))
            };
            match argument.as_str() {
                "--seeds" => options.seeds = number()?,
                "--from" => options.first = number()?,
                "--seed" => (options.first, options.seeds) = (number()?, 1),
                "--jobs" => options.jobs = usize::try_from(number()?).unwrap_or(1).max(1),
                "--trace" => options.how.keeps_lines = true,
                "--twice" => options.twice = true,
                "--until-failure" => options.until_failure = true,
                "--mutation" => {
                    let name = arguments.next().unwrap_or_default();
                    let found = Mutation::named(&name);
                    let known = Mutation::ALL.map(Mutation::label).join(", ");
                    options.how.mutation =
                        Some(found.ok_or(format!("\"{name}\" is none of {known}"))?);
                }
                _ => return Err(format!("\"{argument}\" is no option")),
            }
        }
        Ok(options)
    }
}
