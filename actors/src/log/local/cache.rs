//! The newest chunks, kept in memory: consumers read what was just written.

use std::collections::{HashMap, VecDeque};

use super::chunk::Chunk;
use super::storage::ChunkKey;

/// Chunks in the order in which they came, within a number of bytes.
#[derive(Debug)]
pub(super) struct Cache {
    chunks: HashMap<ChunkKey, Chunk>,
    order: VecDeque<ChunkKey>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    /// An empty one.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            chunks: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// A chunk, if it is here.
    pub(super) fn get(&self, key: ChunkKey) -> Option<Chunk> {
        self.chunks.get(&key).cloned()
    }

    /// Keeps a chunk; the oldest go if there is no room.
    pub(super) fn put(&mut self, key: ChunkKey, chunk: Chunk) {
        let bytes = chunk.bytes().len();
        if bytes > self.bytes_max || self.chunks.contains_key(&key) {
            return;
        }
        while let Some(&oldest) = self.order.front() {
            let forgotten = !self.chunks.contains_key(&oldest);
            if !forgotten && self.bytes + bytes <= self.bytes_max {
                break;
            }
            self.order.pop_front();
            self.forget(oldest);
        }
        self.bytes += bytes;
        self.chunks.insert(key, chunk);
        self.order.push_back(key);
    }

    /// Forgets a chunk that is no longer in the log.
    pub(super) fn forget(&mut self, key: ChunkKey) {
        if let Some(chunk) = self.chunks.remove(&key) {
            self.bytes -= chunk.bytes().len();
        }
    }
}
