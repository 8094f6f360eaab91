//! What fills a source's topic from outside the log: files, generators, standard input.
//!
//! A feed is a deterministic sequence of records, numbered from 0, that can begin at any number:
//! its position is committed in the transaction that wrote the records. Readers only make records;
//! the feed actor paces them and writes them to the log.

mod fields;
mod layout;
mod projection;

pub mod key;
pub mod lines;
pub mod file;
pub mod generator;

use std::path::PathBuf;

use config::{Feed, Source};

use crate::log::LogRecord;

/// A sequence of records for topics.
pub trait FeedReader: Send {
    /// The next records: at least one unless the feed has ended, at most `max`. Files and
    /// generators give fewer than `max` only at their end; a pipe gives what has arrived, and blocks
    /// only while there is nothing. Records without timestamp (negative) get the time of appending.
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
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what its name says.
    #[error("feed \"{path}\", line {line}: {message}")]
    Malformed {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// Why.
        message: String,
    },
    /// The file's format cannot be turned into the source's.
    #[error("feed \"{path}\" does not fit source \"{node}\": {message}")]
    Unsuitable {
        /// Which.
        path: PathBuf,
        /// Id of the source.
        node: String,
        /// Why, and what to change.
        message: String,
    },
}

/// The reader of a feed from its record number `position` on; `None` for a feed that others fill
/// over HTTP.
///
/// # Errors
/// If the file cannot be opened or does not fit the source.
pub fn open(
    feed: &Feed,
    source: &Source,
    position: u64,
) -> Result<Option<Box<dyn FeedReader>>, FeedError> {
    match feed {
        Feed::File {
            path,
            format,
            compression,
            repeat,
            rate: _,
        } => {
            let settings = file::FileFeedSettings {
                path: path.clone(),
                format: *format,
                compression: *compression,
                repeat: *repeat,
            };
            let feed = file::FileFeed::open(&settings, source, position)?;
            Ok(Some(Box::new(feed)))
        }
        Feed::Generator {
            profile,
            seed,
            records,
            rate: _,
        } => Ok(Some(generator::generator(
            *profile, *seed, *records, source, position,
        ))),
        Feed::Stdin => {
            let path = PathBuf::from("<stdin>");
            let feed = lines::LineFeed::new(std::io::stdin(), path, source, position);
            Ok(Some(Box::new(feed)))
        }
        Feed::Http => Ok(None),
    }
}

#[cfg(test)]
mod tests;
