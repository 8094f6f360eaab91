//! Distance from an exponentially weighted mean, in exponentially weighted standard deviations (Roberts: *Control
//! Chart Tests Based on Geometric Moving Averages*, Technometrics 1959); of the column where it is greatest.

use serde::{Deserialize, Serialize};

use super::spread::Spread;

/// With fewer rows the deviation says nothing.
const ROWS_MIN: u64 = 10;

/// One key's means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ewma {
    spread: Spread,
}

impl Ewma {
    pub(super) fn new(alpha: f64, width: usize) -> Self {
        Self {
            spread: Spread::new(alpha, width),
        }
    }

    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        let scores = values.iter().enumerate();
        let scores = scores.map(|(column, value)| self.spread.z(column, *value).abs());
        let score = scores.fold(0.0, f64::max);
        let is_known = self.spread.rows() >= ROWS_MIN;
        self.spread.add(values);
        is_known.then_some(score)
    }

    pub(super) fn fits(&self, alpha: f64, width: usize) -> bool {
        self.spread.fits(alpha, width)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.spread.heap_bytes()
    }
}
