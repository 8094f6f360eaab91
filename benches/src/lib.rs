//! Benchmarks: `divan` programs beside this file, and programs in `bin/` that measure the whole daemon.
//! Here is what those share: which daemon, and what Linux says about its process.

pub mod workloads;

use std::path::PathBuf;

/// What ends a benchmark.
pub type Failure = Box<dyn std::error::Error>;

/// The daemon to measure: `THALWEG_BIN`, or the one built beside this program.
///
/// # Errors
/// If there is none.
pub fn daemon() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os("THALWEG_BIN") {
        return Ok(path.into());
    }
    let beside = std::env::current_exe()?.with_file_name("thalweg");
    if beside.is_file() {
        Ok(beside)
    } else {
        Err("build the daemon first: cargo build --release".into())
    }
}

/// A size from a process's `status` in proc(5), such as `VmRSS` (in memory now) or `VmHWM` (at most so
/// far), in MiB; 0 if the process has gone.
#[must_use]
pub fn memory_mib(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = value.and_then(|value| value.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// User and system seconds of a running process.
///
/// # Errors
/// If the process has gone.
pub fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    // Fields 14 and 15 of proc(5), counted from the state (field 3) on.
    stat_seconds(&format!("/proc/{pid}/stat"), 11)
}

/// User and system seconds of children that have been waited for.
///
/// # Errors
/// If proc(5) is not as Linux has it.
pub fn children_cpu_seconds() -> Result<f64, Failure> {
    // Fields 16 and 17.
    stat_seconds("/proc/self/stat", 13)
}

fn stat_seconds(path: &str, at: usize) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(path)?;
    let (_, after) = stat
        .rsplit_once(')')
        .ok_or("no process name in /proc/PID/stat")?;
    let ticks = after.split_whitespace().skip(at).take(2);
    let ticks: f64 = ticks.map(str::parse::<f64>).sum::<Result<_, _>>()?;
    // In ticks of 10 ms.
    Ok(ticks / 100.0)
}
