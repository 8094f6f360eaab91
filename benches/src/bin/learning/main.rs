//! Learning on real data: what the trainer reaches on public sets, each beside its trivial baseline.
//!
//! `cargo run --release -p thalweg-benches --bin learning -- [fraud|elec2|shuttle|detect|peeking|all] [SEEDS]`: reads `../shared/data`
//! (or `THALWEG_DATA`), trains with SEEDS seeds (3) and prints the figures of `docs/benchmarks.md`. With `KEY=VALUE` behind
//! (`hidden=64-32 decay=0.1 validation=0.2 rate=0.001 batch=256 epochs=100`), fraud measures a perceptron with these. Only the past of a
//! stream reaches a model: scaling, thresholds and features included. `peeking` needs no data: it counts what the gate and the
//! sequential test decide by chance alone.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

mod table;
mod fitting;
mod fraud;
mod elec2;
mod shuttle;
mod detect;
mod peeking;

use std::path::PathBuf;

use thalweg_benches::Failure;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let which = arguments.first().map_or("all", String::as_str);
    let seeds: u64 = match arguments.get(1) {
        Some(seeds) => seeds.parse()?,
        None => 3,
    };
    if which == "peeking" || which == "all" {
        peeking::measure();
    }
    let data = std::env::var_os("THALWEG_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")),
        PathBuf::from,
    );
    if !data.is_dir() {
        println!("SKIPPED: no data at {}", data.display());
        return Ok(());
    }
    let is_wanted = |name: &str| which == name || which == "all";
    if !["all", "fraud", "elec2", "shuttle", "detect", "peeking"].contains(&which) {
        return Err(format!(
            "no such data: {which}; there are fraud, elec2, shuttle, detect, peeking and all"
        )
        .into());
    }
    if is_wanted("fraud") {
        fraud::measure(
            &data.join("fraud"),
            seeds,
            arguments.get(2..).unwrap_or_default(),
        )?;
    }
    if is_wanted("elec2") {
        elec2::measure(&data.join("elec2"), seeds)?;
    }
    if is_wanted("shuttle") {
        shuttle::measure(&data.join("shuttle"), seeds)?;
    }
    if is_wanted("detect") {
        detect::measure(&data.join("shuttle"))?;
    }
    Ok(())
}
