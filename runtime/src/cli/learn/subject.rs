//! Which model is meant, what its features are, how it is trained, and who is champion.

use std::path::{Path, PathBuf};

use config::{
    DeviceChoice, Element, LogSettings, ModelSettings, ModelSignatures, Monitor, Node,
    OperatorKind, Signature, TensorSpec, Topology, TrainSettings, VersionChoice,
};
use models::train::next_version;
use models::{LoadedModel, ModelFolders};

use super::super::TopologyArguments;
use super::super::load::load_with;
use super::error::LearnError;
use crate::access::{Access, AccessError};

/// The model that a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct ModelArguments {
    /// The topology file; without one, flags say everything
    pub(super) file: Option<PathBuf>,
    /// Overrides a key of the file: `--set epoch.interval=50ms`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Id of the model in the topology; not needed if there is but one
    #[arg(long, value_name = "ID")]
    pub(super) model: Option<String>,
    /// Names of the features, in order; default: those that the topology feeds it, or those of the champion
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(super) features: Vec<String>,
    /// Column with the true class (0, 1, …) or number; default: as in `[model.train]`
    #[arg(long, value_name = "COLUMN")]
    pub(super) label: Option<String>,
    /// Column with the event time, a number; rows are sorted by it
    #[arg(long, value_name = "COLUMN")]
    pub(super) time: Option<String>,
    /// Measures each value of this column apart too; may be given more than once
    #[arg(long = "slice", value_name = "COLUMN")]
    pub(super) slices: Vec<String>,
}

/// What the topology says of a model.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// Its folder.
    pub(super) folder: Option<PathBuf>,
    pub(super) version: Option<VersionChoice>,
    pub(super) train: Option<TrainSettings>,
    /// The features that an operator feeds it; empty if none does.
    pub(super) features: Vec<String>,
    pub(super) log: Option<LogSettings>,
}

impl Subject {
    /// Reads the topology, if one is named.
    pub(super) fn of(arguments: &ModelArguments) -> Result<Self, LearnError> {
        let Some(file) = &arguments.file else {
            return Ok(Self::default());
        };
        let (file, set) = (file.clone(), arguments.set.clone());
        let topology = load_with(&TopologyArguments { file, set }, &Trainable)
            .map_err(AccessError::Topology)?;
        let at = chosen(&topology, arguments.model.as_deref())?;
        let model: &ModelSettings = &topology.models[at];
        Ok(Self {
            folder: Some(model.path.clone()),
            version: Some(model.version.clone()),
            train: model.train.clone(),
            features: fed(&topology, at),
            log: Some(topology.log.clone()),
        })
    }

    /// The topology's log, or the embedded one.
    pub(super) fn access(&self, data_dir: &Path) -> Result<Access, LearnError> {
        let log = self.log.clone().unwrap_or(LogSettings::Embedded);
        Ok(Access::of(&log, data_dir)?)
    }

    /// The version in service; `None` if there is none yet.
    pub(super) fn champion(&self) -> Result<Option<LoadedModel>, LearnError> {
        match (&self.folder, &self.version) {
            (Some(folder), Some(version)) if next_version(folder)? > 1 => {
                Ok(Some(models::load(folder, version, DeviceChoice::Cpu)?))
            }
            (_, _) => Ok(None),
        }
    }
}

/// Position of the model that is meant.
fn chosen(topology: &Topology, id: Option<&str>) -> Result<usize, LearnError> {
    let ids = || {
        let ids = topology.models.iter().map(|model| model.id.as_str());
        ids.collect::<Vec<_>>().join(", ")
    };
    match id {
        None if topology.models.len() == 1 => Ok(0),
        None => Err(LearnError::Usage(format!(
            "which model? --model names one of: {}",
            ids()
        ))),
        Some(id) => {
            let found = topology
                .models
                .iter()
                .position(|model| model.id.as_str() == id);
            found.ok_or_else(|| {
                LearnError::Usage(format!(
                    "no model has the id \"{id}\"; there are: {}",
                    ids()
                ))
            })
        }
    }
}

/// Columns that an operator feeds a model, in its order.
fn fed(topology: &Topology, model: usize) -> Vec<String> {
    for node in &topology.nodes {
        if let Node::Operator(operator) = node
            && let OperatorKind::Infer(infer) = &operator.kind
            && infer.model == model
        {
            let columns = operator.input_schema.columns();
            let names = infer
                .features
                .iter()
                .map(|at| columns[*at].name.to_string());
            return names.collect();
        }
    }
    Vec::new()
}

/// As [`ModelFolders`], but a model without any version takes and gives whatever its operators ask: it is about to be
/// trained.
struct Trainable;

impl ModelSignatures for Trainable {
    fn monitor(&self, monitor: &Monitor) -> Result<(), String> {
        ModelFolders.monitor(monitor)
    }

    fn signature(&self, folder: &Path, version: &VersionChoice) -> Result<Signature, String> {
        if next_version(folder).is_ok_and(|next| next > 1) {
            return ModelFolders.signature(folder, version);
        }
        let free = |name: &str, element| TensorSpec {
            name: name.into(),
            element,
            shape: vec![None, None],
        };
        let one = |name: &str, element, shape: &[Option<usize>]| TensorSpec {
            name: name.into(),
            element,
            shape: shape.to_vec(),
        };
        Ok(Signature {
            inputs: vec![free("features", Element::Float32)],
            outputs: vec![
                free("probabilities", Element::Float32),
                one("label", Element::Int64, &[None]),
                one("value", Element::Float32, &[None, Some(1)]),
                one("score", Element::Float32, &[None, Some(1)]),
            ],
            features: Vec::new(),
        })
    }
}
