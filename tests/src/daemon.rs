//! A running daemon as a process, and the command line: what users have.
//!
//! A [`Daemon`] is killed when it is dropped. Nothing here sleeps blindly: every wait looks at a
//! condition and has a deadline.

#![expect(
    clippy::panic,
    reason = "what a test waits for or cannot start ends the test"
)]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::crash::binary;

/// Anything that a test waits for may take this long on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A daemon that is ready.
pub struct Daemon {
    child: Child,
    data: PathBuf,
    address: String,
}

/// An answer of its API.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }
}

impl Daemon {
    /// Starts a daemon on a data directory with an API on a free port, and waits until it is ready.
    ///
    /// # Panics
    /// If it ends, or is not ready within a minute.
    #[must_use]
    pub fn start(topology: &Path, data: &Path, more: &[&str]) -> Self {
        let mut daemon = Self::start_unready(topology, data, more);
        daemon.wait("/health/ready", |daemon| {
            (daemon.get("/health/ready").status == 200).then_some(())
        });
        daemon
    }

    /// Starts a daemon, and waits until its API answers.
    ///
    /// # Panics
    /// If it ends, or does not answer within a minute.
    #[must_use]
    pub fn start_unready(topology: &Path, data: &Path, more: &[&str]) -> Self {
        let file = data.join("daemon.json");
        // What a killed daemon left would be taken for this one's.
        drop(std::fs::remove_file(&file));
        let errors = File::create(log_path(data)).expect("a log file");
        let child = thalweg()
            .arg("run")
            .arg(topology)
            .arg("--data-dir")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .expect("the daemon starts");
        let mut daemon = Self {
            child,
            data: data.to_owned(),
            address: String::new(),
        };
        daemon.address = daemon.wait("daemon.json", |_| {
            let text = std::fs::read(&file).ok()?;
            let value: Value = serde_json::from_slice(&text).ok()?;
            Some(value["listen"].as_str()?.to_owned())
        });
        daemon
    }

    /// Waits until a look gives something.
    ///
    /// # Panics
    /// If the daemon ends, or after a minute.
    pub fn wait<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + WITHIN;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("waiting for {what}, ended with {status}:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "no {what}:\n{}", self.log());
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// What it has said on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(log_path(&self.data)).unwrap_or_default()
    }

    /// Its API, `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks its API.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        answer(agent().get(self.url(path)).call())
    }

    /// Sends a body to its API.
    #[must_use]
    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        answer(agent().post(self.url(path)).send(body))
    }

    /// Sends a DELETE to its API.
    #[must_use]
    pub fn delete(&self, path: &str) -> Answer {
        answer(agent().delete(self.url(path)).call())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends it a signal, `TERM` or `INT`.
    ///
    /// # Panics
    /// If it has ended.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: there wherever there is a shell.
        let kill = format!("kill -{name} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{kill}");
    }

    /// Waits for its end; gives its exit code.
    ///
    /// # Panics
    /// After a minute.
    pub fn ended(&mut self) -> i32 {
        let deadline = Instant::now() + WITHIN;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code().unwrap_or(-1);
            }
            assert!(
                Instant::now() < deadline,
                "it does not end:\n{}",
                self.log()
            );
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn log_path(data: &Path) -> PathBuf {
    data.with_extension("log")
}

fn agent() -> ureq::Agent {
    let settings = ureq::Agent::config_builder()
        .timeout_global(Some(WITHIN))
        .http_status_as_error(false);
    settings.build().into()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    match response {
        Ok(mut response) => Answer {
            status: response.status().as_u16(),
            text: response.body_mut().read_to_string().unwrap_or_default(),
        },
        // No connection: a status that no server gives.
        Err(error) => Answer {
            status: 0,
            text: error.to_string(),
        },
    }
}

/// The `thalweg` command, away from the settings of who runs the tests.
///
/// # Panics
/// If it is not built.
#[must_use]
pub fn thalweg() -> Command {
    let mut command = Command::new(binary().unwrap_or_else(|reason| panic!("{reason}")));
    command
        .env_remove("THALWEG_DATA_DIR")
        .env_remove("RUST_LOG");
    command
}

/// Runs a `thalweg` command to its end: exit code, standard output, standard error.
///
/// # Panics
/// If it cannot be run.
#[must_use]
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = thalweg().args(arguments).stdin(Stdio::null()).output();
    told(output.expect("the command runs"))
}

/// Exit code, standard output and standard error of a command.
#[must_use]
pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}
