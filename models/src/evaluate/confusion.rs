//! The confusion matrix and what follows from it alone: accuracy, balanced accuracy, precision, recall, F1, and
//! Cohen's kappa (Cohen: *A coefficient of agreement for nominal scales*, 1960).

use serde::{Deserialize, Serialize};

/// Counts of (true class, said class). They may be faded, and so are no whole numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    classes: usize,
    /// `classes * classes`, a row for each true class.
    counts: Vec<f64>,
}

impl Confusion {
    /// Nothing counted yet. A class beyond `classes` is not counted.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0.0; classes * classes],
        }
    }

    /// Counts a row.
    pub fn add(&mut self, truth: usize, said: usize) {
        self.count(truth, said, 1.0);
    }

    /// Takes a row back that was counted.
    pub(super) fn remove(&mut self, truth: usize, said: usize) {
        self.count(truth, said, -1.0);
    }

    /// Makes all that was counted weigh less.
    pub(super) fn fade(&mut self, factor: f64) {
        self.counts.iter_mut().for_each(|count| *count *= factor);
    }

    fn count(&mut self, truth: usize, said: usize, weight: f64) {
        if truth < self.classes && said < self.classes {
            self.counts[truth * self.classes + said] += weight;
        }
    }

    /// Rows of a true class for which a class was said.
    #[must_use]
    pub fn of(&self, truth: usize, said: usize) -> f64 {
        self.counts[truth * self.classes + said]
    }

    /// Rows counted.
    #[must_use]
    pub fn rows(&self) -> f64 {
        self.counts.iter().sum()
    }

    fn truths(&self, class: usize) -> f64 {
        (0..self.classes).map(|said| self.of(class, said)).sum()
    }

    fn saids(&self, class: usize) -> f64 {
        (0..self.classes).map(|truth| self.of(truth, class)).sum()
    }

    /// Share of rows whose class was said; none without rows.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right: f64 = (0..self.classes).map(|class| self.of(class, class)).sum();
        ratio(right, self.rows())
    }

    /// Mean recall of the classes that occur; none without rows.
    #[must_use]
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let recalls: Vec<f64> = (0..self.classes).filter_map(|c| self.recall(c)).collect();
        ratio(recalls.iter().sum(), recalls.len() as f64)
    }

    /// Share of the rows said to be of a class that are; none if there are no such rows.
    #[must_use]
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.of(class, class), self.saids(class))
    }

    /// Share of the rows of a class that were said to be; none if there are no such rows.
    #[must_use]
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.of(class, class), self.truths(class))
    }

    /// Harmonic mean of precision and recall; none if the class neither occurs nor is said.
    #[must_use]
    pub fn f1(&self, class: usize) -> Option<f64> {
        ratio(
            2.0 * self.of(class, class),
            self.truths(class) + self.saids(class),
        )
    }

    /// Accuracy beyond that of chance with the same class frequencies: 1 perfect, 0 chance. None without rows, or if
    /// only one class occurs and is said.
    #[must_use]
    pub fn kappa(&self) -> Option<f64> {
        let rows = self.rows();
        let pairs = (0..self.classes).map(|class| self.truths(class) * self.saids(class));
        let chance = ratio(pairs.sum(), rows * rows)?;
        ratio(self.accuracy()? - chance, 1.0 - chance)
    }
}

/// A quotient; none if there is nothing to divide by.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
