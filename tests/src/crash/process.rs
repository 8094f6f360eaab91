//! The daemon as a process: started, awaited, killed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Experiment;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Itself(i32),
    /// By SIGKILL, from here.
    Killed,
}

/// The daemon's binary: `THALWEG_BIN`, or the one built beside this program.
///
/// # Errors
/// If there is none.
pub fn binary() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("THALWEG_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let beside = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join("thalweg"))
        .find(|path| path.is_file());
    beside.ok_or_else(|| "no thalweg binary: build it first, or set THALWEG_BIN".to_owned())
}

/// Runs the daemon until it has caught up, but kills it after `within`.
///
/// # Errors
/// If it cannot be started.
pub fn run(experiment: &Experiment, data: &Path, within: Duration) -> Result<Ended, String> {
    let mut command = Command::new(&experiment.binary);
    command
        .arg("run")
        .arg(&experiment.topology)
        .arg("--data-dir")
        .arg(data);
    command.args(["--until-caught-up", "--listen", "none"]);
    for set in &experiment.set {
        command.args(["--set", set]);
    }
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(data.with_extension("log"))
        .map_err(|e| e.to_string())?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let mut child = command
        .spawn()
        .map_err(|e| format!("{}: {e}", experiment.binary.display()))?;
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(Ended::Itself(status.code().unwrap_or(-1)));
        }
        if Instant::now() >= deadline {
            child.kill().map_err(|e| e.to_string())?;
            child.wait().map_err(|e| e.to_string())?;
            return Ok(Ended::Killed);
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
}
