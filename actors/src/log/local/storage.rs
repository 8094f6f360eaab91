//! What a local log needs of the place where it keeps its bytes.
//!
//! Two spaces. *Chunks* are large and come and go; nothing reads a chunk that the *index* does not
//! name, so they need no atomicity. The *index* is small (topics, ends, chunk summaries, groups'
//! offsets) and changes in atomic steps: one step per transaction makes all of it visible.
//!
//! Order is the invariant: whoever finds an index step after a crash finds the chunks that were
//! written before it.

use bytes::Bytes;

use crate::log::LogError;

/// Name of a chunk. Sorts by topic, partition, base offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkKey {
    /// Topic's number.
    pub topic: u32,
    /// Partition.
    pub partition: u32,
    /// Base offset, never negative.
    pub base: i64,
    /// How often what stands at this base was rewritten.
    pub generation: u32,
}

impl ChunkKey {
    /// Whether both are of one partition.
    #[must_use]
    pub fn is_of(&self, other: Self) -> bool {
        (self.topic, self.partition) == (other.topic, other.partition)
    }
}

/// Changes of the index: a value to put, or `None` to remove the key.
pub(crate) type IndexStep = Vec<(Bytes, Option<Bytes>)>;

/// A place for bytes. Calls block. One writer at a time; readers beside it.
pub trait Storage: Send + Sync + 'static {
    /// The whole index.
    ///
    /// # Errors
    /// If it cannot be read.
    fn index(&self) -> Result<Vec<(Bytes, Bytes)>, LogError>;

    /// Writes chunks that nothing names yet.
    ///
    /// # Errors
    /// If the place is full or broken.
    fn put_chunks(&self, chunks: &[(ChunkKey, Bytes)]) -> Result<(), LogError>;

    /// A chunk's bytes.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn chunk(&self, key: ChunkKey) -> Result<Option<Bytes>, LogError>;

    /// Chunks of a partition at or after a base offset.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn chunks_from(&self, first: ChunkKey) -> Result<Vec<ChunkKey>, LogError>;

    /// Removes chunks that nothing names any more.
    ///
    /// # Errors
    /// If the place is broken.
    fn remove_chunks(&self, keys: &[ChunkKey]) -> Result<(), LogError>;

    /// Changes the index, all or nothing, after the chunks before; returns when it will be found
    /// again after whatever the place promises to survive.
    ///
    /// # Errors
    /// If the place is full or broken.
    fn commit(&self, step: IndexStep) -> Result<(), LogError>;

    /// Changes the index as [`Storage::commit`] does, but does not wait: it is found again whenever a
    /// later step is.
    ///
    /// # Errors
    /// If the place is full or broken.
    fn note(&self, step: IndexStep) -> Result<(), LogError> {
        self.commit(step)
    }
}
