//! By which number two models are compared.

use serde::{Deserialize, Serialize};

use super::Answers;
use crate::evaluate::{Ranking, log_loss, most_probable};

/// The number by which two models are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Share of rows whose class is the most probable one.
    Accuracy,
    /// Average precision of class 1, or of a score.
    AveragePrecision,
    /// ROC-AUC of class 1, or of a score.
    RocAuc,
    /// Mean negative logarithm of the true class's probability.
    LogLoss,
    /// Mean squared error of a number.
    SquaredError,
}

impl Measure {
    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::AveragePrecision => "average-precision",
            Self::RocAuc => "roc-auc",
            Self::LogLoss => "log-loss",
            Self::SquaredError => "squared-error",
        }
    }

    /// Whether less is better.
    #[must_use]
    pub fn is_loss(self) -> bool {
        matches!(self, Self::LogLoss | Self::SquaredError)
    }

    /// How much better `challenger` is than `champion`; below zero it is worse.
    pub(super) fn gain(self, champion: f64, challenger: f64) -> f64 {
        if self.is_loss() {
            champion - challenger
        } else {
            challenger - champion
        }
    }
}

/// Answers prepared so that their measure over any part or resampling of the rows is one pass.
pub(super) enum Scored {
    /// The measure is the mean of a number a row.
    Mean(Vec<f64>),
    RocAuc(Ranking),
    AveragePrecision(Ranking),
}

impl Scored {
    /// Scores the answers to rows of which the truths are known. `None` if a measure of probabilities is asked of
    /// answers that are none, or a number is NaN.
    pub(super) fn new(measure: Measure, answers: &Answers, truths: &[f32]) -> Option<Self> {
        let width = answers.width.max(1);
        let rows = || answers.numbers.chunks_exact(width).zip(truths);
        if answers.rows() != truths.len() || answers.numbers.iter().any(|x| x.is_nan()) {
            return None;
        }
        let ranking = || {
            let positive: Vec<bool> = truths.iter().map(|truth| *truth == 1.0).collect();
            Ranking::new(&answers.scores(), &positive)
        };
        Some(match measure {
            Measure::Accuracy => {
                let is_right = |(row, truth): (&[f32], &f32)| {
                    let said = if width == 1 {
                        usize::from(row[0] >= 0.5)
                    } else {
                        most_probable(row)
                    };
                    f64::from(said as f32 == *truth)
                };
                Self::Mean(rows().map(is_right).collect())
            }
            Measure::LogLoss => {
                let of_truth = |(row, truth): (&[f32], &f32)| {
                    let probability = match (width, *truth as usize) {
                        (1, 0) => 1.0 - row[0],
                        (1, _) => row[0],
                        (_, class) => *row.get(class)?,
                    };
                    Some(log_loss(f64::from(probability)))
                };
                Self::Mean(rows().map(of_truth).collect::<Option<_>>()?)
            }
            Measure::SquaredError => {
                let square = |(row, truth): (&[f32], &f32)| f64::from(row[0] - truth).powi(2);
                Self::Mean(rows().map(square).collect())
            }
            Measure::RocAuc => Self::RocAuc(ranking()?),
            Measure::AveragePrecision => Self::AveragePrecision(ranking()?),
        })
    }

    /// The measure where each row counts as often as its weight says; `None` if it cannot be said of these rows.
    pub(super) fn value(&self, weights: &[f64]) -> Option<f64> {
        match self {
            Self::Mean(numbers) => {
                let sum: f64 = numbers.iter().zip(weights).map(|(x, w)| x * w).sum();
                let rows: f64 = weights.iter().sum();
                (rows > 0.0).then(|| sum / rows)
            }
            Self::RocAuc(ranking) => ranking.roc_auc_of(|row| weights[row]),
            Self::AveragePrecision(ranking) => ranking.average_precision_of(|row| weights[row]),
        }
    }

    /// The number of each row, if the measure is their mean.
    pub(super) fn numbers(&self) -> Option<&[f64]> {
        match self {
            Self::Mean(numbers) => Some(numbers),
            Self::RocAuc(_) | Self::AveragePrecision(_) => None,
        }
    }
}
