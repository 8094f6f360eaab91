//! The store on disk: pages of many sessions each, kept in one sled database per task.
//!
//! sled pays 8–24 µs for a small value, most of it per value and not per byte. So sessions are
//! packed: a key's hash decides its page, a page covers a range of hashes and splits when it grows
//! ([`page`]). A [`table`] says which page covers which range, and which checksum it has.
//!
//! Nothing is changed in place. An epoch writes the pages it touches under new ids, then a new
//! table, then waits until sled has written all that; only then it writes the *root*, which names
//! the table and holds the marker. Old pages go last. Two roots alternate, each with a checksum. So
//! whenever the process dies, the newest whole root names pages that are complete and unchanged:
//! **the data always are exactly what the marker says**. A page that sled loses, cuts or brings
//! back from the past does not have the checksum that the table names: an error, never wrong state.
//!
//! sled orders its writes in one log and recovers a prefix of it, which is what the above needs
//! against the death of the process. Its flush is not durable against the death of the machine;
//! then the checksums find what is missing, and the store is replayed from the changelog.
//!
//! Folder: `DIR/N/` is the database; each wipe begins the next N, so a database that hangs or
//! panics never has to be asked for anything again.

mod engine;
mod hash;
mod page;
mod table;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};

use super::store::{Entry, Marker, Space, StateStore, StoreError, StoreStats};
use engine::Engine;
use page::{Edit, Page, Run};
use table::{PageRef, Root, Table};

/// sled's page cache. Small: what is hot lives in sessions, what is fresh in the overlay.
pub const DEFAULT_CACHE_BYTES: u64 = 16 << 20;

/// How often, and how far apart, a locked database is tried: a quarter of a second in all.
const LOCK_TRIES: usize = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A task's snapshots in a folder of its own.
pub struct SledStore {
    dir: PathBuf,
    cache_bytes: u64,
    live: RwLock<Live>,
    /// Held by the one write or wipe that runs.
    writer: Mutex<()>,
}

/// What readers see. Replaced whole, so that no lock is held over I/O.
#[derive(Clone)]
struct Live {
    engine: Arc<Engine>,
    root: Arc<Root>,
    table: Arc<Table>,
    /// N of the folder.
    number: u64,
}

impl SledStore {
    /// Opens or creates the store in a folder that is its own. A database that cannot be opened is
    /// wiped: the store is then new and has no marker.
    ///
    /// # Errors
    /// If another process has it open, or the folder cannot be written.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with_cache(dir, DEFAULT_CACHE_BYTES)
    }

    /// As [`SledStore::open`], with another size of sled's cache.
    ///
    /// # Errors
    /// As [`SledStore::open`].
    pub fn open_with_cache(dir: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let number = engine::newest_number(dir)?;
        let live = match Live::open_patiently(dir, number, cache_bytes) {
            Ok(live) => live,
            Err(error @ (StoreError::Locked(_) | StoreError::Io { .. })) => return Err(error),
            Err(error @ (StoreError::Corrupt { .. } | StoreError::Engine { .. })) => {
                tracing::warn!(%error, "state store cannot be opened and is wiped");
                Live::open(dir, number + 1, cache_bytes)?
            }
        };
        engine::remove_older(dir, live.number);
        Ok(Self {
            dir: dir.to_owned(),
            cache_bytes,
            live: RwLock::new(live),
            writer: Mutex::new(()),
        })
    }

    /// Runs a read; again if the table was replaced meanwhile, because then pages that it named may
    /// be gone.
    fn read<T>(
        &self,
        mut reading: impl FnMut(&Live) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        loop {
            let live = self.live.read().clone();
            let result = reading(&live);
            if result.is_ok() || Arc::ptr_eq(&live.table, &self.live.read().table) {
                return result;
            }
        }
    }
}

