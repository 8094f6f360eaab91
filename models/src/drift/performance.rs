//! How well a model does on rows whose outcomes are not known yet, from its own confidence (CBPE).
//!
//! NannyML's published method (W. Duckworth et al.; documentation of NannyML 0.13, "CBPE"; J. Białek et al.:
//! Estimating model performance under covariate shift without labels, 2024): scores are calibrated to probabilities on
//! labelled reference rows; a row predicted positive with probability p then counts as p true positives and 1 - p false
//! ones, and so on; measures follow from the expected confusion matrix. It sees what changed inputs do to the model,
//! not a changed relation between inputs and outcome.

mod isotonic;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::isotonic::Isotonic;
use super::DriftError;
use crate::random::Random;

/// Folds in which it is tried whether calibration helps.
const FOLDS: usize = 10;
/// Bins of equal counts over which the calibration error is averaged.
const BINS: usize = 10;
/// Labelled rows below which nothing can be calibrated: two a fold and bin.
const FEWEST: usize = 2 * FOLDS * BINS;

/// An estimator fitted to labelled rows; kept with a model's version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cbpe {
    /// One for binary scores, else one a class; `None` where scores are as good uncalibrated.
    calibrators: Vec<Option<Isotonic>>,
}

/// Measures expected of a model. Of several classes each is the mean over the classes, one against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Share of right answers.
    pub accuracy: f64,
    /// Share of positives predicted that are positive; 0 if none is predicted.
    pub precision: f64,
    /// Share of positives that are predicted; 0 if there are none.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Area under the receiver operating characteristic; `None` if one class is expected not to occur.
    pub roc_auc: Option<f64>,
}

impl Cbpe {
    /// Fits to the scores that a binary model gave (of the positive class, from 0 to 1) and their outcomes.
    ///
    /// # Errors
    /// If there are fewer than 200 rows, unequal numbers of both, or a score is not from 0 to 1.
    pub fn fit_binary(scores: &[f64], outcomes: &[bool]) -> Result<Self, DriftError> {
        check(scores, 1, outcomes.len(), FEWEST)?;
        let calibrators = vec![fit(scores, outcomes)];
        Ok(Self { calibrators })
    }

    /// Fits to the scores of several classes, row by row, and each row's class from 0.
    ///
    /// # Errors
    /// As [`Cbpe::fit_binary`]; also if there are fewer than two classes or an outcome is none of them.
    pub fn fit_classes(
        classes: usize,
        scores: &[f64],
        outcomes: &[usize],
    ) -> Result<Self, DriftError> {
        let expected = 2;
        if classes < expected {
            let given = classes;
            return Err(DriftError::Columns { expected, given });
        }
        check(scores, classes, outcomes.len(), FEWEST)?;
        check_classes(outcomes, classes)?;
        let calibrator = |class| {
            let is_class: Vec<bool> = outcomes.iter().map(|outcome| *outcome == class).collect();
            fit(&column(scores, classes, class), &is_class)
        };
        let calibrators = (0..classes).map(calibrator).collect();
        Ok(Self { calibrators })
    }

    /// The chance that a row of this score is positive; `None` if it was fitted to classes.
    #[must_use]
    pub fn chance(&self, score: f64) -> Option<f64> {
        match self.calibrators.as_slice() {
            [Some(fitted)] => Some(fitted.at(score)),
            [None] => Some(score),
            _ => None,
        }
    }

    /// Measures expected on rows of a binary model: its scores, and which of them it called positive.
    ///
    /// # Errors
    /// If there are no rows, unequal numbers of both, a score is not from 0 to 1, or it was fitted to classes.
    pub fn estimate_binary(
        &self,
        scores: &[f64],
        predicted: &[bool],
    ) -> Result<Estimate, DriftError> {
        let [calibrator] = self.calibrators.as_slice() else {
            let (expected, given) = (self.calibrators.len(), 1);
            return Err(DriftError::Columns { expected, given });
        };
        check(scores, 1, predicted.len(), 1)?;
        let chances = calibrated(calibrator.as_ref(), scores);
        let expected = Confusion::of(&chances, predicted.iter().copied());
        Ok(Estimate {
            accuracy: (expected.true_positives + expected.true_negatives) / scores.len() as f64,
            precision: expected.precision(),
            recall: expected.recall(),
            f1: expected.f1(),
            roc_auc: roc_auc(scores, &chances),
        })
    }

