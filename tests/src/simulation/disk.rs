//! The disk of a machine: the stores of its tasks, over the lives of its processes.
//!
//! A process that dies may lose the writes that it made last, or all of its stores; a write may be torn,
//! so that it changed some keys and the marker before it still holds; a read may find damage, after which
//! the store has no marker until it is wiped. All of that a store is allowed by its contract.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use actors::log::LogRecord;
use actors::state::store::{Entry, Marker, OpenStore, Space, StateStore, StoreError, StoreStats};
use bytes::Bytes;
use parking_lot::Mutex;

use super::process::Process;
use super::world::World;

/// Writes that may still be lost.
const UNSYNCED: usize = 3;

/// A disk.
#[derive(Default)]
pub(super) struct Disk(Mutex<BTreeMap<String, Platter>>);

/// One store on it.
#[derive(Default, Clone)]
struct Platter {
    content: Content,
    /// Before the last writes, oldest first.
    before: Vec<Content>,
    damaged: bool,
}

/// What a store holds.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) values: BTreeMap<(Space, Bytes), Bytes>,
    pub(super) marker: Option<Marker>,
}

impl Content {
    fn put(&mut self, entry: Entry) {
        let key = (entry.space, entry.key);
        match entry.value {
            Some(value) => self.values.insert(key, value),
            None => self.values.remove(&key),
        };
    }
}

impl Disk {
    /// Opens stores on it for a process.
    pub(super) fn stores(process: &Arc<Process>) -> OpenStore {
        let process = Arc::clone(process);
        Arc::new(move |name| {
            let store = SimulatedStore {
                process: Arc::clone(&process),
                name: name.to_owned(),
            };
            Ok(Arc::new(store))
        })
    }

    /// The process that wrote it dies.
    pub(super) fn crash(&self, world: &World) {
        let mut platters = self.0.lock();
        if !world.strikes(world.chances.writes_lost) {
            return;
        }
        if world.draw(0..4) == 0 {
            world.note(format_args!("the disk is lost"));
            platters.clear();
            return;
        }
        for (name, platter) in platters.iter_mut() {
            let lost = world.draw(0..platter.before.len() + 1);
            world.note(format_args!("store {name} loses {lost} writes"));
            for _ in 0..lost {
                if let Some(before) = platter.before.pop() {
                    platter.content = before;
                }
            }
        }
    }

    /// What a store holds; `None` if there is no such store, or it is damaged.
    pub(super) fn content(&self, name: &str) -> Option<Content> {
        let platters = self.0.lock();
        let platter = platters.get(name)?;
        (!platter.damaged).then(|| platter.content.clone())
    }

    /// The deliberate error: puts what is not committed into a store.
    pub(super) fn put_early(&self, name: &str, space: Space, records: &[LogRecord]) {
        let mut platters = self.0.lock();
        let platter = platters.entry(name.to_owned()).or_default();
        for record in records {
            platter.content.put(Entry {
                space,
                key: record.key.clone().unwrap_or_default(),
                value: record.value.clone(),
            });
        }
    }
}

/// A store as a process has it.
struct SimulatedStore {
    process: Arc<Process>,
    name: String,
}

impl SimulatedStore {
    fn with<T>(&self, work: impl FnOnce(&mut Platter) -> T) -> Result<T, StoreError> {
        if self.process.is_dead() {
            return Err(self.failed("the process is dead"));
        }
        let mut platters = self.process.disk.0.lock();
        Ok(work(platters.entry(self.name.clone()).or_default()))
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        let Process { world, node, .. } = &*self.process;
        world.note(format_args!("{node} store {} {what}", self.name));
    }

    fn failed(&self, what: &str) -> StoreError {
        StoreError::Engine {
            path: PathBuf::from(&self.name),
            what: what.to_owned(),
        }
    }

    fn damaged(&self) -> StoreError {
        StoreError::Corrupt {
            path: PathBuf::from(&self.name),
            what: "an injected fault".to_owned(),
        }
    }
}

impl StateStore for SimulatedStore {
    fn load_many(&self, space: Space, keys: &[Bytes]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let world = &self.process.world;
        let strikes = world.strikes(world.chances.store_damaged);
        let loaded = self.with(|platter| {
            platter.damaged |= strikes;
            let value = |key: &Bytes| platter.content.values.get(&(space, key.clone())).cloned();
            (!platter.damaged).then(|| keys.iter().map(value).collect())
        })?;
        let what = if loaded.is_some() { "read" } else { "damaged" };
        self.note(format_args!("{what} {}", keys.len()));
        loaded.ok_or_else(|| self.damaged())
    }

    fn put_epoch(&self, entries: &[Entry], marker: &Marker) -> Result<(), StoreError> {
        let world = &self.process.world;
        let mut entries = entries.to_vec();
        // Whoever calls has them in the order of a hash table.
        entries.sort_by(|a, b| (a.space, &a.key).cmp(&(b.space, &b.key)));
        let torn = world
            .strikes(world.chances.write_torn)
            .then(|| world.draw(0..entries.len() + 1));
        let changelog = &marker.changelog;
        self.note(format_args!(
            "writes {} to {changelog:?}, torn {torn:?}",
            entries.len()
        ));
        let whole = entries.len();
        let written = self.with(|platter| {
            if platter.damaged {
                return false;
            }
            platter.before.push(platter.content.clone());
            if platter.before.len() > UNSYNCED {
                platter.before.remove(0);
            }
            for entry in entries.into_iter().take(torn.unwrap_or(whole)) {
                platter.content.put(entry);
            }
            if torn.is_none() {
                platter.content.marker = Some(marker.clone());
            }
            true
        })?;
        match (written, torn) {
            (false, _) => Err(self.damaged()),
            (true, Some(_)) => Err(self.failed("an injected fault")),
            (true, None) => Ok(()),
        }
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        let marker =
            self.with(|platter| (!platter.damaged).then(|| platter.content.marker.clone()))?;
        marker.ok_or_else(|| self.damaged())
    }

    fn scan(
        &self,
        space: Space,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), StoreError> {
        let content = self.with(|platter| (!platter.damaged).then(|| platter.content.clone()))?;
        let content = content.ok_or_else(|| self.damaged())?;
        for ((_, key), value) in content.values.iter().filter(|((of, _), _)| *of == space) {
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn wipe(&self) -> Result<(), StoreError> {
        self.note(format_args!("wiped"));
        self.with(|platter| *platter = Platter::default())
    }

    fn stats(&self) -> Result<StoreStats, StoreError> {
        let entries = self.with(|platter| platter.content.values.len() as u64)?;
        Ok(StoreStats {
            entries,
            bytes_on_disk: 0,
        })
    }
}
