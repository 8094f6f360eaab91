//! What a model says of rows, and how good that is.

use clap::ValueEnum;
use models::evaluate::Report;
use models::gate::{Answers, Measure};
use models::train::Examples;

/// By which number models are compared.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum MeasureFlag {
    Accuracy,
    AveragePrecision,
    RocAuc,
    LogLoss,
    SquaredError,
}

impl MeasureFlag {
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Accuracy => Measure::Accuracy,
            Self::AveragePrecision => Measure::AveragePrecision,
            Self::RocAuc => Measure::RocAuc,
            Self::LogLoss => Measure::LogLoss,
            Self::SquaredError => Measure::SquaredError,
        }
    }
}

/// What a model's answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Probabilities of so many classes.
    Classes(usize),
    /// A number to be near the label.
    Value,
    /// A number that is high for positives.
    Score,
}

impl Kind {
    /// By the outputs of a model.
    pub(super) fn of(signature: &config::Signature, answers: &Answers) -> Self {
        let has = |name: &str| signature.outputs.iter().any(|output| output.name == name);
        match answers.width {
            width if width > 1 => Self::Classes(width),
            _ if has("score") => Self::Score,
            _ => Self::Value,
        }
    }

    /// The measure that is usual for it.
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Classes(2) => Measure::AveragePrecision,
            Self::Classes(_) => Measure::LogLoss,
            Self::Value => Measure::SquaredError,
            Self::Score => Measure::RocAuc,
        }
    }

    /// All measures of some rows; no measures without labels.
    pub(super) fn report(self, answers: &Answers, labels: &[f32], rows: &[usize]) -> Report {
        if labels.is_empty() {
            return Report {
                rows: rows.len(),
                ..Report::default()
            };
        }
        let width = answers.width.max(1);
        let numbers = |row: &usize| &answers.numbers[row * width..][..width];
        let said: Vec<f32> = rows.iter().flat_map(numbers).copied().collect();
        let truths: Vec<f32> = rows.iter().map(|row| labels[*row]).collect();
        match self {
            Self::Classes(classes) => {
                let truths: Vec<usize> = truths.iter().map(|truth| *truth as usize).collect();
                Report::of_classes(&said, classes, &truths)
            }
            Self::Value => Report::of_values(&said, &truths),
            Self::Score => {
                let positive: Vec<bool> = truths.iter().map(|truth| *truth == 1.0).collect();
                Report::of_scores(&said, &positive)
            }
        }
    }

    /// What knows nothing but the training labels: their frequencies, their mean, or nothing at all.
    pub(super) fn baseline(self, training: &Examples, rows: usize) -> Answers {
        let labels = training.labels();
        let share = |class: usize| {
            let of_class = labels
                .iter()
                .filter(|label| **label == class as f32)
                .count();
            of_class as f32 / labels.len().max(1) as f32
        };
        match self {
            Self::Classes(classes) => {
                let shares: Vec<f32> = (0..classes).map(share).collect();
                Answers::constant(&shares, rows)
            }
            Self::Value => {
                let sum: f64 = labels.iter().map(|label| f64::from(*label)).sum();
                Answers::constant(&[(sum / labels.len().max(1) as f64) as f32], rows)
            }
            Self::Score => Answers::constant(&[0.0], rows),
        }
    }
}
