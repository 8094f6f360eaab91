//! A store without a disk: for tests, and for tasks that may replay their whole changelog.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::store::{Entry, Marker, OpenStore, Space, StateStore, StoreError, StoreStats};

/// Snapshots in memory; gone with the process.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<Content>);

#[derive(Debug, Default)]
struct Content {
    spaces: HashMap<Space, HashMap<Bytes, Bytes, foldhash::fast::RandomState>>,
    marker: Option<Marker>,
}

/// A new store for each that is opened.
#[must_use]
pub fn stores() -> OpenStore {
    Arc::new(|_| Ok(Arc::new(MemoryStore::new())))
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl StateStore for MemoryStore {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let content = self.0.read();
        let Some(values) = content.spaces.get(&space) else {
            return Ok(vec![None; keys.len()]);
        };
        Ok(keys.iter().map(|key| values.get(key).cloned()).collect())
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let mut content = self.0.write();
        for entry in entries {
            let values = content.spaces.entry(entry.space).or_default();
            match &entry.value {
                Some(value) => values.insert(entry.key.clone(), value.clone()),
                None => values.remove(&entry.key),
            };
        }
        content.marker = Some(marker.clone());
        Ok(())
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        Ok(self.0.read().marker.clone())
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        // A copy (of references), so that `visit` may use this store.
        let values = self
            .0
            .read()
            .spaces
            .get(&space)
            .cloned()
            .unwrap_or_default();
        for (key, value) in &values {
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn wipe(&self) -> Result<(), StoreError> {
        *self.0.write() = Content::default();
        Ok(())
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let entries = self
            .0
            .read()
            .spaces
            .values()
            .map(HashMap::len)
            .sum::<usize>() as u64;
        Ok(StoreStats {
            entries,
            bytes_on_disk: 0,
        })
    }
}
