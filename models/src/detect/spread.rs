//! Mean and variance of each column, exponentially weighted: the recurrences of Finch (*Incremental calculation of
//! weighted mean and variance*, 2009). The first rows weigh alike, so that it begins as the plain mean and variance.

use serde::{Deserialize, Serialize};

/// Below this a variance is rounding.
const VARIANCE_MIN: f64 = 1e-12;
/// What stands for the deviation then, so that a change of a constant column is seen.
const DEVIATION_MIN: f64 = 1e-6;

/// Moments of each column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    alpha: f64,
    rows: u64,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Spread {
    /// `alpha`: weight of the newest row, in (0, 1].
    pub(super) fn new(alpha: f64, width: usize) -> Self {
        Self {
            alpha,
            rows: 0,
            means: vec![0.0; width],
            variances: vec![0.0; width],
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Distance of a value from its column's mean, in deviations.
    pub(super) fn z(&self, column: usize, value: f64) -> f64 {
        (value - self.means[column]) / self.deviation(column)
    }

    /// Of a column; above zero.
    pub(super) fn deviation(&self, column: usize) -> f64 {
        let variance = self.variances[column];
        match variance > VARIANCE_MIN {
            true => variance.sqrt(),
            false => DEVIATION_MIN,
        }
    }

    pub(super) fn add(&mut self, values: &[f64]) {
        self.rows += 1;
        #[expect(clippy::cast_precision_loss, reason = "a weight")]
        let alpha = self.alpha.max(1.0 / self.rows as f64);
        let moments = self.means.iter_mut().zip(&mut self.variances);
        for ((mean, variance), value) in moments.zip(values) {
            let distance = value - *mean;
            *mean += alpha * distance;
            *variance = (1.0 - alpha) * (*variance + alpha * distance * distance);
        }
    }

    pub(super) fn fits(&self, alpha: f64, width: usize) -> bool {
        self.alpha.to_bits() == alpha.to_bits()
            && self.means.len() == width
            && self.variances.len() == width
    }

    pub(super) fn heap_bytes(&self) -> usize {
        2 * self.means.len() * size_of::<f64>()
    }
}
