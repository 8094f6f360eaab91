//! What a training gives: the numbers of a model, in plain memory.

use config::{Architecture, TrainSettings};

use super::export;
use super::scaling::Scaling;
use super::targets::Targets;
use super::{Examples, Progress};
use crate::Task;
use crate::arch::Dense;

/// A trained model, not yet a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    features: Vec<String>,
    settings: TrainSettings,
    task: Task,
    scaling: Scaling,
    layers: Vec<Dense>,
    progress: Progress,
    rows: usize,
}

impl Trained {
    pub(super) fn new(
        examples: &Examples,
        settings: TrainSettings,
        scaling: Scaling,
        targets: &Targets,
        mut layers: Vec<Dense>,
        progress: Progress,
    ) -> Self {
        if let (Targets::Value { mean, deviation }, Some(last)) = (targets, layers.last_mut()) {
            // Standardised numbers back to those of the labels.
            last.weights.iter_mut().for_each(|w| *w *= deviation);
            last.bias
                .iter_mut()
                .for_each(|b| *b = *b * deviation + mean);
        }
        Self {
            features: examples.features().to_vec(),
            task: targets.task(),
            settings,
            scaling,
            layers,
            progress,
            rows: examples.len(),
        }
    }

    /// Names of its features, in the order of the columns.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// What it gives for a row.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task
    }

    /// How it was trained.
    #[must_use]
    pub fn settings(&self) -> &TrainSettings {
        &self.settings
    }

    /// How the training ended.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Rows that it was given, the validation tail included.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn description(&self) -> String {
        let shape = match &self.settings.architecture {
            Architecture::Logistic => "Logistic regression".to_owned(),
            Architecture::Linear => "Linear regression".to_owned(),
            Architecture::Mlp { hidden } => format!("Multilayer perceptron {hidden:?}"),
            Architecture::Autoencoder { hidden } => format!("Autoencoder {hidden:?}"),
        };
        let rows = self.rows;
        match &self.settings.label {
            Some(label) => format!("{shape} that predicts \"{label}\", trained on {rows} rows."),
            None => format!("{shape}, trained on {rows} rows."),
        }
    }

    /// The model as an ONNX file: raw features in, standardisation within.
    ///
    /// Input `features [rows, features]`; outputs `probabilities [rows, classes]` and `label [rows]`, or
    /// `value [rows, 1]`, or `score [rows, 1]`. Opset 13 of `ai.onnx`, 3 of `ai.onnx.ml`.
    #[must_use]
    pub fn onnx(&self) -> Vec<u8> {
        export::onnx(self.task, &self.scaling, &self.layers)
    }
}