impl StateStore for SledStore {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.read(|live| live.load_many(space, keys))
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let _one_at_a_time = self.writer.lock();
        let before = self.live.read().clone();
        let after = before.write(entries, marker)?;
        let freed = Arc::clone(&after.root);
        let engine = Arc::clone(&after.engine);
        *self.live.write() = after;
        engine.remove(&freed.freed)
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        Ok(self.live.read().root.marker.clone())
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        // By hashes, not by pages: an epoch between two reads may split or join pages, so a page may
        // begin before what is still to be visited, and only its end says where to go on.
        let mut next = Some(0);
        while let Some(start) = next {
            let (page, end) = self.read(|live| live.page_at(space, start))?;
            next = end;
            for (key, value) in page.iter().flat_map(|page| page.entries_from(start)) {
                if !visit(key, &Bytes::copy_from_slice(value)) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn wipe(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.writer.lock();
        let number = self.live.read().number + 1;
        let fresh = Live::open(&self.dir, number, self.cache_bytes)?;
        let old = std::mem::replace(&mut *self.live.write(), fresh);
        drop(old);
        engine::remove_older(&self.dir, number);
        Ok(())
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let live = self.live.read().clone();
        Ok(StoreStats {
            entries: live.table.entries(),
            bytes_on_disk: live.engine.bytes_on_disk(),
        })
    }
}

impl Live {
    /// Opens a database; if it is locked, for a while again and again: sled lets go of its lock some
    /// milliseconds after it was closed, and whoever holds a file lock does not say when.
    fn open_patiently(dir: &Path, number: u64, cache_bytes: u64) -> Result<Self, StoreError> {
        for _ in 0..LOCK_TRIES {
            match Self::open(dir, number, cache_bytes) {
                Err(StoreError::Locked(_)) => std::thread::park_timeout(LOCK_PAUSE),
                opened => return opened,
            }
        }
        Self::open(dir, number, cache_bytes)
    }

    /// Opens a database, finds its newest whole root and clears away what a crash left.
    fn open(dir: &Path, number: u64, cache_bytes: u64) -> Result<Self, StoreError> {
        let engine = Engine::open(&dir.join(number.to_string()), cache_bytes)?;
        let roots = [engine.read_root(0)?, engine.read_root(1)?];
        let found = roots.iter().any(Option::is_some);
        let whole = roots.iter().flatten().filter_map(Root::decode);
        let root = match whole.max_by_key(|root| root.sequence) {
            Some(root) => root,
            None if found => return Err(engine.corrupt("no root is whole")),
            None => Root::default(),
        };
        let table = match &root.table {
            Some(at) => {
                let bytes = engine.read(at)?;
                Table::decode(&bytes).ok_or_else(|| engine.corrupt("table does not decode"))?
            }
            None => Table::default(),
        };
        engine.remove(&root.freed)?;
        engine.remove_from(root.next_id)?;
        Ok(Self {
            engine: Arc::new(engine),
            root: Arc::new(root),
            table: Arc::new(table),
            number,
        })
    }

    fn page(&self, at: &PageRef) -> Result<Page, StoreError> {
        let bytes = self.engine.read(at)?;
        Page::decode(bytes).ok_or_else(|| self.engine.corrupt("page does not decode"))
    }

    /// The page that covers a hash, if there is one, and the first hash beyond its range.
    fn page_at(&self, space: Space, hash: u64) -> Result<(Option<Page>, Option<u64>), StoreError> {
        let range = self.table.covering(space, hash);
        let page = range.page.map(|at| self.page(&at)).transpose()?;
        Ok((page, range.end))
    }

    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut hashes: Vec<(u64, usize)> =
            (0..).zip(keys).map(|(i, k)| (hash::of(k), i)).collect();
        hashes.sort_unstable();
        let mut values = vec![None; keys.len()];
        let mut copies = BytesMut::new();
        let mut rest = hashes.as_slice();
        while let Some((first, _)) = rest.first() {
            let range = self.table.covering(space, *first);
            let (here, beyond) = rest.split_at(rest.partition_point(|(h, _)| range.contains(*h)));
            rest = beyond;
            let Some(at) = range.page else { continue };
            let page = self.page(&at)?;
            for (hash, i) in here {
                // Copied, because a slice would keep the whole page in memory.
                values[*i] = page.get(*hash, &keys[*i]).map(|value| {
                    copies.extend_from_slice(value);
                    copies.split().freeze()
                });
            }
        }
        Ok(values)
    }

    /// Writes an epoch and returns what readers are to see from then on.
    fn write(&self, entries: &[Entry], marker: &Marker) -> Result<Self, StoreError> {
        let edits = page::sorted_edits(entries);
        let mut next = NextTable {
            live: self,
            table: Table::clone(&self.table),
            next_id: self.root.next_id,
            freed: Vec::new(),
            written: Vec::new(),
        };
        let mut rest = edits.as_slice();
        while !rest.is_empty() {
            rest = next.apply_first(rest)?;
        }
        let table_bytes = next.table.encode();
        let table_ref = next.write_page(&table_bytes, 0)?;
        next.freed.extend(self.root.table);
        let root = Root {
            sequence: self.root.sequence + 1,
            next_id: next.next_id,
            table: Some(table_ref),
            freed: next.freed,
            marker: Some(marker.clone()),
        };
        self.engine.sync()?;
        self.engine.write_root(root.sequence % 2, &root.encode())?;
        self.engine.sync()?;
        self.engine.let_go(&next.written);
        Ok(Self {
            engine: Arc::clone(&self.engine),
            root: Arc::new(root),
            table: Arc::new(next.table),
            number: self.number,
        })
    }
}

/// The table that an epoch makes, while it is made.
struct NextTable<'a> {
    live: &'a Live,
    table: Table,
    next_id: u64,
    freed: Vec<PageRef>,
    written: Vec<PageRef>,
}

impl NextTable<'_> {
    /// Rewrites the page that the first edit falls into, with all edits that fall into it. While
    /// the result is small, the following page joins it, so that deletes do not leave crumbs.
    /// Returns the edits beyond.
    fn apply_first<'e>(&mut self, edits: &'e [Edit<'e>]) -> Result<&'e [Edit<'e>], StoreError> {
        let space = edits[0].space;
        let mut range = self.table.covering(space, edits[0].hash);
        let start = range.start;
        let mut rest = edits;
        let mut run = Run::default();
        loop {
            let within = |e: &Edit<'_>| e.space == space && range.contains(e.hash);
            let (here, beyond) = rest.split_at(rest.partition_point(within));
            rest = beyond;
            let old = match range.page {
                Some(at) => {
                    self.freed.push(at);
                    self.table.remove(space, range.start);
                    Some(self.live.page(&at)?)
                }
                None => None,
            };
            run.merge(old.as_ref(), here);
            match range.end {
                Some(end) if run.is_small() => range = self.table.covering(space, end),
                Some(_) | None => break,
            }
        }
        for (i, piece) in run.pieces().enumerate() {
            let begins = if i == 0 { start } else { piece.first_hash };
            let at = self.write_page(&piece.encode(), piece.count())?;
            self.table.insert(space, begins, at);
        }
        Ok(rest)
    }

    fn write_page(&mut self, bytes: &[u8], entries: u32) -> Result<PageRef, StoreError> {
        let at = PageRef::new(self.next_id, bytes, entries);
        self.next_id += 1;
        self.live.engine.write(&at, bytes)?;
        self.written.push(at);
        Ok(at)
    }
}
