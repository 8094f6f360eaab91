//! Why a command cannot reach what it needs.

use std::path::PathBuf;

use crate::control::ControlError;
use crate::daemon::DaemonError;

/// A command cannot reach what it needs.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] DaemonError),
    /// The log refuses.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The topology file that names the log is wrong.
    #[error(transparent)]
    Topology(#[from] config::Problems),
    /// Nothing ran here yet.
    #[error("data directory \"{dir}\" holds no log")]
    NoLog {
        /// Which.
        dir: PathBuf,
    },
    /// No daemon says that it runs here.
    #[error("no daemon runs on data directory \"{dir}\"")]
    NoDaemon {
        /// Which.
        dir: PathBuf,
    },
    /// The directory is another process's, and that cannot be asked.
    #[error("data directory \"{dir}\" is in use by a process that has no API")]
    NoApi {
        /// Which.
        dir: PathBuf,
    },
    /// The directory is a daemon's, and this cannot be done through it.
    #[error("data directory \"{dir}\" is in use by a daemon, whose topics are its topology's")]
    Busy {
        /// Which.
        dir: PathBuf,
    },
    /// The daemon cannot be reached.
    #[error("the daemon at {address} does not answer: {reason}")]
    Unreachable {
        /// Its API.
        address: String,
        /// Why.
        reason: String,
    },
    /// The daemon's refusal.
    #[error("{message}")]
    Refused {
        /// What it said.
        message: String,
        /// What it said would cure it.
        hint: Option<String>,
    },
}

impl AccessError {
    /// What cures it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Open(error) => error.hint(),
            Self::Control(error) => error.hint(),
            // Each problem has its own.
            Self::Topology(_) => None,
            Self::NoLog { .. } => Some(
                "`thalweg run` makes one; name the folder that it ran on with --data-dir, or a \
                 cluster with --brokers or --topology",
            ),
            Self::NoDaemon { .. } => Some(
                "start one with `thalweg run`, or name its folder with --data-dir or its address \
                 with --api",
            ),
            Self::NoApi { .. } => Some("stop it, or start it with --listen"),
            Self::Busy { .. } => Some("stop the daemon first"),
            Self::Unreachable { .. } => Some("is it running? `thalweg run` starts one"),
            Self::Refused { hint, .. } => hint.as_deref(),
        }
    }
}
