//! What sessions leave behind: snapshots in envelopes, in a store that is a cache of the changelog.

pub mod envelope;
pub mod store;
pub mod memory;
pub mod sled_store;
pub mod overlay;
pub mod restore;

#[cfg(test)]
mod conformance;

pub use memory::MemoryStore;
pub use overlay::{FlushStats, TaskState};
pub use restore::{Restored, restore};
pub use sled_store::SledStore;
pub use store::{Entry, Marker, Space, StateStore, StoreError, StoreStats};
