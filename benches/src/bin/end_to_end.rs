//! Throughput of the whole daemon on the embedded log, in records per CPU-second of its process.
//!
//! `cargo run --release -p thalweg-benches --bin end_to_end -- [filter|rolling|card-fraud|all] [RECORDS]`
//!
//! Topics are filled beforehand; the daemon (`THALWEG_BIN`, or the one built beside this program)
//! drains them with `--until-caught-up`. CPU-seconds are user + system of the child, from
//! `/proc/self/stat`; starting and stopping are in them, and are shown apart by a run over nothing.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use thalweg_benches::Failure;
use thalweg_benches::workloads::{Figures, Workload, drain, fill, workloads};

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only = arguments.first().map_or("all", String::as_str);
    let records: u64 = arguments
        .get(1)
        .map_or(Ok(1_000_000), |text| text.parse())?;
    println!(
        "{:<12} {:>10} {:>8} {:>8} {:>12} {:>10}",
        "workload", "records", "wall s", "CPU s", "records/CPU-s", "RSS MiB"
    );
    for workload in workloads() {
        if only != "all" && only != workload.name {
            continue;
        }
        let idle = run(&workload, 0)?;
        let full = run(&workload, records)?;
        let cpu = full.cpu - idle.cpu;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = records as f64 / cpu;
        println!(
            "{:<12} {records:>10} {:>8.2} {cpu:>8.2} {rate:>12.0} {:>10}   (start and stop: {:.2} CPU s)",
            workload.name, full.wall, full.rss_mib, idle.cpu
        );
    }
    Ok(())
}

fn run(workload: &Workload, records: u64) -> Result<Figures, Failure> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    std::fs::create_dir_all(&data)?;
    let log = EmbeddedLog::open(&data.join("log"), EmbeddedOptions::default())?;
    fill(&log, workload.topic, workload, records)?;
    drop(log);
    let file = dir.path().join("topology.toml");
    std::fs::write(&file, &workload.topology)?;
    drain(&file, &data)
}
