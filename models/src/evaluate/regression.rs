//! How far numbers are from the truth: mean absolute and root mean squared error.

use serde::{Deserialize, Serialize};

use super::confusion::ratio;

/// Running sums. Constant memory.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Errors {
    rows: f64,
    absolute: f64,
    squares: f64,
}

impl Errors {
    /// Counts a row.
    pub fn add(&mut self, truth: f64, said: f64) {
        let error = said - truth;
        self.rows += 1.0;
        self.absolute += error.abs();
        self.squares += error * error;
    }

    /// Mean absolute error; `None` without rows.
    #[must_use]
    pub fn mean_absolute(&self) -> Option<f64> {
        ratio(self.absolute, self.rows)
    }

    /// Root of the mean squared error; `None` without rows.
    #[must_use]
    pub fn root_mean_squared(&self) -> Option<f64> {
        ratio(self.squares, self.rows).map(f64::sqrt)
    }
}
