//! The log on one machine's disk: no brokers, one process.
//!
//! The directory is sled's (`db`, `conf`, `blobs/`, snapshots) and holds the index; `segments/` in it
//! holds the records in chunks. See the engine for their forms. Another process that wants to read
//! while this one runs asks it.

mod segments;
mod disk_storage;
#[cfg(test)]
mod crash_tests;

use std::path::Path;
use std::sync::Arc;

use super::LogError;
use super::local::{LocalLog, LocalOptions};
use crate::clock::{Clock, SystemClock};

use disk_storage::DiskStorage;

/// A log on disk. Cheap to clone; all clones are one log. Closed when the last clone, consumer and
/// producer are dropped.
pub type EmbeddedLog = LocalLog<DiskStorage>;

/// What a committed transaction survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The end of the process, however it comes: at commit the data are the operating system's.
    #[default]
    Process,
    /// A power cut: at commit the data are on the disk. Costs an fdatasync of each
    /// partition written to and one of the index.
    Power,
}

/// How an embedded log works.
#[derive(Clone)]
pub struct EmbeddedOptions {
    /// What a committed transaction survives.
    pub durability: Durability,
    /// Tells how old records are.
    pub clock: Arc<dyn Clock>,
    /// Bytes of newest records kept in memory for readers.
    pub cache_bytes: usize,
    /// Most bytes of one transaction; they are in memory until the commit.
    pub transaction_bytes_max: usize,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Process,
            clock: Arc::new(SystemClock),
            // Consumers are a few epochs behind at most; an epoch is a few MB.
            cache_bytes: 32 * 1024 * 1024,
            // An epoch of a second at full pace is 60 MB.
            transaction_bytes_max: 256 * 1024 * 1024,
        }
    }
}

impl EmbeddedLog {
    /// Opens the log in a directory; makes it if it is missing.
    ///
    /// # Errors
    /// [`LogError::Locked`] if another process has it, [`LogError::Damaged`] if it cannot be read,
    /// [`LogError::Storage`] if the disk refuses.
    pub fn open(dir: &Path, options: EmbeddedOptions) -> Result<Self, LogError> {
        let storage = DiskStorage::open(dir, options.durability)?;
        let options = LocalOptions {
            clock: options.clock,
            cache_bytes: options.cache_bytes,
            transaction_bytes_max: options.transaction_bytes_max,
        };
        Self::open_on(storage, options)
    }
}
