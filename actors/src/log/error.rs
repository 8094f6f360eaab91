//! What goes wrong with a log, and what cures it.

use super::TopicPartition;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The same call again, later.
    Retry,
    /// Abort the transaction, rewind, go on with the same producer.
    Abort,
    /// Open a new producer or consumer and compare committed offsets.
    Reopen,
    /// Nothing helps but a person.
    Stop,
}

/// An error of the log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The topic does not exist.
    #[error("topic \"{0}\" does not exist")]
    NoTopic(String),
    /// The partition does not exist or is not this consumer's.
    #[error("partition \"{0}\" is not there")]
    NoPartition(TopicPartition),
    /// The topic exists with other settings.
    #[error("topic \"{topic}\" has {found} partitions, not {wanted}")]
    PartitionCount {
        /// Which.
        topic: String,
        /// In the log.
        found: u32,
        /// As the topology wants it.
        wanted: u32,
    },
    /// A newer producer with the same transactional id exists, or the membership is over.
    #[error("producer \"{0}\" is fenced by a newer one")]
    Fenced(String),
    /// A call that does not fit the transaction's state.
    #[error("no such call now: {0}")]
    State(&'static str),
    /// A record larger than the log takes.
    #[error("record of {bytes} bytes is larger than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The transaction is to be aborted.
    #[error("transaction must be aborted: {0}")]
    Aborted(String),
    /// It is not known whether the commit happened.
    #[error("outcome of the commit is unknown: {0}")]
    UnknownOutcome(String),
    /// The log does not answer.
    #[error("log does not answer: {0}")]
    Unavailable(String),
    /// The log refuses, and no waiting helps: rights, settings, policies.
    #[error("log refuses: {0}")]
    Refused(String),
    /// Another process has the directory.
    #[error("log directory \"{0}\" is in use by another process")]
    Locked(std::path::PathBuf),
    /// Data that cannot be read.
    #[error("log data are damaged: {0}")]
    Damaged(String),
    /// The disk.
    #[error("log storage failed: {0}")]
    Storage(String),
}

/// An error with its causes, in one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl LogError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable(_) => Remedy::Retry,
            Self::Aborted(_) => Remedy::Abort,
            Self::Fenced(_) | Self::UnknownOutcome(_) | Self::State(_) => Remedy::Reopen,
            Self::NoTopic(_)
            | Self::NoPartition(_)
            | Self::PartitionCount { .. }
            | Self::TooLarge { .. }
            | Self::Refused(_)
            | Self::Locked(_)
            | Self::Damaged(_)
            | Self::Storage(_) => Remedy::Stop,
        }
    }
}
