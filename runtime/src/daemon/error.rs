//! Why a daemon cannot start or go on, and what cures it.

use std::path::PathBuf;

use actors::log::LogError;
use supervisors::Exit;

/// A daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The data directory cannot be used.
    #[error("data directory \"{path}\" cannot be used")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The API's address.
    #[error("the API cannot listen on {address}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// State was written by other definitions of these operators.
    #[error("operators {0:?} are defined otherwise than when their state was written")]
    StateRedefined(Vec<String>),
    /// Topics that are not there, in a file that forbids to create them.
    #[error("topics {0:?} are missing, and create-topics is false")]
    MissingTopics(Vec<String>),
    /// No thread for the watchdog.
    #[error("no thread can be started")]
    NoThread(#[source] std::io::Error),
    /// This build cannot do what the topology asks for; it says itself what cures it.
    #[error("{0}")]
    Lacking(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The tree did not come up, or its root gave up.
    #[error("topology \"{topology}\" cannot run: {exit}")]
    Ended {
        /// Which.
        topology: String,
        /// Why.
        exit: Exit,
    },
}

impl DaemonError {
    /// What cures it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::DataDir { .. } => {
                Some("choose a folder that can be written, with --data-dir or THALWEG_DATA_DIR")
            }
            Self::Listen { .. } => Some(
                "another process has the port: stop it, choose another with --listen \
                 127.0.0.1:PORT (0 takes a free one), or run without API with --listen none",
            ),
            Self::StateRedefined(_) => Some(
                "state belongs to an operator's id: give it a new id to begin anew, or put its \
                 definition back; `thalweg plan` shows what becomes of state",
            ),
            Self::MissingTopics(_) => Some("`thalweg apply FILE` creates them"),
            Self::NoThread(_) => Some("look at the limits of processes and memory of this user"),
            Self::Lacking(_) => None,
            Self::Log(error) => log_hint(error),
            Self::Ended { exit, .. } => exit.remedy(),
        }
    }
}

/// What cures an error of the log, where that is known.
#[must_use]
pub fn log_hint(error: &LogError) -> Option<&'static str> {
    match error {
        LogError::NoTopic(_) => Some("`thalweg topic list` names the topics there are"),
        LogError::Locked(_) => {
            Some("a daemon runs on this data directory: stop it, or choose another with --data-dir")
        }
        LogError::PartitionCount { .. } => {
            Some("set the node's `partitions` to what is there, or take another topic")
        }
        LogError::Storage(_) => Some("look at the disk: is it full, or not writable?"),
        LogError::Unavailable(_) => Some("try again; if it stays so, look at what it names"),
        LogError::TooLarge { .. } => {
            Some("cut the record, or keep it elsewhere and send its address")
        }
        LogError::NoPartition(_)
        | LogError::Fenced(_)
        | LogError::State(_)
        // It says itself what cures it.
        | LogError::Refused(_)
        | LogError::Aborted(_)
        | LogError::UnknownOutcome(_)
        | LogError::Damaged(_) => None,
    }
}
