//! Smallest and largest of a window that moves: a monotonic queue (the "ascending minima" of
//! R. Harter, 2001), amortised one comparison and a half per value.

use std::collections::VecDeque;

use crate::operators::keyed::Value;

/// Positions in the ring, oldest first, each value better than all those before it would be: what is
/// older and no better than a newer one can never be the extreme again.
#[derive(Debug, Clone, Default)]
pub(in crate::operators) struct Monotonic {
    positions: VecDeque<u64>,
}

impl Monotonic {
    /// Takes the newest value. `at` gives the values of earlier positions, `is_better` the order.
    pub(in crate::operators) fn add<'a>(
        &mut self,
        position: u64,
        value: Value<'a>,
        at: impl Fn(u64) -> Option<Value<'a>>,
        is_better: impl Fn(Value<'a>, Value<'a>) -> bool,
    ) {
        while let Some(last) = self.positions.back() {
            let stays = at(*last).is_some_and(|last| is_better(last, value));
            if stays {
                break;
            }
            self.positions.pop_back();
        }
        self.positions.push_back(position);
    }

    /// Gives up the oldest position of the window.
    pub(in crate::operators) fn remove(&mut self, position: u64) {
        if self.positions.front() == Some(&position) {
            self.positions.pop_front();
        }
    }

    /// Position of the extreme.
    pub(in crate::operators) fn best(&self) -> Option<u64> {
        self.positions.front().copied()
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        self.positions.capacity() * size_of::<u64>()
    }
}
