//! What fills a source's topic from outside the log: files, generators, standard input.
//!
//! A feed is a deterministic sequence of records, numbered from 0, that can begin at any number:
//! its position is committed in the transaction that wrote the records.

pub mod file;
pub mod generator;

use crate::log::LogRecord;

/// A sequence of records for topics.
pub trait FeedReader: Send {
    /// The next records, at most `max`; fewer or none only at the end. Records without timestamp
    /// (negative) get the time of appending.
    ///
    /// # Errors
    /// If the input cannot be read; the text says where.
    fn next(&mut self, max: usize) -> Result<Vec<FeedRecord>, FeedError>;

    /// Whether it has ended: `next` will never again give anything.
    fn ended(&self) -> bool;
}

/// A record of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRecord {
    /// For the source's topic, or the side topic (a generator's labels).
    pub target: FeedTarget,
    /// What to append; partitioned by its key.
    pub record: LogRecord,
}

/// Which topic of a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeedTarget {
    /// The source's.
    Source,
    /// `<source topic>.labels`.
    Labels,
}

/// A feed cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The file or pipe.
    #[error("feed cannot read \"{path}\"")]
    Io {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what its name says.
    #[error("feed \"{path}\", line {line}: {message}")]
    Malformed {
        /// Which.
        path: std::path::PathBuf,
        /// From 1.
        line: u64,
        /// Why.
        message: String,
    },
}
