//! The seam between sessions and what keeps their snapshots on this machine.
//!
//! A store is a cache of the changelog: it may lag behind it, it may never lead it, and losing it
//! costs time, never data. So every [`StoreError`] has one cure: wipe and replay
//! ([`mod@super::restore`]). Implementations: [`super::memory`] and [`super::sled_store`], held to one
//! conformance suite. All calls block; the store actor gives them a thread.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

/// One keyed operator of a task: its position in the task's list of keyed operators.
pub type Space = u16;

/// What one key of one operator became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose key.
    pub space: Space,
    /// Key, as in the changelog.
    pub key: Bytes,
    /// Sealed value; `None` deletes.
    pub value: Option<Bytes>,
}

/// Up to where the store's content is complete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marker {
    /// Epoch of the last commit in it.
    pub epoch: u64,
    /// Hash of the topology (application and keyed operators) that wrote it.
    pub topology_hash: u64,
    /// Version of the payloads' encoding.
    pub codec: u16,
    /// When it was written, in milliseconds of wall-clock time.
    pub written_ms: i64,
    /// Next offset to replay per space: everything before is in the store.
    pub changelog: Vec<i64>,
    /// Next offset per input, as `topic-partition`; for people, not for recovery.
    pub inputs: Vec<(String, i64)>,
}

/// Size of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Keys it holds, over all spaces.
    pub entries: u64,
    /// Bytes it takes on disk; 0 for a store in memory.
    pub bytes_on_disk: u64,
}

/// A store cannot be used. The cure is always the same: wipe it and replay the changelog; unless the
/// disk is full ([`StoreError::is_full`]).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk or the operating system refused.
    #[error("state store at \"{}\" cannot be read or written", path.display())]
    Io {
        /// The store's folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the store open.
    #[error("state store at \"{}\" is in use by another process", .0.display())]
    Locked(PathBuf),
    /// What was read is not what was written.
    #[error("state store at \"{}\" is damaged: {what}", path.display())]
    Corrupt {
        /// The store's folder; empty for a store in memory.
        path: PathBuf,
        /// What did not fit.
        what: String,
    },
    /// The database below gave up.
    #[error("state store at \"{}\" failed: {what}", path.display())]
    Engine {
        /// The store's folder.
        path: PathBuf,
        /// What it said.
        what: String,
    },
}

impl StoreError {
    /// Whether there is no room for what is to be written: not the store's fault, and no wiping helps.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind;
        let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}

/// Opens the store of a task by its name.
pub type OpenStore = Arc<dyn Fn(&str) -> Result<Arc<dyn StateStore>, StoreError> + Send + Sync>;

/// Snapshots of the sessions of one task.
///
/// One caller writes at a time; any number reads meanwhile and sees, per key, the state before or
/// after a write, never a mixture of bytes.
pub trait StateStore: Send + Sync {
    /// Values of many keys of a space, in the keys' order; `None` where there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Writes entries, then the marker that says so. If a key occurs twice, the last one counts.
    /// After a crash the store holds at least what its marker says.
    ///
    /// # Errors
    /// See [`StoreError`]; the old marker then still holds.
    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError>;

    /// The last marker written; `None` in a new store.
    ///
    /// # Errors
    /// See [`StoreError`]; also if a read or a write found the store damaged since it was opened.
    fn marker(&self) -> Result<Option<Marker>, StoreError>;

    /// Visits every key of a space once, in no promised order, until `visit` returns false.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError>;

    /// Makes the store new and empty, whatever state it is in.
    ///
    /// # Errors
    /// See [`StoreError`]; then the store's folder must go by hand.
    fn wipe(&self) -> Result<(), StoreError>;

    /// How large it is.
    ///
    /// # Errors
    /// See [`StoreError`].
    fn stats(&self) -> Result<StoreStats, StoreError>;
}
