//! Segments: append-only files with the chunks of one partition, one after the other.
//!
//! Retention drops a partition's oldest chunks, so its oldest segments are soon without a chunk that
//! is still named; such a file is removed, and the space is the disk's again. A file is never written
//! to by two processes: each opening of the log begins new ones, so that a tail cut off by a crash is
//! never appended to. Whether a chunk's bytes are right is told by the chunk itself.
//!
//! Files are opened for each use: that takes some microseconds and a chunk has hundreds of records.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::log::LogError;

/// A segment is closed when it has this size. Space comes back in such pieces.
const SEGMENT_BYTES_TARGET: u64 = 8 * 1024 * 1024;

/// All segments of a log.
#[derive(Debug)]
pub(super) struct Segments {
    dir: PathBuf,
    /// Whether what is appended is on the disk when `append` returns.
    synced: bool,
    state: Mutex<State>,
}

/// Where a chunk lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    /// Number of the segment.
    pub(super) segment: u64,
    /// First byte.
    pub(super) position: u64,
    /// Bytes.
    pub(super) length: u32,
}

#[derive(Debug, Default)]
struct State {
    next_segment: u64,
    /// By topic's number and partition.
    open: HashMap<(u32, u32), Open>,
    /// Chunks in use of each segment.
    chunks: HashMap<u64, usize>,
}

/// The segment that a partition's chunks are appended to.
#[derive(Debug, Clone, Copy)]
struct Open {
    segment: u64,
    length: u64,
}

impl Segments {
    /// Opens the segments in a directory; those that none of the chunks in use is in are removed.
    ///
    /// # Errors
    /// If the directory cannot be made, read or written.
    pub(super) fn open(
        dir: PathBuf,
        synced: bool,
        in_use: impl Iterator<Item = Location>,
    ) -> Result<Self, LogError> {
        std::fs::create_dir_all(&dir).map_err(|error| failed(&dir, &error))?;
        let mut state = State::default();
        for location in in_use {
            *state.chunks.entry(location.segment).or_default() += 1;
        }
        for entry in std::fs::read_dir(&dir).map_err(|error| failed(&dir, &error))? {
            let path = entry.map_err(|error| failed(&dir, &error))?.path();
            let Some(segment) = number_of(&path) else {
                continue;
            };
            state.next_segment = state.next_segment.max(segment + 1);
            if !state.chunks.contains_key(&segment) {
                remove(&path)?;
            }
        }
        Ok(Self {
            dir,
            synced,
            state: Mutex::new(state),
        })
    }

    /// Appends chunks of one partition, and says where they are.
    ///
    /// # Errors
    /// If the disk is full or broken.
    pub(super) fn append<'a>(
        &self,
        partition: (u32, u32),
        chunks: impl Iterator<Item = &'a Bytes>,
    ) -> Result<Vec<Location>, LogError> {
        let mut state = self.state.lock();
        let open = state.open_for(partition);
        let path = self.path(open.segment);
        let mut locations = Vec::new();
        let mut position = open.length;
        let appended = (|| {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            for chunk in chunks {
                file.write_all_at(chunk, position)?;
                locations.push(Location {
                    segment: open.segment,
                    position,
                    // A chunk's length is 32 bits in its own header.
                    length: u32::try_from(chunk.len()).map_err(io::Error::other)?,
                });
                position += chunk.len() as u64;
            }
            if self.synced {
                file.sync_data()?;
                if open.length == 0 {
                    File::open(&self.dir)?.sync_all()?;
                }
            }
            Ok(())
        })();
        appended.map_err(|error| failed(&path, &error))?;
        *state.chunks.entry(open.segment).or_default() += locations.len();
        let length = position;
        state.open.insert(partition, Open { length, ..open });
        Ok(locations)
    }

    /// A chunk's bytes; `None` if its segment was removed in between.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if the segment is too short, [`LogError::Storage`] if the disk is broken.
    pub(super) fn read(&self, location: Location) -> Result<Option<Bytes>, LogError> {
        let path = self.path(location.segment);
        let mut bytes = vec![0; location.length as usize];
        let read =
            File::open(&path).and_then(|file| file.read_exact_at(&mut bytes, location.position));
        match read {
            Ok(()) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                let (path, position) = (path.display(), location.position);
                Err(LogError::Damaged(format!(
                    "\"{path}\" ends in the chunk at {position}"
                )))
            }
            Err(error) => Err(failed(&path, &error)),
        }
    }

    /// Lets chunks go; segments without any are removed.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub(super) fn release(&self, locations: &[Location]) -> Result<(), LogError> {
        let mut state = self.state.lock();
        for location in locations {
            let segment = location.segment;
            let Some(left) = state.chunks.get_mut(&segment) else {
                continue;
            };
            *left = left.saturating_sub(1);
            if *left == 0 {
                state.chunks.remove(&segment);
                state.open.retain(|_, open| open.segment != segment);
                remove(&self.path(segment))?;
            }
        }
        Ok(())
    }

    fn path(&self, segment: u64) -> PathBuf {
        self.dir.join(format!("{segment:016}"))
    }
}

impl State {
    fn open_for(&mut self, partition: (u32, u32)) -> Open {
        match self.open.get(&partition) {
            Some(open) if open.length < SEGMENT_BYTES_TARGET => *open,
            _ => {
                let segment = self.next_segment;
                self.next_segment += 1;
                Open { segment, length: 0 }
            }
        }
    }
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.parse().ok()
}

fn remove(path: &Path) -> Result<(), LogError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> LogError {
    LogError::Storage(format!("\"{}\": {error}", path.display()))
}
