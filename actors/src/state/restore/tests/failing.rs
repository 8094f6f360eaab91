//! A store that fails when it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::state::{Entry, Marker, MemoryStore, Space, StateStore, StoreError, StoreStats};

/// A store that refuses writes from some write on; until it is wiped, if that is its cure.
pub(super) struct FailingStore {
    pub(super) inner: MemoryStore,
    pub(super) writes_left: AtomicUsize,
    pub(super) wipes: AtomicUsize,
    pub(super) cured_by_wipe: bool,
    /// It fails for want of room.
    pub(super) full: bool,
}

impl FailingStore {
    pub(super) fn after(writes: usize) -> Self {
        Self {
            inner: MemoryStore::new(),
            writes_left: AtomicUsize::new(writes),
            wipes: AtomicUsize::new(0),
            cured_by_wipe: false,
            full: false,
        }
    }

    fn refused<T>(&self) -> Result<T, StoreError> {
        let path = std::path::PathBuf::new();
        Err(match self.full {
            true => StoreError::Io {
                path,
                source: std::io::ErrorKind::StorageFull.into(),
            },
            false => StoreError::Corrupt {
                path,
                what: "made to fail".into(),
            },
        })
    }
}

impl StateStore for FailingStore {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.inner.load_many(space, keys)
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let left = self.writes_left.load(Ordering::Relaxed);
        if left == 0 {
            return self.refused();
        }
        self.writes_left.store(left - 1, Ordering::Relaxed);
        self.inner.put_epoch(entries, marker)
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        self.inner.marker()
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        self.inner.scan(space, visit)
    }

    fn wipe(&self) -> Result<(), StoreError> {
        self.wipes.fetch_add(1, Ordering::Relaxed);
        if !self.cured_by_wipe {
            return self.refused();
        }
        self.writes_left.store(usize::MAX, Ordering::Relaxed);
        self.inner.wipe()
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        self.inner.stats()
    }
}
