//! Chunks and index as two trees of one sled database. The only file of the log that names sled.
//!
//! What sled 0.34.7 does, read in its source: `apply_batch` pegs the log, so that after a crash all
//! of the batch is found or nothing; a tree's leaf holds up to 16 values and is written anew when it
//! is split or has had ten changes, so a value is written about three times; `flush` hands all buffers
//! to the operating system (`pwrite`, then `sync_file_range`, which waits for the disk but not for its
//! cache nor the file's size); recovery reads the log in order and stops at the first gap, so what was
//! written later is never found without what was written before. Values larger than a quarter of a
//! segment go to files of their own in `blobs/`, which sled does not sync.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use sled::{Batch, Db, IVec, Tree};

use super::Durability;
use crate::log::LogError;
use crate::log::local::{ChunkKey, IndexStep, Storage};

/// Most keys of one batch. Measured: with batches of 1,000 keys sled's file grew to 10 GiB where
/// batches of 100 held 0.17 GiB.
const BATCH_KEYS_MAX: usize = 100;

/// sled's own cache: the leaves at the partitions' ends must fit, or each append reads them back.
const SLED_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How often sled's thread writes buffers out and moves live pages out of sparse segments.
const FLUSH_EVERY_MS: u64 = 500;

/// How long opening waits for the lock: 50 times 5 ms.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A sled database as a place for chunks and index.
#[derive(Debug)]
pub struct SledStorage {
    db: Db,
    chunks: Tree,
    index: Tree,
    durability: Option<Sync>,
}

/// What it takes to have data on the disk.
#[derive(Debug)]
struct Sync {
    file: File,
    blobs: PathBuf,
    /// Blobs are numbered; up to this they are on the disk.
    synced_to: Mutex<i64>,
}

impl SledStorage {
    /// Opens or makes the database in a directory.
    ///
    /// # Errors
    /// [`LogError::Locked`] if another process has it; the disk's errors.
    pub(super) fn open(dir: &Path, durability: Durability) -> Result<Self, LogError> {
        std::fs::create_dir_all(dir)
            .map_err(|error| LogError::Storage(format!("\"{}\": {error}", dir.display())))?;
        let db = open_db(dir)?;
        let chunks = db.open_tree("chunks").map_err(failed)?;
        let index = db.open_tree("index").map_err(failed)?;
        let durability = match durability {
            Durability::Process => None,
            Durability::Power => Some(Sync::open(dir)?),
        };
        Ok(Self {
            db,
            chunks,
            index,
            durability,
        })
    }
}

impl Storage for SledStorage {
    fn index(&self) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let mut entries = Vec::new();
        for entry in &self.index {
            let (key, value) = entry.map_err(failed)?;
            entries.push((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)));
        }
        Ok(entries)
    }

    fn put_chunks(&self, chunks: &[(ChunkKey, Bytes)]) -> Result<(), LogError> {
        for some in chunks.chunks(BATCH_KEYS_MAX) {
            let mut batch = Batch::default();
            for (key, bytes) in some {
                batch.insert(&encode(*key), &bytes[..]);
            }
            self.chunks.apply_batch(batch).map_err(failed)?;
        }
        Ok(())
    }

    fn chunk(&self, key: ChunkKey) -> Result<Option<Bytes>, LogError> {
        let value = self.chunks.get(encode(key)).map_err(failed)?;
        Ok(value.map(shared))
    }

    fn chunks_from(&self, first: ChunkKey) -> Result<Vec<ChunkKey>, LogError> {
        let mut keys = Vec::new();
        for key in self.chunks.range(encode(first)..).keys() {
            let key = key.map_err(failed)?;
            let key = decode(&key)
                .ok_or_else(|| LogError::Damaged(format!("a chunk has the key {key:?}")))?;
            if !key.is_of(first) {
                break;
            }
            keys.push(key);
        }
        Ok(keys)
    }

    fn remove_chunks(&self, keys: &[ChunkKey]) -> Result<(), LogError> {
        for some in keys.chunks(BATCH_KEYS_MAX) {
            let mut batch = Batch::default();
            for key in some {
                batch.remove(&encode(*key));
            }
            self.chunks.apply_batch(batch).map_err(failed)?;
        }
        Ok(())
    }

    fn commit(&self, step: IndexStep) -> Result<(), LogError> {
        let mut batch = Batch::default();
        for (key, value) in step {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.index.apply_batch(batch).map_err(failed)?;
        self.db.flush().map_err(failed)?;
        match &self.durability {
            None => Ok(()),
            Some(sync) => sync.all(),
        }
    }
}

