//! Which stretches of the page file are free. Kept in memory only: what no page of the table takes is
//! free, so there is nothing to go wrong on disk.
//!
//! A page takes the smallest free stretch that it fits into, the lowest of these, and the end of the
//! file if there is none. Pages are of similar size, so holes are soon filled exactly.

use std::collections::{BTreeMap, BTreeSet};

/// Pages begin at multiples of this. Larger wastes more of the last block, smaller leaves more holes
/// that fit nothing.
pub(super) const BLOCK_BYTES: u64 = 512;

/// Blocks in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Extent {
    /// The first one's number.
    pub(super) first: u64,
    /// How many.
    pub(super) blocks: u64,
}

/// The free blocks of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Space {
    /// Length by first block; no two touch, none touches the end.
    by_place: BTreeMap<u64, u64>,
    /// The same as (length, first block).
    by_length: BTreeSet<(u64, u64)>,
    /// All blocks from here on are free.
    end: u64,
}

impl Extent {
    /// What this many bytes take at a place.
    pub(super) fn of(first: u64, bytes: usize) -> Self {
        let blocks = (bytes as u64).div_ceil(BLOCK_BYTES);
        Self { first, blocks }
    }

    fn end(&self) -> u64 {
        self.first.saturating_add(self.blocks)
    }
}

impl Space {
    /// What these leave free; `None` if two of them overlap.
    pub(super) fn beside(taken: impl Iterator<Item = Extent>) -> Option<Self> {
        let mut taken: Vec<Extent> = taken.collect();
        taken.sort_unstable();
        let mut space = Self::default();
        for extent in taken {
            let gap = extent.first.checked_sub(space.end)?;
            space.add(space.end, gap);
            space.end = extent.end();
        }
        Some(space)
    }

    /// Takes room for this many bytes; returns its first block.
    pub(super) fn take(&mut self, bytes: usize) -> u64 {
        let Extent { blocks, .. } = Extent::of(0, bytes);
        let Some((length, first)) = self.by_length.range((blocks, 0)..).next().copied() else {
            let first = self.end;
            self.end += blocks;
            return first;
        };
        self.remove(first, length);
        self.add(first + blocks, length - blocks);
        first
    }

    /// Gives back what was taken.
    pub(super) fn give(&mut self, extent: Extent) {
        let Extent { mut first, .. } = extent;
        let mut end = extent.end();
        if let Some((before, length)) = self.by_place.range(..first).next_back()
            && before + length == first
        {
            let (before, length) = (*before, *length);
            self.remove(before, length);
            first = before;
        }
        if let Some(length) = self.by_place.get(&end).copied() {
            self.remove(end, length);
            end += length;
        }
        if end == self.end {
            self.end = first;
        } else {
            self.add(first, end - first);
        }
    }

    fn add(&mut self, first: u64, length: u64) {
        if length > 0 {
            self.by_place.insert(first, length);
            self.by_length.insert((length, first));
        }
    }

    fn remove(&mut self, first: u64, length: u64) {
        self.by_place.remove(&first);
        self.by_length.remove(&(length, first));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_that_overlap_are_no_pages() {
        let extent = |first, blocks| Extent { first, blocks };
        assert!(Space::beside([extent(0, 2), extent(2, 3), extent(9, 1)].into_iter()).is_some());
        assert!(Space::beside([extent(0, 3), extent(2, 3)].into_iter()).is_none());
        assert!(Space::beside([extent(4, 1), extent(4, 1)].into_iter()).is_none());
    }

    proptest! {
        #[test]
        fn what_is_taken_never_overlaps_and_what_is_given_back_is_as_if_never_taken(
            steps in prop::collection::vec((any::<bool>(), 1usize..4_000, any::<usize>()), 1..200)
        ) {
            let mut space = Space::default();
            let mut taken: Vec<Extent> = Vec::new();
            for (gives, bytes, which) in steps {
                if gives && !taken.is_empty() {
                    space.give(taken.swap_remove(which % taken.len()));
                } else {
                    taken.push(Extent::of(space.take(bytes), bytes));
                }
                // The oracle counts blocks; no holes but what nobody holds.
                prop_assert_eq!(Space::beside(taken.iter().copied()), Some(space.clone()));
            }
            taken.into_iter().for_each(|extent| space.give(extent));
            prop_assert_eq!(space, Space::default());
        }
    }
}
