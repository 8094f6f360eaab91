//! Borders that cut numbers into bins.

use serde::{Deserialize, Serialize};

/// Bins between ascending borders: a bin holds its lower border and not its upper one; the outer bins are open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bins {
    edges: Vec<f64>,
}

impl Bins {
    /// Bins of equal shares of sorted numbers: the borders are their quantiles, interpolated linearly, each border
    /// once. Numbers of which one value has a large share give fewer bins; no numbers give one.
    #[must_use]
    pub fn equal_shares(sorted: &[f64], bins: usize) -> Self {
        let mut edges: Vec<f64> = Vec::with_capacity(bins);
        let Some(last) = sorted.len().checked_sub(1) else {
            return Self { edges };
        };
        for border in 1..bins {
            let place = (last * border) as f64 / bins as f64;
            let below = place.floor() as usize;
            let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
            let edge = low + (high - low) * (place - below as f64);
            if edges.last().is_none_or(|before| *before < edge) {
                edges.push(edge);
            }
        }
        Self { edges }
    }

    /// The inner borders, ascending.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// How many bins.
    #[must_use]
    pub fn len(&self) -> usize {
        self.edges.len() + 1
    }

    /// Never: even without borders there is one bin.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bin of a number, from 0.
    #[must_use]
    pub fn index(&self, x: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= x)
    }

    /// How many of some numbers fall into each bin.
    #[must_use]
    pub fn counts_of(&self, values: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; self.len()];
        for x in values {
            counts[self.index(*x)] += 1;
        }
        counts
    }
}