    /// Measures expected on rows of several classes: their scores, row by row, and the class predicted for each.
    ///
    /// # Errors
    /// As [`Cbpe::estimate_binary`], with classes for positives.
    pub fn estimate_classes(
        &self,
        scores: &[f64],
        predicted: &[usize],
    ) -> Result<Estimate, DriftError> {
        let classes = self.calibrators.len();
        check(scores, classes, predicted.len(), 1)?;
        check_classes(predicted, classes)?;
        let chances = self.class_chances(scores);
        let mut sum = Estimate {
            accuracy: 0.0,
            precision: 0.0,
            recall: 0.0,
            f1: 0.0,
            roc_auc: Some(0.0),
        };
        for (class, chances) in chances.iter().enumerate() {
            let is_class = predicted.iter().map(|predicted| *predicted == class);
            let expected = Confusion::of(chances, is_class);
            // A row is right if its class is the one predicted, which is counted once over all classes.
            sum.accuracy += expected.true_positives / predicted.len() as f64;
            sum.precision += expected.precision() / classes as f64;
            sum.recall += expected.recall() / classes as f64;
            sum.f1 += expected.f1() / classes as f64;
            let area = roc_auc(&column(scores, classes, class), chances);
            let areas = sum.roc_auc.zip(area);
            sum.roc_auc = areas.map(|(sum, area)| sum + area / classes as f64);
        }
        Ok(sum)
    }

    /// Calibrated scores by class, made so that each row's sum is 1.
    fn class_chances(&self, scores: &[f64]) -> Vec<Vec<f64>> {
        let classes = self.calibrators.len();
        let mut chances: Vec<Vec<f64>> = self
            .calibrators
            .iter()
            .enumerate()
            .map(|(class, fitted)| calibrated(fitted.as_ref(), &column(scores, classes, class)))
            .collect();
        for row in 0..scores.len() / classes {
            let sum: f64 = chances.iter().map(|chances| chances[row]).sum();
            for chances in &mut chances {
                chances[row] = match sum > 0.0 {
                    true => chances[row] / sum,
                    false => 1.0 / classes as f64,
                };
            }
        }
        chances
    }
}

/// Expected counts of the four cells.
struct Confusion {
    true_positives: f64,
    false_positives: f64,
    true_negatives: f64,
    false_negatives: f64,
}

impl Confusion {
    fn of(chances: &[f64], predicted: impl Iterator<Item = bool>) -> Self {
        let mut cells = Self {
            true_positives: 0.0,
            false_positives: 0.0,
            true_negatives: 0.0,
            false_negatives: 0.0,
        };
        for (chance, predicted) in chances.iter().zip(predicted) {
            if predicted {
                cells.true_positives += chance;
                cells.false_positives += 1.0 - chance;
            } else {
                cells.false_negatives += chance;
                cells.true_negatives += 1.0 - chance;
            }
        }
        cells
    }

    fn precision(&self) -> f64 {
        share(self.true_positives, self.false_positives)
    }

    fn recall(&self) -> f64 {
        share(self.true_positives, self.false_negatives)
    }

    fn f1(&self) -> f64 {
        let wrong = (self.false_positives + self.false_negatives) / 2.0;
        share(self.true_positives, wrong)
    }
}

fn share(part: f64, rest: f64) -> f64 {
    match part + rest > 0.0 {
        true => part / (part + rest),
        false => 0.0,
    }
}

