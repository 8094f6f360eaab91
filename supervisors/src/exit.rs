//! Why an actor ended, and what cures it.

use std::error::Error;
use std::fmt;

use ractor::errors::ActorProcessingErr;
use ractor::{SpawnErr, SupervisionEvent};

/// Why an actor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It was done, or it was asked to stop.
    Normal,
    /// A handler, or its start, returned an error.
    Error {
        /// What happened, with the chain of causes.
        reason: String,
        /// What an operator can do about it, if the actor knew.
        remedy: Option<String>,
    },
    /// A handler, or its start, could not go on for a reason that lies elsewhere: an actor that it
    /// needs is gone, or something that all share does not answer. Whoever that was is to blame.
    Hindered {
        /// What happened, with the chain of causes.
        reason: String,
        /// What an operator can do about it, if the actor knew.
        remedy: Option<String>,
    },
    /// A handler, or its start, panicked.
    Panic {
        /// The panic's text.
        text: String,
    },
    /// It was killed: it did not stop in time, or someone else killed it.
    Killed,
}

/// The error that an actor of ours returns when it cannot go on and knows what cures it.
///
/// Any other error type works too, without a remedy. A bare text (`"…".into()`) does not: ractor
/// reports panics as bare texts, so that is what it is taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Failure {
    /// What happened.
    pub reason: String,
    /// What an operator can do about it.
    pub remedy: Option<String>,
}

/// The error that an actor of ours returns when what hinders it lies elsewhere ([`Exit::Hindered`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Hindrance {
    /// What happened.
    pub reason: String,
    /// What an operator can do about it.
    pub remedy: Option<String>,
}

/// Why a child, or the whole tree, did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("did not start: {0}")]
pub struct StartError(pub Exit);

impl Exit {
    /// The kind of exit in one word, for metric labels: `normal`, `error`, `hindered`, `panic` or
    /// `killed`.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Error { .. } => "error",
            Self::Hindered { .. } => "hindered",
            Self::Panic { .. } => "panic",
            Self::Killed => "killed",
        }
    }

    /// What an operator can do about it, if anyone knew.
    #[must_use]
    pub fn remedy(&self) -> Option<&str> {
        match self {
            Self::Error { remedy, .. } | Self::Hindered { remedy, .. } => remedy.as_deref(),
            Self::Normal | Self::Panic { .. } | Self::Killed => None,
        }
    }

    /// Whether who ended like this is to blame for it.
    #[must_use]
    pub fn is_own_fault(&self) -> bool {
        match self {
            Self::Error { .. } | Self::Panic { .. } => true,
            Self::Normal | Self::Hindered { .. } | Self::Killed => false,
        }
    }

    /// Reads what a handler or a start returned, or panicked with.
    pub(crate) fn of_error(error: &ActorProcessingErr) -> Self {
        if let Some(failure) = error.downcast_ref::<Failure>() {
            return Self::Error {
                reason: failure.reason.clone(),
                remedy: failure.remedy.clone(),
            };
        }
        if let Some(hindrance) = error.downcast_ref::<Hindrance>() {
            return Self::Hindered {
                reason: hindrance.reason.clone(),
                remedy: hindrance.remedy.clone(),
            };
        }
        let text = error.to_string();
        // The standard library's error around a bare text shows as that text in quotes; derived
        // and hand-written errors do not. ractor turns panics, and only panics, into these.
        if format!("{error:?}") == format!("{text:?}") {
            return Self::Panic { text };
        }
        Self::Error {
            reason: chain(error.as_ref()),
            remedy: None,
        }
    }

    /// Reads ractor's event about a child that ended; `None` for its other events.
    pub(crate) fn of_event(event: &SupervisionEvent) -> Option<Self> {
        match event {
            // These two texts are ractor's own, for `kill()` and for a task cancelled under it.
            SupervisionEvent::ActorTerminated(_, _, Some(reason))
                if reason == "killed" || reason == "actor_task_cancelled" =>
            {
                Some(Self::Killed)
            }
            SupervisionEvent::ActorTerminated(..) => Some(Self::Normal),
            SupervisionEvent::ActorFailed(_, error) => Some(Self::of_error(error)),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => None,
        }
    }
}

/// An error and its causes, outermost first.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("ended"),
            Self::Error { reason, .. } | Self::Hindered { reason, .. } => f.write_str(reason),
            Self::Panic { text } => write!(f, "panicked: {text}"),
            Self::Killed => f.write_str("was killed"),
        }
    }
}

impl Failure {
    /// A failure with its cure.
    #[must_use]
    pub fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: Some(remedy.into()),
        }
    }
}

impl From<SpawnErr> for StartError {
    fn from(error: SpawnErr) -> Self {
        match error {
            SpawnErr::StartupFailed(cause) => Self(Exit::of_error(&cause)),
            SpawnErr::ActorAlreadyStarted | SpawnErr::ActorAlreadyRegistered(_) => {
                Self(Exit::Error {
                    reason: error.to_string(),
                    remedy: None,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_remedy() {
        let error: ActorProcessingErr = Failure::new("disk is full", "free some space").into();
        assert_eq!(Exit::of_error(&error).remedy(), Some("free some space"));
    }

    #[test]
    fn a_bare_text_is_a_panic_and_a_typed_error_is_not() {
        let bare: ActorProcessingErr = "index out of bounds".into();
        assert_eq!(Exit::of_error(&bare).cause(), "panic");
        let typed: ActorProcessingErr = Box::new(std::io::Error::other("gone"));
        assert_eq!(Exit::of_error(&typed).cause(), "error");
    }

    #[test]
    fn the_reason_names_every_cause() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open the store")]
        struct Outer(#[source] std::io::Error);
        let error: ActorProcessingErr = Box::new(Outer(std::io::Error::other("disk gone")));
        assert_eq!(
            Exit::of_error(&error).to_string(),
            "cannot open the store: disk gone"
        );
    }
}
