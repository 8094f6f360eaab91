//! The daemons as processes.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Network;
use crate::crash::binary;

/// As POSIX numbers it.
const SIGTERM: i32 = 15;
/// A daemon that is told to stop may take this long.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// The daemons of one topology. Killed when dropped.
pub(super) struct Nodes {
    binary: PathBuf,
    topology: PathBuf,
    dir: PathBuf,
    name: String,
    network: Option<Arc<Network>>,
    running: Vec<Option<Child>>,
}

impl Nodes {
    pub(super) fn start(
        topology: &Path,
        dir: &Path,
        name: &str,
        (count, network): (usize, Option<Arc<Network>>),
    ) -> Result<Self, String> {
        let mut nodes = Self {
            binary: binary()?,
            topology: topology.to_owned(),
            dir: dir.to_owned(),
            name: name.to_owned(),
            network,
            running: (0..count).map(|_| None).collect(),
        };
        for node in 0..count {
            nodes.start_one(node)?;
        }
        Ok(nodes)
    }

    pub(super) fn start_one(&mut self, node: usize) -> Result<(), String> {
        let data = self.dir.join(format!("node-{node}"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("node-{node}.log")))
            .map_err(|e| e.to_string())?;
        let mut command = match &self.network {
            Some(network) => {
                let mut command = network.command(node);
                command.arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        let child = command
            .arg("run")
            .arg(&self.topology)
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", "127.0.0.1:0", "--node-id"])
            .arg(format!("{}-{node}", self.name))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.running[node] = Some(child.map_err(|e| e.to_string())?);
        Ok(())
    }

    pub(super) fn kill(&mut self, node: usize) -> Result<(), String> {
        if let Some(mut child) = self.running[node].take() {
            child.kill().map_err(|e| e.to_string())?;
            child.wait().map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    pub(super) fn pause(&self, node: usize) -> Result<(), String> {
        self.signal(node, "-STOP")
    }

    pub(super) fn resume(&self, node: usize) -> Result<(), String> {
        self.signal(node, "-CONT")
    }

    /// Stops a daemon in order; it must end well.
    pub(super) fn stop(&mut self, node: usize) -> Result<(), String> {
        self.signal(node, "-TERM")?;
        let Some(mut child) = self.running[node].take() else {
            return Ok(());
        };
        let deadline = Instant::now() + STOPPED_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                // 75: told to stop while it was still starting.
                return match status.code() {
                    Some(0 | 75) => Ok(()),
                    // So young that it did not catch signals yet.
                    None if status.signal() == Some(SIGTERM) => Ok(()),
                    code => Err(format!("node {node} stopped with {code:?}")),
                };
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        child.kill().map_err(|e| e.to_string())?;
        child.wait().map_err(|e| e.to_string())?;
        Err(format!(
            "node {node} did not stop within {STOPPED_WITHIN:?}"
        ))
    }

    /// Leaves what each daemon says of its partitions beside its log: for who looks for a fault.
    pub(super) fn note_partitions(&self) {
        for node in 0..self.running.len() {
            let data = self.dir.join(format!("node-{node}"));
            let Ok(text) = std::fs::read(data.join("daemon.json")) else {
                continue;
            };
            let file: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            let address = file["listen"].as_str().unwrap_or_default();
            let answer = ureq::get(format!("http://{address}/v1/partitions")).call();
            let told = answer.and_then(|mut answer| answer.body_mut().read_to_string());
            let told = told.unwrap_or_else(|error| error.to_string());
            let path = self.dir.join(format!("node-{node}.partitions.json"));
            // A note that cannot be written is not missed by the judge.
            drop(std::fs::write(path, told));
        }
    }

    pub(super) fn stop_all(&mut self) -> Result<(), String> {
        (0..self.running.len()).try_for_each(|node| self.stop(node))
    }

    /// None of the daemons has ended by itself.
    pub(super) fn all_run(&mut self) -> Result<(), String> {
        for (node, child) in self.running.iter_mut().enumerate() {
            let Some(child) = child else { continue };
            if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
                return Err(format!("node {node} ended by itself with {status}"));
            }
        }
        Ok(())
    }

    fn signal(&self, node: usize, signal: &str) -> Result<(), String> {
        let Some(child) = &self.running[node] else {
            return Ok(());
        };
        let status = Command::new("kill")
            .arg(signal)
            .arg(child.id().to_string())
            .status();
        status.map(drop).map_err(|e| e.to_string())
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.running.iter_mut().flatten() {
            // One that has ended needs no killing.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
