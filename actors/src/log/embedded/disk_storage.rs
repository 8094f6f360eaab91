//! Index and places of chunks in sled, the chunks themselves in segment files. The only file of the
//! log that names sled.
//!
//! What sled 0.34.7 does, read in its source: `apply_batch` pegs the log, so that after a crash all of
//! the batch is found or nothing; `flush` hands all buffers to the operating system (`pwrite`, then
//! `sync_file_range`, which waits for the disk but not for its cache nor the file's size); recovery
//! reads sled's log in order and stops at the first gap, so that what was written later is never found
//! without what was written before.
//!
//! Why the chunks are not in sled, measured with chunks of 64 KiB: a leaf holds up to 16 values and is
//! written anew with each split and every ten changes, so each byte was written three times; leaves
//! over 128 KiB become blob files, whose size sled's cache counts as some 30 bytes and thus never
//! evicts: 600 MiB resident after 600 MB appended.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use sled::{Batch, Db, IVec, Tree};

use super::Durability;
use super::segments::{Location, Segments};
use crate::log::LogError;
use crate::log::local::{ChunkKey, IndexStep, Storage};

/// Most keys of one batch. Measured: with batches of 1,000 keys sled's file grew to 10 GiB where
/// batches of 100 held 0.17 GiB.
const BATCH_KEYS_MAX: usize = 100;

/// sled's own cache: a log of 1 GB has an index of about 2 MB.
const SLED_CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// How often sled's thread writes buffers out and moves live pages out of sparse segments.
const FLUSH_EVERY_MS: u64 = 500;

/// How long opening waits for the lock: 50 times 5 ms.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// A directory as a place for chunks and index.
#[derive(Debug)]
pub struct DiskStorage {
    db: Db,
    index: Tree,
    places: Tree,
    segments: Segments,
    /// sled's file, if a commit is to be on the disk.
    synced: Option<File>,
}

impl DiskStorage {
    /// Opens or makes the log's files in a directory.
    ///
    /// # Errors
    /// [`LogError::Locked`] if another process has it; the disk's errors.
    pub(super) fn open(dir: &Path, durability: Durability) -> Result<Self, LogError> {
        let on_disk = |error| disk_failed(dir, &error);
        std::fs::create_dir_all(dir).map_err(on_disk)?;
        let db = open_db(dir)?;
        let index = db.open_tree("index").map_err(failed)?;
        let places = db.open_tree("places").map_err(failed)?;
        let mut in_use = Vec::new();
        for place in places.iter().values() {
            in_use.push(decode_place(&place.map_err(failed)?)?);
        }
        let power = durability == Durability::Power;
        let segments = Segments::open(dir.join("segments"), power, in_use.into_iter())?;
        let synced = if power {
            Some(File::open(dir.join("db")).map_err(on_disk)?)
        } else {
            None
        };
        Ok(Self {
            db,
            index,
            places,
            segments,
            synced,
        })
    }

    fn place(&self, key: ChunkKey) -> Result<Option<Location>, LogError> {
        let place = self.places.get(encode(key)).map_err(failed)?;
        place.map(|place| decode_place(&place)).transpose()
    }
}

impl Storage for DiskStorage {
    fn index(&self) -> Result<Vec<(Bytes, Bytes)>, LogError> {
        let mut entries = Vec::new();
        for entry in &self.index {
            let (key, value) = entry.map_err(failed)?;
            entries.push((Bytes::copy_from_slice(&key), Bytes::copy_from_slice(&value)));
        }
        Ok(entries)
    }

    fn put_chunks(&self, chunks: &[(ChunkKey, Bytes)]) -> Result<(), LogError> {
        for of_one in chunks.chunk_by(|(a, _), (b, _)| a.is_of(*b)) {
            let Some((first, _)) = of_one.first() else {
                continue;
            };
            let partition = (first.topic, first.partition);
            let bytes = of_one.iter().map(|(_, bytes)| bytes);
            let places = self.segments.append(partition, bytes)?;
            let placed: Vec<_> = of_one.iter().map(|(key, _)| *key).zip(places).collect();
            for some in placed.chunks(BATCH_KEYS_MAX) {
                let mut batch = Batch::default();
                for (key, place) in some {
                    batch.insert(&encode(*key), &encode_place(*place));
                }
                self.places.apply_batch(batch).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn chunk(&self, key: ChunkKey) -> Result<Option<Bytes>, LogError> {
        match self.place(key)? {
            Some(place) => self.segments.read(place),
            None => Ok(None),
        }
    }

    fn chunks_from(&self, first: ChunkKey) -> Result<Vec<ChunkKey>, LogError> {
        let mut keys = Vec::new();
        for key in self.places.range(encode(first)..).keys() {
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
            let mut places = Vec::new();
            for key in some {
                places.extend(self.place(*key)?);
                batch.remove(&encode(*key));
            }
            self.places.apply_batch(batch).map_err(failed)?;
            self.segments.release(&places)?;
        }
        Ok(())
    }

    fn commit(&self, step: IndexStep) -> Result<(), LogError> {
        self.note(step)?;
        self.db.flush().map_err(failed)?;
        if let Some(file) = &self.synced {
            file.sync_data()
                .map_err(|error| LogError::Storage(error.to_string()))?;
        }
        Ok(())
    }

    fn note(&self, step: IndexStep) -> Result<(), LogError> {
        let mut batch = Batch::default();
        for (key, value) in step {
            match value {
                Some(value) => batch.insert(&key[..], &value[..]),
                None => batch.remove(&key[..]),
            }
        }
        self.index.apply_batch(batch).map_err(failed)
    }
}

/// Opens sled, waiting a little for its lock: after a close in this process its background threads
/// may hold the file for some milliseconds more.
fn open_db(dir: &Path) -> Result<Db, LogError> {
    let config = || {
        sled::Config::new()
            .path(dir)
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

fn encode_place(place: Location) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..8].copy_from_slice(&place.segment.to_le_bytes());
    bytes[8..16].copy_from_slice(&place.position.to_le_bytes());
    bytes[16..].copy_from_slice(&place.length.to_le_bytes());
    bytes
}

fn decode_place(bytes: &IVec) -> Result<Location, LogError> {
    let read = || {
        let (segment, rest) = bytes.split_first_chunk()?;
        let (position, rest) = rest.split_first_chunk()?;
        Some(Location {
            segment: u64::from_le_bytes(*segment),
            position: u64::from_le_bytes(*position),
            length: u32::from_le_bytes(rest.try_into().ok()?),
        })
    };
    read().ok_or_else(|| LogError::Damaged(format!("a chunk's place is {bytes:?}")))
}

/// sled reports a lock that is taken as any other error; its words are the only sign.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(io) if io.to_string().starts_with("could not acquire lock"))
}

fn opening_failed(dir: &Path, error: &sled::Error) -> LogError {
    let text = format!("\"{}\": {error}", dir.display());
    match error {
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => LogError::Damaged(text),
        sled::Error::Io(_) | sled::Error::Unsupported(_) | sled::Error::CollectionNotFound(_) => {
            LogError::Storage(text)
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

fn disk_failed(dir: &Path, error: &std::io::Error) -> LogError {
    LogError::Storage(format!("\"{}\": {error}", dir.display()))
}
