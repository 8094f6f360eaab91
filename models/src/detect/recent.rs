//! The highest of the last so many surprises: a queue that falls, in constant time a row on average.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Rows that are the highest from themselves on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recent {
    /// (row, surprise): rows rise, surprises fall.
    highest: VecDeque<(u64, f64)>,
}

impl Recent {
    /// Whether a row is higher than each of the `span` rows before it; takes it in.
    pub(super) fn row(&mut self, row: u64, surprise: f64, span: usize) -> bool {
        let span = span as u64;
        while (self.highest.front()).is_some_and(|(at, _)| row.saturating_sub(*at) > span) {
            self.highest.pop_front();
        }
        let is_record = (self.highest.front()).is_none_or(|(_, highest)| surprise > *highest);
        while (self.highest.back()).is_some_and(|(_, lower)| *lower <= surprise) {
            self.highest.pop_back();
        }
        self.highest.push_back((row, surprise));
        is_record
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.highest.len() * size_of::<(u64, f64)>()
    }
}
