//! What sessions leave behind: snapshots in envelopes, in a store that is a cache of the changelog.

pub mod envelope;
pub mod store;
pub mod memory;
pub mod sled_store;
pub mod overlay;
