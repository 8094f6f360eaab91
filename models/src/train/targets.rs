//! What the labels ask of a network: classes with weights, standardised numbers, or the rows themselves.

use std::ops::Range;

use config::{ClassWeights, TrainSettings};

use super::{Examples, TrainError};
use crate::Task;

/// Classes of a label, at most.
const CLASSES_MAX: usize = 1_000;

/// What is to be predicted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Targets {
    /// The weight of each class; over the training rows their mean is 1.
    Classes(Vec<f32>),
    /// Mean and deviation of the training labels.
    Value { mean: f32, deviation: f32 },
    /// The rows.
    Rebuild,
}

impl Targets {
    /// Reads the labels of the training rows.
    ///
    /// # Errors
    /// If they are missing, no classes, all the same, or not as many classes as weights.
    pub(crate) fn of(
        settings: &TrainSettings,
        examples: &Examples,
        training: Range<usize>,
    ) -> Result<Self, TrainError> {
        use config::Architecture;
        if settings.architecture.is_supervised() && examples.labels().is_empty() {
            return Err(TrainError::Rows {
                cause: "they have no labels".into(),
            });
        }
        match settings.architecture {
            Architecture::Autoencoder { .. } => Ok(Self::Rebuild),
            Architecture::Linear => value(&examples.labels()[training]),
            Architecture::Logistic | Architecture::Mlp { .. } => {
                let classes = classes(examples.labels())?;
                let labels = &examples.labels()[training];
                weights(&settings.class_weights, classes, labels).map(Self::Classes)
            }
        }
    }

    pub(crate) fn task(&self) -> Task {
        match self {
            Self::Classes(weights) => Task::Classes(weights.len()),
            Self::Value { .. } => Task::Value,
            Self::Rebuild => Task::Rebuild,
        }
    }

    /// Numbers that a network gives for a row of so many features.
    pub(crate) fn width(&self, features: usize) -> usize {
        match self {
            Self::Classes(weights) => weights.len(),
            Self::Value { .. } => 1,
            Self::Rebuild => features,
        }
    }

    /// Appends what is asked for a row with this label: of a class its weight in its place, else the number.
    pub(crate) fn push(&self, label: f32, out: &mut Vec<f32>) {
        match self {
            Self::Classes(weights) => {
                for (class, weight) in weights.iter().enumerate() {
                    out.push(if is_class(label, class) { *weight } else { 0.0 });
                }
            }
            Self::Value { mean, deviation } => out.push((label - mean) / deviation),
            Self::Rebuild => {}
        }
    }
}

fn is_class(label: f32, class: usize) -> bool {
    label == class as f32
}

/// How many classes the labels count: the largest one and those below it.
fn classes(labels: &[f32]) -> Result<usize, TrainError> {
    let mut largest = 0;
    for (row, label) in labels.iter().enumerate() {
        match (0..CLASSES_MAX)
            .contains(&nearest(*label))
            .then(|| nearest(*label))
        {
            Some(class) if is_class(*label, class) => largest = largest.max(class),
            _ => {
                return Err(TrainError::Rows {
                    cause: format!(
                        "the label of row {} is {label}, no class within 0 to {}",
                        row + 1,
                        CLASSES_MAX - 1
                    ),
                });
            }
        }
    }
    Ok((largest + 1).max(2))
}

fn nearest(label: f32) -> usize {
    label.round() as usize
}

/// The weight of each class.
fn weights(choice: &ClassWeights, classes: usize, labels: &[f32]) -> Result<Vec<f32>, TrainError> {
    let mut counts = vec![0_usize; classes];
    for label in labels {
        counts[nearest(*label)] += 1;
    }
    if let Some(missing) = counts.iter().position(|count| *count == 0) {
        return Err(TrainError::MissingClass { missing, classes });
    }
    let given: Vec<f64> = match choice {
        ClassWeights::Equal => vec![1.0; classes],
        ClassWeights::Balanced => counts.iter().map(|count| 1.0 / *count as f64).collect(),
        ClassWeights::Given(weights) if weights.len() == classes => weights.clone(),
        ClassWeights::Given(weights) => {
            let cause = format!("{} class weights for {classes} classes", weights.len());
            return Err(TrainError::Settings { cause });
        }
    };
    let total: f64 = given
        .iter()
        .zip(&counts)
        .map(|(w, count)| w * *count as f64)
        .sum();
    let mean = total / labels.len() as f64;
    Ok(given.iter().map(|weight| (weight / mean) as f32).collect())
}

fn value(labels: &[f32]) -> Result<Targets, TrainError> {
    let count = labels.len() as f64;
    let mean = labels.iter().map(|y| f64::from(*y)).sum::<f64>() / count;
    let squares = labels.iter().map(|y| (f64::from(*y) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    if deviation <= f64::from(f32::EPSILON) * mean.abs() {
        return Err(TrainError::Rows {
            cause: format!("every label is {mean}"),
        });
    }
    Ok(Targets::Value {
        mean: mean as f32,
        deviation: deviation as f32,
    })
}
