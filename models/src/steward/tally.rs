//! How a version does on labelled rows, in a few numbers.

use serde::{Deserialize, Serialize};

/// The smallest probability that a logarithm is taken of: one wrong certainty must not outweigh all else.
const SURE: f64 = 1e-7;

/// Sums over labelled rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) rows: u64,
    pub(super) errors: u64,
    log_loss: f64,
    squares: f64,
    least: Option<f64>,
    most: Option<f64>,
}

impl Tally {
    /// Counts a row: the score in 0..=1, whether it says yes rightly.
    pub(super) fn add(&mut self, score: f64, label: bool, is_error: bool) {
        self.rows += 1;
        self.errors += u64::from(is_error);
        let truth = f64::from(u8::from(label));
        let sure = score.clamp(SURE, 1.0 - SURE);
        self.log_loss -= if label { sure.ln() } else { (1.0 - sure).ln() };
        self.squares += (score - truth).powi(2);
        self.least = Some(self.least.map_or(score, |least| least.min(score)));
        self.most = Some(self.most.map_or(score, |most| most.max(score)));
    }

    /// Name and value of each metric; none without rows.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (&'static str, f64)> + use<> {
        #[expect(clippy::cast_precision_loss, reason = "rows are far below 2^53")]
        let rows = self.rows as f64;
        #[expect(clippy::cast_precision_loss, reason = "as rows")]
        let errors = self.errors as f64;
        [
            ("accuracy", 1.0 - errors / rows),
            ("log-loss", self.log_loss / rows),
            ("brier", self.squares / rows),
        ]
        .into_iter()
        .filter(move |_| rows > 0.0)
    }

    /// Whether all its scores were the same.
    pub(super) fn is_constant(&self) -> bool {
        self.least == self.most
    }
}