/// Area under the curve of expected true positives over expected false ones, rows taken by falling score.
fn roc_auc(scores: &[f64], chances: &[f64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let positives: f64 = chances.iter().sum();
    let negatives = chances.len() as f64 - positives;
    // Half of the fifth decimal, to which NannyML rounds.
    if positives < 5e-6 || negatives < 5e-6 {
        return None;
    }
    let (mut found, mut area) = (0.0, 0.0);
    for row in order {
        let chance = chances[row];
        area += (1.0 - chance) * (found + chance / 2.0);
        found += chance;
    }
    Some(area / (positives * negatives))
}

fn column(scores: &[f64], classes: usize, class: usize) -> Vec<f64> {
    scores
        .iter()
        .skip(class)
        .step_by(classes)
        .copied()
        .collect()
}

fn calibrated(fitted: Option<&Isotonic>, scores: &[f64]) -> Vec<f64> {
    match fitted {
        Some(fitted) => scores.iter().map(|score| fitted.at(*score)).collect(),
        None => scores.to_vec(),
    }
}

fn check(scores: &[f64], columns: usize, rows: usize, least: usize) -> Result<(), DriftError> {
    if scores.len() != columns * rows {
        let (expected, given) = (columns * rows, scores.len());
        return Err(DriftError::Rows { expected, given });
    }
    if rows < least {
        let (found, needed) = (rows, least);
        return Err(DriftError::TooFew { found, needed });
    }
    match scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
        None => Ok(()),
        Some(score) => {
            let value = score.to_string();
            let expected = "a score from 0 to 1";
            Err(DriftError::Value { value, expected })
        }
    }
}

fn check_classes(given: &[usize], classes: usize) -> Result<(), DriftError> {
    match given.iter().find(|class| **class >= classes) {
        None => Ok(()),
        Some(class) => {
            let value = class.to_string();
            let expected = "a class of the scores, from 0";
            Err(DriftError::Value { value, expected })
        }
    }
}

/// A calibrator, if it helps.
fn fit(scores: &[f64], outcomes: &[bool]) -> Option<Isotonic> {
    calibration_helps(scores, outcomes).then(|| calibrator(scores, outcomes))
}

fn calibrator(scores: &[f64], outcomes: &[bool]) -> Isotonic {
    Isotonic::fit(scores.iter().copied().zip(outcomes.iter().copied()))
}

/// Whether calibrated scores are nearer to the outcomes on rows left out of their calibrator's fitting.
fn calibration_helps(scores: &[f64], outcomes: &[bool]) -> bool {
    let positives = outcomes.iter().filter(|outcome| **outcome).count();
    if positives == 0 || positives == outcomes.len() {
        return false;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // Any fixed shuffle does: rows come in the stream's order, which folds must not follow.
    Random::new(42).shuffle(&mut order);
    let mut tried: Vec<(f64, f64, bool)> = Vec::with_capacity(scores.len());
    for fold in 0..FOLDS {
        let is_left_out = |place: &usize| place % FOLDS == fold;
        let rows = |left_out: bool| {
            let places = (0..order.len()).filter(move |place| is_left_out(place) == left_out);
            places.map(|place| order[place])
        };
        let fitted = Isotonic::fit(rows(false).map(|row| (scores[row], outcomes[row])));
        let left_out = rows(true).map(|row| (scores[row], fitted.at(scores[row]), outcomes[row]));
        tried.extend(left_out);
    }
    tried.sort_by(|a, b| a.0.total_cmp(&b.0));
    let before = calibration_error(tried.iter().map(|(score, _, outcome)| (*score, *outcome)));
    let after = calibration_error(tried.iter().map(|(_, chance, outcome)| (*chance, *outcome)));
    before > after
}

/// Mean difference of chance and outcome over bins of equal counts of rows in ascending order of their score.
fn calibration_error(rows: impl ExactSizeIterator<Item = (f64, bool)>) -> f64 {
    let all = rows.len();
    let mut bins = [0.0; BINS];
    for (place, (chance, outcome)) in rows.enumerate() {
        bins[place * BINS / all] += chance - f64::from(u8::from(outcome));
    }
    bins.iter().map(|sum| sum.abs()).sum::<f64>() / all as f64
}
