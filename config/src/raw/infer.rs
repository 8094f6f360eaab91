//! `infer` and `[[model]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::learning::{Gate, ModelLabels, ModelLog, Retrain, Rollout};
use super::train::Train;
use super::values::Duration;

/// Runs a model: the input's columns come out, then the outputs.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Infer {
    /// Id of a `[[model]]`.
    pub(crate) model: Key<String>,
    /// Columns in the order of the model's inputs.
    pub(crate) features: Key<Vec<Key<String>>>,
    /// New columns, each an output of the model: `"probabilities[1]"`, or `"output"` for all numbers of it.
    pub(crate) outputs: Key<Named<String>>,
    /// The answer must be there by then. Default: none.
    pub(crate) deadline: Option<Key<Duration>>,
    /// Value of the outputs where the model fails. Default: the row is a dead letter.
    pub(crate) fallback: Option<Key<f64>>,
}

/// A trained model: a folder with one folder per version, each with `model.onnx` and `model.toml`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Model {
    /// Name, as in `model = "…"`.
    pub(crate) id: Key<String>,
    /// The folder, relative to this file.
    pub(crate) path: Key<String>,
    /// Which version: `"latest"` (the default), a number, or `{ alias = "champion" }`.
    pub(crate) version: Option<Key<Version>>,
    /// Where it runs. Default: auto.
    pub(crate) device: Option<Key<Device>>,
    /// How rows are gathered for one pass.
    pub(crate) batch: Option<Key<Batch>>,
    /// How it is trained. Default: not here.
    pub(crate) train: Option<Key<Train>>,
    /// Keeps what the model was given and what it answered.
    pub(crate) log: Option<Key<ModelLog>>,
    /// True outcomes, joined to the feature log.
    pub(crate) labels: Option<Key<ModelLabels>>,
    /// When a new version is trained.
    pub(crate) retrain: Option<Key<Retrain>>,
    /// What a new version must be.
    pub(crate) gate: Option<Key<Gate>>,
    /// How a new version takes over.
    pub(crate) rollout: Option<Key<Rollout>>,
}

/// Which version.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "Version", untagged)]
pub(crate) enum Version {
    /// `latest`
    Text(Latest),
    /// This number.
    Number(u64),
    /// What an alias names.
    Table(Alias),
}

/// The highest number.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Latest {
    /// The highest number.
    Latest,
}

/// What an alias names.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Alias {
    /// The alias, as in `aliases.toml` of the model's folder.
    pub(crate) alias: Key<String>,
}

/// Where a model runs.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Device {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU.
    Gpu,
}

/// How rows are gathered for one pass.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Batch {
    /// Rows, at most. Default: 256.
    pub(crate) size: Option<Key<u64>>,
    /// How long the first row waits for more. Default: 2ms.
    pub(crate) delay: Option<Key<Duration>>,
}
