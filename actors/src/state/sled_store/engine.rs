//! The one file of the state that names sled: two slots, each with a table and the root that names it,
//! and a wall around sled's panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::super::store::StoreError;
use super::table::Sum;

/// sled's page cache: two tables of a million sessions fit.
const CACHE_BYTES: u64 = 2 << 20;
/// Largest value given to sled. It keeps up to 17 values in a leaf, and moves a leaf of more than a
/// quarter of its segment (of 512 KiB) into a file of its own.
const CHUNK_BYTES: usize = 7 << 10;
/// How often sled's thread moves live values out of sparse segments, and calls fsync. What is to
/// survive the process is flushed by hand.
const CLEAN_EVERY_MS: u64 = 10_000;
/// First byte of a table's keys: slot and chunk follow, big-endian, so that they sort.
const TABLE: u8 = b't';
/// First byte of a root's key: its slot follows.
const ROOT: u8 = b'r';

/// A sled database.
pub(super) struct Engine {
    folder: PathBuf,
    /// `None` once it is dropped.
    db: Option<sled::Db>,
    /// sled panicked: its inside is in no known state and is not touched again.
    broken: AtomicBool,
}

/// The number of the database to open in a store's folder; 0 for a new one.
pub(super) fn newest_number(dir: &Path) -> Result<u64, StoreError> {
    let failed = |source| StoreError::Io {
        path: dir.to_owned(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    Ok(numbers(dir).map_err(failed)?.into_iter().max().unwrap_or(0))
}

/// Removes the databases before this one. What cannot be removed now is tried again at the next
/// start.
pub(super) fn remove_older(dir: &Path, number: u64) {
    let older = numbers(dir)
        .unwrap_or_default()
        .into_iter()
        .filter(|n| *n < number);
    for old in older {
        let folder = dir.join(old.to_string());
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "wiped state cannot be removed");
        }
    }
}

fn numbers(dir: &Path) -> std::io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        numbers.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u64>().ok()),
        );
    }
    Ok(numbers)
}

impl Engine {
    /// Opens or creates a database.
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(CLEAN_EVERY_MS));
        let mut engine = Self {
            folder: folder.to_owned(),
            db: None,
            broken: AtomicBool::new(false),
        };
        engine.db = Some(engine.guarded(|| config.open())?);
        Ok(engine)
    }

    /// The bytes of a slot's table.
    pub(super) fn read_table(&self, slot: u64, sum: Sum) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::with_capacity(sum.length as usize);
        for chunk in 0..chunks(sum.length as usize) {
            let part = self.with(|db| db.get(table_key(slot, chunk)))?;
            bytes.extend_from_slice(part.as_deref().unwrap_or_default());
        }
        if sum.matches(&bytes) {
            Ok(bytes)
        } else {
            Err(self.corrupt("the table is missing or not what was written"))
        }
    }

    /// Writes a slot's table over the one before.
    pub(super) fn write_table(&self, slot: u64, bytes: &[u8]) -> Result<(), StoreError> {
        for (chunk, part) in (0..).zip(bytes.chunks(CHUNK_BYTES)) {
            self.with(|db| db.insert(table_key(slot, chunk), part))?;
        }
        let beyond = table_key(slot, chunks(bytes.len()))..table_key(slot + 1, 0);
        let left = self.with(|db| db.range(beyond).keys().collect::<sled::Result<Vec<_>>>())?;
        for key in left {
            self.with(|db| db.remove(key))?;
        }
        Ok(())
    }

    pub(super) fn read_root(&self, slot: u64) -> Result<Option<Bytes>, StoreError> {
        let root = self.with(|db| db.get(root_key(slot)))?;
        Ok(root.map(|root| Bytes::copy_from_slice(&root)))
    }

    pub(super) fn write_root(&self, slot: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.with(|db| db.insert(root_key(slot), bytes)).map(drop)
    }

    /// Waits until everything written so far is with the operating system, so that it survives the
    /// end of this process, in order.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.with(|db| db.flush()).map(drop)
    }

    /// Size of all files; 0 if it cannot be seen.
    pub(super) fn bytes_on_disk(&self) -> u64 {
        self.with(|db| db.size_on_disk()).unwrap_or(0)
    }

    pub(super) fn corrupt(&self, what: &str) -> StoreError {
        StoreError::Corrupt {
            path: self.folder.clone(),
            what: what.to_owned(),
        }
    }

    fn with<T>(&self, call: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, StoreError> {
        match &self.db {
            Some(db) => self.guarded(|| call(db)),
            None => Err(self.failed("it is closed".into())),
        }
    }

    /// Calls sled behind a wall: on damaged files it panics where it should return an error, and a
    /// cache must not take its task down.
    fn guarded<T>(&self, call: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(self.failed("it panicked before".into()));
        }
        // Safe to assert: after a panic `broken` keeps everyone out.
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.error(error)),
            Err(panic) => {
                self.broken.store(true, Ordering::Release);
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Err(self.failed(format!("it panicked: {}", text.unwrap_or("without text"))))
            }
        }
    }

    fn error(&self, error: sled::Error) -> StoreError {
        let path = self.folder.clone();
        match error {
            // sled has no kind of its own for this.
            sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => {
                StoreError::Locked(path)
            }
            sled::Error::Io(source) => StoreError::Io { path, source },
            sled::Error::Corruption { .. } => self.corrupt("sled found a broken page"),
            error @ (sled::Error::CollectionNotFound(_)
            | sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)) => self.failed(error.to_string()),
        }
    }

    fn failed(&self, what: String) -> StoreError {
        StoreError::Engine {
            path: self.folder.clone(),
            what,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        if self.broken.load(Ordering::Acquire) {
            // Its drop would wait for threads that may be dead: better to lose a few buffers.
            std::mem::forget(db);
        } else if catch_unwind(AssertUnwindSafe(|| drop(db))).is_err() {
            tracing::warn!(folder = %self.folder.display(), "sled panicked while it closed");
        }
    }
}

fn chunks(length: usize) -> u32 {
    u32::try_from(length.div_ceil(CHUNK_BYTES)).unwrap_or(u32::MAX)
}

fn table_key(slot: u64, chunk: u32) -> Vec<u8> {
    let mut key = vec![TABLE];
    key.extend_from_slice(&slot.to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

fn root_key(slot: u64) -> Vec<u8> {
    let mut key = vec![ROOT];
    key.extend_from_slice(&slot.to_be_bytes());
    key
}
