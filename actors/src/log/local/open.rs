//! Opening: reads the index, then removes what a crash left behind.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::cache::Cache;
use super::entry::Entry;
use super::maintain::Maintenance;
use super::state::State;
use super::storage::{ChunkKey, Storage};
use super::{LocalLog, LocalOptions, Shared, put, remove};
use crate::log::LogError;

impl<S: Storage> LocalLog<S> {
    /// Opens the log that a storage holds; an empty storage is an empty log.
    ///
    /// # Errors
    /// If the storage cannot be read or its index is damaged.
    pub(in crate::log) fn open_on(storage: S, options: LocalOptions) -> Result<Self, LogError> {
        let stored = storage.index()?;
        if stored.is_empty() {
            storage.commit(vec![put(&Entry::Format)])?;
        }
        let entries = stored.iter().map(|(key, value)| Entry::decode(key, value));
        let (state, doomed) = State::from_entries(entries.collect::<Result<_, _>>()?)?;
        remove_doomed(&storage, &doomed)?;
        remove_uncommitted(&storage, &state)?;
        Ok(Self::with_state(storage, state, options))
    }

    /// A log on a storage that is empty and will never be opened again.
    pub(in crate::log) fn empty_on(storage: S, options: LocalOptions) -> Self {
        Self::with_state(storage, State::default(), options)
    }

    fn with_state(storage: S, state: State, options: LocalOptions) -> Self {
        Self(Arc::new(Shared {
            storage,
            maintenance: Mutex::new(Maintenance::default()),
            writing: Mutex::new(()),
            state: Mutex::new(state),
            changed: Condvar::new(),
            cache: Mutex::new(Cache::new(options.cache_bytes)),
            options,
        }))
    }
}

/// Chunks that the index let go of but that were perhaps not yet removed.
fn remove_doomed<S: Storage>(storage: &S, doomed: &[ChunkKey]) -> Result<(), LogError> {
    if doomed.is_empty() {
        return Ok(());
    }
    storage.remove_chunks(doomed)?;
    storage.commit(
        doomed
            .iter()
            .map(|key| remove(&Entry::Doomed(*key)))
            .collect(),
    )
}

/// Chunks behind the partitions' ends: their transactions never happened.
fn remove_uncommitted<S: Storage>(storage: &S, state: &State) -> Result<(), LogError> {
    for topic in state.topics.values() {
        for (partition, number) in topic.partitions.iter().zip(0..) {
            let left = storage.chunks_from(ChunkKey {
                topic: topic.number,
                partition: number,
                base: partition.range.end,
                generation: 0,
            })?;
            if !left.is_empty() {
                storage.remove_chunks(&left)?;
            }
        }
    }
    Ok(())
}
