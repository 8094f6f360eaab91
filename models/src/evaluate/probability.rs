//! How good probabilities are as such: log-loss (Good: *Rational decisions*, 1952), the Brier score (Brier 1950), and
//! the expected calibration error (Naeini, Cooper, Hauskrecht: *Obtaining well calibrated probabilities using Bayesian
//! binning*, AAAI 2015).

use serde::{Deserialize, Serialize};

use super::confusion::ratio;

/// Probabilities nearer to 0 or 1 are taken as this near: one sure error must not make the mean infinite.
const NEAREST: f64 = 1e-15;
/// Bins of equal width of the calibration error.
const BINS: usize = 10;

/// Running sums over rows of two classes. Memory: the bins.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProbabilityScores {
    rows: f64,
    log_loss: f64,
    squares: f64,
    bins: [Bin; BINS],
}

/// Rows whose probability lies in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Bin {
    rows: f64,
    probabilities: f64,
    positives: f64,
}

impl ProbabilityScores {
    /// Counts a row: the probability of class 1, in [0, 1], and whether it is of class 1. NaN is not counted.
    pub fn add(&mut self, probability: f64, is_positive: bool) {
        if probability.is_nan() {
            return;
        }
        let probability = probability.clamp(0.0, 1.0);
        let truth = f64::from(is_positive);
        let of_truth = if is_positive {
            probability
        } else {
            1.0 - probability
        };
        self.rows += 1.0;
        self.log_loss -= of_truth.max(NEAREST).ln();
        self.squares += (probability - truth).powi(2);
        let bin = ((probability * BINS as f64) as usize).min(BINS - 1);
        let bin = &mut self.bins[bin];
        bin.rows += 1.0;
        bin.probabilities += probability;
        bin.positives += truth;
    }

    /// Mean of the negative logarithm of the true class's probability; `None` without rows.
    #[must_use]
    pub fn log_loss(&self) -> Option<f64> {
        ratio(self.log_loss, self.rows)
    }

    /// Mean squared distance of the probability to 0 or 1, whichever is true; `None` without rows.
    #[must_use]
    pub fn brier(&self) -> Option<f64> {
        ratio(self.squares, self.rows)
    }

    /// Mean over the rows of the distance between a bin's mean probability and its share of positives, in ten bins of
    /// equal width, the lower edge of each included; `None` without rows.
    #[must_use]
    pub fn calibration_error(&self) -> Option<f64> {
        let gaps = self
            .bins
            .iter()
            .map(|bin| (bin.probabilities - bin.positives).abs());
        ratio(gaps.sum(), self.rows)
    }
}

/// Log-loss of a row with any number of classes.
#[must_use]
pub fn log_loss(of_truth: f64) -> f64 {
    -of_truth.clamp(NEAREST, 1.0).ln()
}
