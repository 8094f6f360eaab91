//! How a version came to be: `[training]` of its `model.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use config::{Architecture, ClassWeights, TrainSettings};
use serde::{Deserialize, Serialize};

use super::Trained;
use crate::gate::Verdict;
use crate::settings::{self, ModelFile};
use crate::{ModelError, registry};

/// The word by which a record is known.
const TRAINER: &str = "thalweg";

/// What is kept of a training, with the version that it made.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct TrainingRecord {
    /// `thalweg`: the words below are this program's. Whoever makes models elsewhere may use any.
    pub trainer: String,
    /// Shape of the model, as in `[model.train]`.
    pub arch: String,
    /// Sizes of its hidden layers.
    pub hidden: Vec<usize>,
    /// The column that it predicts; empty for an autoencoder.
    pub label: String,
    /// Passes over the rows, at most.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Step size of AdamW.
    pub learning_rate: f64,
    /// Weight decay of AdamW.
    pub weight_decay: f64,
    /// Epochs without progress before the training ended.
    pub patience: usize,
    /// Weights of the classes, if they were given.
    pub class_weights: Vec<f64>,
    /// Whether classes counted the same.
    pub balanced: bool,
    /// Share of the rows that only said when to stop.
    pub validation: f64,
    /// Decided first weights and order of the rows. Text, since TOML's whole numbers end at 2^63.
    pub seed: String,
    /// The epoch whose weights these are, from 1, and its loss.
    pub best_epoch: usize,
    /// The loss of that epoch.
    pub best_loss: f64,
    /// Rows that it was given, the validation tail included.
    pub rows: usize,
    /// Rows that it was judged on, later than those.
    pub holdout_rows: usize,
    /// What made it: `by hand`, `drift`, `schedule`, `labels`.
    pub trigger: String,
    /// Where the rows came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Where the rows came from: ranges of a topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Event times of the first and the last row, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<[i64; 2]>,
    /// The version that was champion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u64>,
    /// File beside `model.toml` with the profile of the training rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Offsets of each partition, the end excluded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<OffsetRange>,
    /// Measures on the holdout.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// What the gate said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Records of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OffsetRange {
    /// Number of the partition.
    pub partition: u32,
    /// The first record.
    pub from: i64,
    /// Behind the last record.
    pub until: i64,
}

impl TrainingRecord {
    /// What the training itself knows; the caller adds where the rows came from, and what the gate said.
    #[must_use]
    pub fn of(trained: &Trained, trigger: &str) -> Self {
        let progress = trained.progress();
        let (best_loss, best_epoch) = progress.best.unwrap_or_default();
        Self {
            trainer: TRAINER.into(),
            best_epoch,
            best_loss,
            rows: trained.rows(),
            trigger: trigger.into(),
            ..Self::settings(trained.settings())
        }
    }

    fn settings(settings: &TrainSettings) -> Self {
        Self {
            arch: settings.architecture.word().into(),
            hidden: match &settings.architecture {
                Architecture::Logistic | Architecture::Linear => Vec::new(),
                Architecture::Mlp { hidden } | Architecture::Autoencoder { hidden } => {
                    hidden.clone()
                }
            },
            label: settings.label.clone().unwrap_or_default(),
            epochs: settings.epochs,
            batch: settings.batch,
            learning_rate: settings.learning_rate,
            weight_decay: settings.weight_decay,
            patience: settings.patience,
            class_weights: match &settings.class_weights {
                ClassWeights::Equal | ClassWeights::Balanced => Vec::new(),
                ClassWeights::Given(weights) => weights.clone(),
            },
            balanced: settings.class_weights == ClassWeights::Balanced,
            validation: settings.validation,
            seed: settings.seed.to_string(),
            ..Self::default()
        }
    }

    /// What is kept of a version's training; `None` if its `model.toml` says nothing of the kind, as that of a model
    /// that was made elsewhere.
    ///
    /// # Errors
    /// If `model.toml` cannot be read or breaks the rules.
    pub fn read(folder: &Path, version: u64) -> Result<Option<Self>, ModelError> {
        let path = registry::model_file(folder, version).with_file_name("model.toml");
        let file: ModelFile = settings::read(&path)?.unwrap_or_default();
        let trainer = file.training.get("trainer").and_then(|word| word.as_str());
        if trainer != Some(TRAINER) {
            return Ok(None);
        }
        match Self::deserialize(file.training) {
            Ok(record) => Ok(Some(record)),
            Err(error) => Err(ModelError::Settings {
                path,
                cause: error.to_string().trim_end().into(),
            }),
        }
    }
}
