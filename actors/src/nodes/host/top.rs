//! Which sessions are the busiest, or the largest: looked for when somebody asks, over all that are in
//! memory, so that nothing is kept for it but a count in each session.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bytes::Bytes;
use serde::Serialize;

/// What sessions are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Rows and timers of the last minute.
    Rate,
    /// Bytes in memory.
    Bytes,
}

/// A session in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionFigures {
    /// The keyed operator.
    pub operator: String,
    /// The key as text.
    pub key: String,
    /// The task that owns it.
    pub task: String,
    /// Rows and timers of the last minute, about.
    pub rows_per_minute: u64,
    /// About its bytes in memory, as of the last epoch that touched it.
    pub bytes: usize,
    /// `hosted` or `dedicated`.
    pub hosting: &'static str,
}

/// The first of many, by one figure.
pub(super) struct Top {
    rank: Rank,
    limit: usize,
    /// The least of them first.
    first: BinaryHeap<Reverse<(u64, Reverse<Found>)>>,
}

/// One of them. Ordered by its key first, so that equals come in a known order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) key: Bytes,
    pub(super) operator: usize,
    pub(super) hosting: &'static str,
    pub(super) rows_per_minute: u64,
    pub(super) bytes: usize,
}

impl Top {
    pub(super) fn new(rank: Rank, limit: usize) -> Self {
        Self {
            rank,
            limit,
            first: BinaryHeap::new(),
        }
    }

    /// Takes a session into account; its key is copied only if it is among the first so far.
    pub(super) fn see(
        &mut self,
        (operator, hosting): (usize, &'static str),
        (key, rows_per_minute, bytes): (&[u8], u64, usize),
    ) {
        let score = match self.rank {
            Rank::Rate => rows_per_minute,
            Rank::Bytes => bytes as u64,
        };
        let least = self.first.peek().map(|Reverse((score, _))| *score);
        let full = self.first.len() >= self.limit;
        if self.limit == 0 || full && least.is_some_and(|least| score < least) {
            return;
        }
        let key = Bytes::copy_from_slice(key);
        let found = Found {
            key,
            operator,
            hosting,
            rows_per_minute,
            bytes,
        };
        self.first.push(Reverse((score, Reverse(found))));
        if self.first.len() > self.limit {
            self.first.pop();
        }
    }

    /// The first, in order.
    pub(super) fn finish(self) -> Vec<Found> {
        let sorted = self.first.into_sorted_vec().into_iter();
        sorted.map(|Reverse((_, Reverse(found)))| found).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_come_first_and_no_more_than_asked_for() {
        for (rank, expected) in [
            (Rank::Rate, ["k99", "k98", "k97"]),
            (Rank::Bytes, ["k0", "k1", "k2"]),
        ] {
            let mut top = Top::new(rank, 3);
            for nth in 0..100 {
                let key = format!("k{nth}");
                top.see((0, "hosted"), (key.as_bytes(), nth, 1_000 - nth as usize));
                assert!(top.first.len() <= 3);
            }
            let keys: Vec<Bytes> = top.finish().into_iter().map(|found| found.key).collect();
            assert_eq!(keys, expected.map(Bytes::from), "{rank:?}");
        }
        let mut none = Top::new(Rank::Rate, 0);
        none.see((0, "hosted"), (b"k", 1, 1));
        assert!(none.finish().is_empty());
    }
}
