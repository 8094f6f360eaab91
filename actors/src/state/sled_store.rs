//! The store on disk: pages of many sessions each in a file, and a sled database that says which of
//! them count.
//!
//! sled pays 8–24 µs for a small value and keeps whole leaves of large ones in memory. So sessions
//! are packed: a key's hash decides its page, a page covers a range of hashes and splits when it grows
//! ([`page`]). Pages lie in a file of their own ([`page_file`]). A [`table`] in sled says which page
//! covers which range, where it lies, and which checksum it has.
//!
//! Nothing that counts is changed in place. An epoch writes the pages it touches where the file is
//! free ([`space`]), then a new table into the slot that does not count, then waits until sled has
//! written it; only then it writes that slot's *root*, which names the table and holds the marker.
//! What only the table before named is free from then on. Two slots alternate. So whenever the process
//! dies, the newest whole root names a table and pages that are complete and unchanged: **the data
//! always are exactly what the marker says**. A page that is lost, cut or from the past does not have
//! the checksum that the table names: an error, never wrong state.
//!
//! sled orders its writes in one log and recovers a prefix of it, and what was written to a file is the
//! operating system's: that is all the above needs against the death of the process. Neither is
//! durable against the death of the machine; then the checksums find what is missing, and the store is
//! replayed from the changelog.
//!
//! Folder: `DIR/N/` is the database, with the file `pages` in it; each wipe begins the next N, so a
//! database that hangs or panics never has to be asked for anything again.

mod engine;
mod hash;
mod page;
mod page_file;
mod space;
mod table;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};

use super::store::{Entry, Marker, OpenStore, Space, StateStore, StoreError, StoreStats};
use engine::Engine;
use page::{Edit, Page, Run};
use page_file::PageFile;
use table::{PageRef, Root, Sum, Table};

/// How often, and how far apart, a locked database is tried: a quarter of a second in all.
const LOCK_TRIES: usize = 25;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A task's snapshots in a folder of its own.
pub struct SledStore {
    dir: PathBuf,
    live: RwLock<Live>,
    /// Held by the one write or wipe that runs.
    writer: Mutex<()>,
    /// What a read or a write found broken: from then on there is no marker, so that the next restore
    /// wipes the store and does not trust what it has not read.
    damage: Mutex<Option<String>>,
}

/// What readers see. Replaced whole, so that no lock is held over I/O.
#[derive(Clone)]
struct Live {
    engine: Arc<Engine>,
    file: Arc<PageFile>,
    root: Arc<Root>,
    table: Arc<Table>,
    /// What of the file the table leaves free.
    free: Arc<space::Space>,
    /// N of the folder.
    number: u64,
}

/// Stores in folders of their own below this one.
#[must_use]
pub fn stores(dir: PathBuf) -> OpenStore {
    Arc::new(move |name| Ok(Arc::new(SledStore::open(&dir.join(name))?)))
}

impl SledStore {
    /// Opens or creates the store in a folder that is its own. A database that cannot be opened is
    /// wiped: the store is then new and has no marker.
    ///
    /// # Errors
    /// If another process has it open, or the folder cannot be written.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let number = engine::newest_number(dir)?;
        let live = match Live::open_patiently(dir, number) {
            Ok(live) => live,
            Err(error @ (StoreError::Locked(_) | StoreError::Io { .. })) => return Err(error),
            Err(error @ (StoreError::Corrupt { .. } | StoreError::Engine { .. })) => {
                tracing::warn!(%error, "state store cannot be opened and is wiped");
                Live::open(dir, number + 1)?
            }
        };
        engine::remove_older(dir, live.number);
        Ok(Self {
            dir: dir.to_owned(),
            live: RwLock::new(live),
            writer: Mutex::new(()),
            damage: Mutex::new(None),
        })
    }

    /// Runs a read; again if the table was replaced meanwhile, because then pages that it named may
    /// be written over.
    fn read<T>(
        &self,
        mut reading: impl FnMut(&Live) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        loop {
            let live = self.live.read().clone();
            let result = reading(&live);
            if result.is_ok() || Arc::ptr_eq(&live.table, &self.live.read().table) {
                return self.remember_damage(result);
            }
        }
    }

    fn remember_damage<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error @ (StoreError::Corrupt { .. } | StoreError::Engine { .. })) = &result {
            *self.damage.lock() = Some(error.to_string());
        }
        result
    }
}

