//! Why a request cannot be carried out.

use actors::log::LogError;
use actors::state::store::StoreError;

/// A request cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nothing of this name.
    #[error("{what} \"{name}\" does not exist")]
    NotFound {
        /// Kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The request itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// Things are not as the request takes them to be.
    #[error("{0}")]
    Conflict(String),
    /// What is asked for is not up yet, or is being restarted.
    #[error("{0} is not running yet")]
    NotYet(String),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store of a task.
    #[error("state cannot be read")]
    State(#[from] StoreError),
    /// The request's own code failed.
    #[error("the request failed: {0}")]
    Internal(String),
}

impl ControlError {
    /// A topic that does not exist.
    pub(crate) fn no_topic(name: &str) -> Self {
        Self::NotFound {
            what: "topic",
            name: name.to_owned(),
        }
    }

    /// What cures it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { what: "topic", .. } | Self::Log(LogError::NoTopic(_)) => {
                Some("`thalweg topic list` and GET /v1/topics name the topics there are")
            }
            Self::NotFound { what: "model", .. } => {
                Some("GET /v1/models names the models there are")
            }
            Self::NotFound { what: "path", .. } => Some("GET / names the paths there are"),
            Self::NotFound { .. } => Some("GET /v1/topology and /v1/partitions name what there is"),
            Self::NotYet(_) => Some("try again when GET /health/ready says so"),
            Self::Log(error) => crate::daemon::log_hint(error),
            Self::State(_) => Some("stop the daemon and remove its state folder: it is rebuilt"),
            Self::Conflict(_) => Some("`thalweg sessions list` names the keys in quarantine"),
            Self::Invalid(_) | Self::Internal(_) => None,
        }
    }
}
