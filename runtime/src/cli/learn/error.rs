//! Why a model cannot be trained or evaluated by a command.

use std::path::PathBuf;

use models::ModelError;
use models::train::TrainError;

use crate::access::AccessError;

/// What keeps `train` or `evaluate` from its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum LearnError {
    /// The arguments and the topology do not say enough, or contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The file cannot be read.
    #[error("cannot read \"{}\"", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A row is not what it should be.
    #[error("{place}: {cause}")]
    Row {
        /// File and line, or topic, partition and offset.
        place: String,
        /// The rule broken.
        cause: String,
    },
    /// The topology or its log.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The champion, or the version that was to be written.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl LearnError {
    /// What to do about it.
    pub(super) fn cure(&self) -> Option<&str> {
        match self {
            Self::Usage(_) => None,
            Self::Read { .. } => Some("check the path and its permissions"),
            Self::Row { .. } => Some("a missing number is empty, or null in JSON"),
            Self::Access(error) => error.hint(),
            Self::Train(error) => Some(error.cure()),
            Self::Model(error) => Some(error.cure()),
        }
    }
}