impl Sync {
    fn open(dir: &Path) -> Result<Self, LogError> {
        let file = File::open(dir.join("db")).map_err(|error| disk_failed(&error))?;
        Ok(Self {
            file,
            blobs: dir.join("blobs"),
            synced_to: Mutex::new(-1),
        })
    }

    /// Blobs before the file that names them.
    fn all(&self) -> Result<(), LogError> {
        self.new_blobs()
            .and_then(|()| self.file.sync_data())
            .map_err(|error| disk_failed(&error))
    }

    fn new_blobs(&self) -> std::io::Result<()> {
        let mut synced_to = self.synced_to.lock();
        let mut newest = *synced_to;
        for entry in std::fs::read_dir(&self.blobs)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.parse::<i64>().ok());
            let Some(number) = number.filter(|number| *number > *synced_to) else {
                continue;
            };
            match File::open(entry.path()) {
                Ok(blob) => blob.sync_data()?,
                // sled removed it since: nothing names it.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            newest = newest.max(number);
        }
        if newest > *synced_to {
            File::open(&self.blobs)?.sync_all()?;
            *synced_to = newest;
        }
        Ok(())
    }
}

/// Opens sled, waiting a little for its lock: after a close in this process its background threads
/// may hold the file for some milliseconds more.
fn open_db(dir: &Path) -> Result<Db, LogError> {
    let config = || {
        sled::Config::new()
            .path(dir)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(SLED_CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
    };
    for _ in 0..LOCK_TRIES {
        match config().open() {
            Err(error) if is_locked(&error) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "whoever holds a file lock does not say when it lets go"
                )]
                std::thread::sleep(LOCK_PAUSE);
            }
            opened => return opened.map_err(|error| opening_failed(dir, &error)),
        }
    }
    Err(LogError::Locked(dir.to_owned()))
}

/// A value of sled as shared bytes without copying them.
fn shared(value: IVec) -> Bytes {
    Bytes::from_owner(value)
}

fn encode(key: ChunkKey) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&key.topic.to_be_bytes());
    bytes[4..8].copy_from_slice(&key.partition.to_be_bytes());
    bytes[8..16].copy_from_slice(&key.base.to_be_bytes());
    bytes[16..].copy_from_slice(&key.generation.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<ChunkKey> {
    let (topic, rest) = bytes.split_first_chunk()?;
    let (partition, rest) = rest.split_first_chunk()?;
    let (base, rest) = rest.split_first_chunk()?;
    Some(ChunkKey {
        topic: u32::from_be_bytes(*topic),
        partition: u32::from_be_bytes(*partition),
        base: i64::from_be_bytes(*base),
        generation: u32::from_be_bytes(rest.try_into().ok()?),
    })
}

/// sled reports a lock that is taken as any other error; its words are the only sign.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().starts_with("could not acquire lock"))
}

fn opening_failed(dir: &Path, error: &sled::Error) -> LogError {
    match error {
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => {
            LogError::Damaged(format!("\"{}\": {error}", dir.display()))
        }
        sled::Error::Io(_) | sled::Error::Unsupported(_) | sled::Error::CollectionNotFound(_) => {
            LogError::Storage(format!("\"{}\": {error}", dir.display()))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err wants")]
fn failed(error: sled::Error) -> LogError {
    match error {
        sled::Error::Corruption { .. } => LogError::Damaged(error.to_string()),
        sled::Error::Io(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Unsupported(_)
        | sled::Error::CollectionNotFound(_) => LogError::Storage(error.to_string()),
    }
}

fn disk_failed(error: &std::io::Error) -> LogError {
    LogError::Storage(error.to_string())
}
