//! A running mean, in river's order of operations.

use serde::{Deserialize, Serialize};

/// Mean of the numbers taken so far; 0 before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mean {
    /// How many.
    pub(super) n: f64,
    /// Their mean.
    pub(super) mean: f64,
}

impl Mean {
    /// Takes a number (West 1979). The reciprocal comes first: `(x - mean) / n` rounds otherwise.
    pub(super) fn update(&mut self, x: f64) {
        self.n += 1.0;
        self.mean += (1.0 / self.n) * (x - self.mean);
    }
}
