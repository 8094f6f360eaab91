//! How well scores put positives before negatives: ROC-AUC (Fawcett: *An introduction to ROC analysis*, 2006) and
//! average precision (the sum over recall steps of the precision there, without interpolation, as scikit-learn has it).
//!
//! Equal scores are one threshold. Rows may have weights, so that a bootstrap need not sort again.

/// Rows in the order of their scores.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// Rows, the highest score first.
    order: Vec<usize>,
    /// Whether the row at this place of the order is the last one of its score.
    ends: Vec<bool>,
    positive: Vec<bool>,
}

impl Ranking {
    /// Sorts rows by their scores; `None` if a score is NaN or the lengths differ.
    #[must_use]
    pub fn new(scores: &[f32], positive: &[bool]) -> Option<Self> {
        if scores.len() != positive.len() || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let is_last = |at: usize| match order.get(at + 1) {
            // -0 and 0 are the same threshold.
            Some(next) => scores[*next] != scores[order[at]],
            None => true,
        };
        let ends = (0..order.len()).map(is_last).collect();
        Some(Self {
            order,
            ends,
            positive: positive.to_vec(),
        })
    }

    /// Chance that a positive has a higher score than a negative, ties half; `None` without one of them.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        self.roc_auc_of(|_| 1.0)
    }

    /// [`Ranking::roc_auc`] where each row counts as often as its weight says.
    pub(crate) fn roc_auc_of(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut above, mut area) = (0.0, 0.0);
        let (mut positives, mut negatives) = (0.0, 0.0);
        self.thresholds(weight, |tied_positives, tied_negatives| {
            area += tied_negatives * (above + tied_positives / 2.0);
            above += tied_positives;
            positives += tied_positives;
            negatives += tied_negatives;
        });
        super::confusion::ratio(area, positives * negatives)
    }

    /// Mean precision at the positives; `None` without any.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        self.average_precision_of(|_| 1.0)
    }

    /// [`Ranking::average_precision`] where each row counts as often as its weight says.
    pub(crate) fn average_precision_of(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut positives, mut rows, mut sum) = (0.0, 0.0, 0.0);
        self.thresholds(weight, |tied_positives, tied_negatives| {
            positives += tied_positives;
            rows += tied_positives + tied_negatives;
            if tied_positives > 0.0 {
                sum += tied_positives * positives / rows;
            }
        });
        super::confusion::ratio(sum, positives)
    }

    /// Visits the thresholds, the highest first, with the weight of positives and negatives of that score.
    fn thresholds(&self, weight: impl Fn(usize) -> f64, mut visit: impl FnMut(f64, f64)) {
        let (mut positives, mut negatives) = (0.0, 0.0);
        for (row, is_end) in self.order.iter().zip(&self.ends) {
            if self.positive[*row] {
                positives += weight(*row);
            } else {
                negatives += weight(*row);
            }
            if *is_end {
                visit(positives, negatives);
                (positives, negatives) = (0.0, 0.0);
            }
        }
    }

    /// Positives among the `k` highest scores. Equal scores at the border keep the order of the rows.
    fn positives_among(&self, k: usize) -> f64 {
        let first = self.order.iter().take(k);
        first.filter(|row| self.positive[**row]).count() as f64
    }

    /// Share of positives among the `k` highest scores; `None` without rows or if `k` is 0.
    #[must_use]
    pub fn precision_at(&self, k: usize) -> Option<f64> {
        super::confusion::ratio(self.positives_among(k), k.min(self.order.len()) as f64)
    }

    /// Share of all positives that is among the `k` highest scores; `None` without positives.
    #[must_use]
    pub fn recall_at(&self, k: usize) -> Option<f64> {
        let positives = self.positive.iter().filter(|positive| **positive).count();
        super::confusion::ratio(self.positives_among(k), positives as f64)
    }
}
