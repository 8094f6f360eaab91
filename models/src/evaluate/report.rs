//! All measures of answers that are there as a whole, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Confusion, Errors, ProbabilityScores, Ranking, log_loss};

/// Measures by their names, and the rows they are over. What cannot be said of these rows is not there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Report {
    /// Rows measured.
    pub rows: usize,
    /// Measures, in kebab-case.
    pub measures: BTreeMap<String, f64>,
}

impl Report {
    /// No measures yet.
    pub(super) fn of(rows: usize) -> Self {
        Self {
            rows,
            measures: BTreeMap::new(),
        }
    }

    /// Adds a measure, if it can be said.
    pub(super) fn put(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.measures.insert(name.into(), value);
        }
    }

    /// A measure.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.measures.get(name).copied()
    }

    /// Of classes: `probabilities` has `classes` numbers for each truth; the class said is the most probable one, the
    /// first of equals.
    #[must_use]
    pub fn of_classes(probabilities: &[f32], classes: usize, truths: &[usize]) -> Self {
        let mut report = Self::of(truths.len());
        let mut confusion = Confusion::new(classes);
        let mut loss = 0.0;
        for (row, truth) in probabilities.chunks_exact(classes.max(1)).zip(truths) {
            confusion.add(*truth, most_probable(row));
            loss += row
                .get(*truth)
                .map_or(f64::NAN, |p| log_loss(f64::from(*p)));
        }
        report.put("accuracy", confusion.accuracy());
        report.put("balanced-accuracy", confusion.balanced_accuracy());
        report.put("kappa", confusion.kappa());
        report.put(
            "log-loss",
            super::confusion::ratio(loss, truths.len() as f64),
        );
        if classes == 2 {
            report.put("precision", confusion.precision(1));
            report.put("recall", confusion.recall(1));
            report.put("f1", confusion.f1(1));
            let positive: Vec<bool> = truths.iter().map(|truth| *truth == 1).collect();
            let scores: Vec<f32> = probabilities.chunks_exact(2).map(|row| row[1]).collect();
            report.two_classes(&scores, &positive);
        }
        report
    }

    /// What needs the probability of class 1 alone.
    fn two_classes(&mut self, scores: &[f32], positive: &[bool]) {
        let mut probabilities = ProbabilityScores::default();
        for (score, truth) in scores.iter().zip(positive) {
            probabilities.add(f64::from(*score), *truth);
        }
        self.put("brier", probabilities.brier());
        self.put("calibration-error", probabilities.calibration_error());
        self.ranked(scores, positive);
    }

    /// Of scores, a higher one meaning "positive" rather.
    #[must_use]
    pub fn of_scores(scores: &[f32], positive: &[bool]) -> Self {
        let mut report = Self::of(positive.len());
        report.ranked(scores, positive);
        report
    }

    fn ranked(&mut self, scores: &[f32], positive: &[bool]) {
        let ranking = Ranking::new(scores, positive);
        let ranking = ranking.as_ref();
        self.put("roc-auc", ranking.and_then(Ranking::roc_auc));
        self.put(
            "average-precision",
            ranking.and_then(Ranking::average_precision),
        );
        self.put(
            "precision-at-100",
            ranking.and_then(|r| r.precision_at(100)),
        );
        self.put("recall-at-100", ranking.and_then(|r| r.recall_at(100)));
    }

    /// Of numbers.
    #[must_use]
    pub fn of_values(values: &[f32], truths: &[f32]) -> Self {
        let mut errors = Errors::default();
        for (value, truth) in values.iter().zip(truths) {
            errors.add(f64::from(*truth), f64::from(*value));
        }
        let mut report = Self::of(truths.len());
        report.put("mean-absolute-error", errors.mean_absolute());
        report.put("root-mean-squared-error", errors.root_mean_squared());
        report
    }
}

/// Position of the largest number, the first of equals.
pub(crate) fn most_probable(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, probability) in row.iter().enumerate() {
        if *probability > row[best] {
            best = class;
        }
    }
    best
}