impl StateStore for SledStore {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.read(|live| live.load_many(space, keys))
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let _one_at_a_time = self.writer.lock();
        let before = self.live.read().clone();
        let after = self.remember_damage(before.write(entries, marker))?;
        *self.live.write() = after;
        Ok(())
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        match &*self.damage.lock() {
            None => Ok(self.live.read().root.marker.clone()),
            Some(what) => Err(StoreError::Corrupt {
                path: self.dir.clone(),
                what: format!("it was found before: {what}"),
            }),
        }
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
        let fresh = Live::open(&self.dir, number)?;
        let old = std::mem::replace(&mut *self.live.write(), fresh);
        drop(old);
        *self.damage.lock() = None;
        engine::remove_older(&self.dir, number);
        Ok(())
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let live = self.live.read().clone();
        Ok(StoreStats {
            entries: live.table.entries(),
            bytes_on_disk: live.engine.bytes_on_disk() + live.file.bytes_on_disk(),
        })
    }
}

impl Live {
    /// Opens a database; if it is locked, for a while again and again: sled lets go of its lock some
    /// milliseconds after it was closed, and whoever holds a file lock does not say when.
    fn open_patiently(dir: &Path, number: u64) -> Result<Self, StoreError> {
        for _ in 0..LOCK_TRIES {
            match Self::open(dir, number) {
                Err(StoreError::Locked(_)) => std::thread::park_timeout(LOCK_PAUSE),
                opened => return opened,
            }
        }
        Self::open(dir, number)
    }

    /// Opens a database and finds its newest whole root.
    fn open(dir: &Path, number: u64) -> Result<Self, StoreError> {
        let folder = dir.join(number.to_string());
        let engine = Engine::open(&folder)?;
        let roots = [engine.read_root(0)?, engine.read_root(1)?];
        let found = roots.iter().any(Option::is_some);
        let whole = roots.iter().flatten().filter_map(Root::decode);
        let root = match whole.max_by_key(|root| root.sequence) {
            Some(root) => root,
            None if found => return Err(engine.corrupt("no root is whole")),
            None => Root::default(),
        };
        let table = match root.table {
            Some(sum) => {
                let bytes = engine.read_table(root.slot(), sum)?;
                Table::decode(&bytes).ok_or_else(|| engine.corrupt("table does not decode"))?
            }
            None => Table::default(),
        };
        let free = space::Space::beside(table.pages().map(PageRef::extent))
            .ok_or_else(|| engine.corrupt("pages overlap"))?;
        Ok(Self {
            engine: Arc::new(engine),
            file: Arc::new(PageFile::open(&folder)?),
            root: Arc::new(root),
            table: Arc::new(table),
            free: Arc::new(free),
            number,
        })
    }

    fn page(&self, at: &PageRef) -> Result<Page, StoreError> {
        let bytes = self.file.read(at)?;
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
            free: space::Space::clone(&self.free),
            dropped: Vec::new(),
        };
        let mut rest = edits.as_slice();
        while !rest.is_empty() {
            rest = next.apply_first(rest)?;
        }
        let table_bytes = next.table.encode();
        let root = Root {
            sequence: self.root.sequence + 1,
            table: Some(Sum::of(&table_bytes)),
            marker: Some(marker.clone()),
        };
        self.engine.write_table(root.slot(), &table_bytes)?;
        self.engine.sync()?;
        self.engine.write_root(root.slot(), &root.encode())?;
        self.engine.sync()?;
        for page in next.dropped {
            next.free.give(page.extent());
        }
        Ok(Self {
            engine: Arc::clone(&self.engine),
            file: Arc::clone(&self.file),
            root: Arc::new(root),
            table: Arc::new(next.table),
            free: Arc::new(next.free),
            number: self.number,
        })
    }
}

/// The table that an epoch makes, while it is made.
struct NextTable<'a> {
    live: &'a Live,
    table: Table,
    /// What neither the table before nor this one takes.
    free: space::Space,
    /// Pages that only the table before names.
    dropped: Vec<PageRef>,
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
                    self.dropped.push(at);
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
            let page = self.write_page(&piece.encode(), piece.count())?;
            self.table.insert(space, begins, page);
        }
        Ok(rest)
    }

    fn write_page(&mut self, bytes: &[u8], entries: u32) -> Result<PageRef, StoreError> {
        let page = PageRef {
            block: self.free.take(bytes.len()),
            sum: Sum::of(bytes),
            entries,
        };
        self.live.file.write(&page, bytes)?;
        Ok(page)
    }
}
