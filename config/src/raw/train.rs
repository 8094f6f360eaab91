//! `[model.train]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::Key;

/// How a model is trained, by `thalweg train` or beside the stream.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Train {
    /// Shape of the model.
    pub(crate) arch: Key<Arch>,
    /// Column with the true class (0, 1, …) or number; an autoencoder has none.
    pub(crate) label: Option<Key<String>>,
    /// Sizes of the hidden layers of `mlp` and `autoencoder`, the input's side first. Default: `[64, 32]`, for an autoencoder `[16, 4, 16]`.
    pub(crate) hidden: Option<Key<Vec<Key<usize>>>>,
    /// Passes over the training rows, at most. Default: 100.
    pub(crate) epochs: Option<Key<usize>>,
    /// Rows of a step. Default: 256.
    pub(crate) batch: Option<Key<usize>>,
    /// Step size of AdamW. Default: 0.001.
    pub(crate) learning_rate: Option<Key<f64>>,
    /// Decoupled weight decay of AdamW. Default: 0.0001.
    pub(crate) weight_decay: Option<Key<f64>>,
    /// Epochs without a better loss on the validation rows before training ends. Default: 10.
    pub(crate) patience: Option<Key<usize>>,
    /// What an error on each class counts: `"balanced"`, or a number for each class. Default: all the same.
    pub(crate) class_weights: Option<Key<ClassWeights>>,
    /// Share of the training rows, the latest ones, that only tell when to stop; 0 to 0.5. Default: 0.2.
    pub(crate) validation: Option<Key<f64>>,
    /// Decides the first weights and the order of the rows. Default: 1.
    pub(crate) seed: Option<Key<u64>>,
}

/// Shape of a model.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Arch {
    /// Logistic regression: classes.
    Logistic,
    /// Linear regression: a number.
    Linear,
    /// Multilayer perceptron: classes.
    Mlp,
    /// Autoencoder: an anomaly score.
    Autoencoder,
}

/// What an error on each class counts.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "ClassWeights", untagged)]
pub(crate) enum ClassWeights {
    /// `balanced`
    Text(Balanced),
    /// A weight for each class.
    List(Vec<Key<f64>>),
}

/// Inversely to the classes' frequencies.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Balanced {
    /// Inversely to the classes' frequencies.
    Balanced,
}
