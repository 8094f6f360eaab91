//! Measures of a classifier of two classes while labels come in, in bounded memory.
//!
//! Counts (confusion, probabilities) are over all rows and a window; what needs scores in order (ROC-AUC, average
//! precision) is over the window, computed when asked for.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Prequential, ProbabilityScores, Ranking, Report};

/// Factor by which a row's weight falls with each row after it: a thousand rows count.
const FADING: f64 = 0.999;

/// Running measures. Memory: 40 bytes a row of the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    threshold: f32,
    prequential: Prequential,
    probabilities: ProbabilityScores,
    /// (probability of class 1, whether it is) of the latest rows, the oldest first.
    pub(super) window: VecDeque<(f32, bool)>,
    window_rows: usize,
}

impl Live {
    /// Nothing seen yet. A probability of at least `threshold` says class 1; `window` rows, at least one.
    #[must_use]
    pub fn new(threshold: f32, window: usize) -> Self {
        Self {
            threshold,
            prequential: Prequential::new(2, window, FADING),
            probabilities: ProbabilityScores::default(),
            window: VecDeque::new(),
            window_rows: window.max(1),
        }
    }

    /// Counts a row, in the order of the labels. A probability that is NaN is not counted.
    pub fn add(&mut self, probability: f32, is_positive: bool) {
        if probability.is_nan() {
            return;
        }
        let said = usize::from(probability >= self.threshold);
        self.prequential.add(usize::from(is_positive), said);
        self.probabilities.add(f64::from(probability), is_positive);
        self.window.push_back((probability, is_positive));
        if self.window.len() > self.window_rows {
            self.window.pop_front();
        }
    }

    /// The measures now.
    #[must_use]
    pub fn report(&self) -> Report {
        let (all, faded) = (self.prequential.all(), self.prequential.faded());
        let windowed = self.prequential.windowed();
        let (scores, truths): (Vec<f32>, Vec<bool>) = self.window.iter().copied().unzip();
        let ranking = Ranking::new(&scores, &truths);
        let mut report = Report::of(all.rows() as usize);
        report.put("accuracy", all.accuracy());
        report.put("accuracy-faded", faded.accuracy());
        report.put("accuracy-windowed", windowed.accuracy());
        report.put("balanced-accuracy-windowed", windowed.balanced_accuracy());
        report.put("kappa-windowed", windowed.kappa());
        report.put("kappa-temporal", self.prequential.kappa_temporal());
        report.put(
            "kappa-temporal-windowed",
            self.prequential.kappa_temporal_windowed(),
        );
        report.put("precision-windowed", windowed.precision(1));
        report.put("recall-windowed", windowed.recall(1));
        report.put("log-loss", self.probabilities.log_loss());
        report.put("brier", self.probabilities.brier());
        report.put("calibration-error", self.probabilities.calibration_error());
        report.put(
            "roc-auc-windowed",
            ranking.as_ref().and_then(Ranking::roc_auc),
        );
        report.put(
            "average-precision-windowed",
            ranking.as_ref().and_then(Ranking::average_precision),
        );
        report
    }
}
