//! One version of a model, ready to answer.

use std::fmt;
use std::path::Path;

use config::{DeviceChoice, Element, Signature, TensorSpec, VersionChoice};

use crate::device::Device;
use crate::onnx::{self, GraphInput};
use crate::settings::{self, ModelFile};
use crate::tiles::{OutputKind, Tiled};
use crate::{Matrix, ModelError, Tensor, registry};

/// Bytes of a model file, at most: protobuf's own limit.
const FILE_BYTES_MAX: u64 = 2 << 30;

/// A version of a model, planned and warm. Immutable; many threads may ask it at once.
pub struct LoadedModel {
    version: u64,
    description: String,
    signature: Signature,
    tiled: Tiled,
    /// The outputs that are given, in this order, of those that the file has; `None`: all of them.
    given: Option<Vec<usize>>,
}

/// Loads a version of a model from its folder.
///
/// # Errors
/// If there is no such version, its files break the rules, it uses what is not supported, or the device is missing.
pub fn load(
    folder: &Path,
    choice: &VersionChoice,
    device: DeviceChoice,
) -> Result<LoadedModel, ModelError> {
    let version = registry::resolve(folder, choice)?;
    load_version(&registry::model_file(folder, version), version, device)
}

/// Loads one ONNX file, as version 0, onto the CPU. A `model.toml` beside it is read too.
///
/// # Errors
/// As [`load`].
pub fn load_file(path: &Path) -> Result<LoadedModel, ModelError> {
    load_version(path, 0, DeviceChoice::Cpu)
}

fn load_version(
    path: &Path,
    version: u64,
    device: DeviceChoice,
) -> Result<LoadedModel, ModelError> {
    let settings: ModelFile =
        settings::read(&path.with_file_name("model.toml"))?.unwrap_or_default();
    planned(
        &read(path)?,
        path,
        version,
        settings,
        &Device::choose(device)?,
    )
}

/// Plans the bytes of an ONNX file that is nowhere yet, as version 0, onto the CPU: a trained model can be judged before
/// it is published. `features` are the names that its `model.toml` will have.
///
/// # Errors
/// As [`load`].
pub fn load_bytes(bytes: &[u8], features: &[String]) -> Result<LoadedModel, ModelError> {
    let settings = ModelFile {
        features: features.to_vec(),
        ..ModelFile::default()
    };
    planned(
        bytes,
        Path::new("(unpublished)"),
        0,
        settings,
        &Device::cpu(),
    )
}

fn planned(
    bytes: &[u8],
    path: &Path,
    version: u64,
    settings: ModelFile,
    device: &Device,
) -> Result<LoadedModel, ModelError> {
    let plan = onnx::plan(bytes, path, device)?;
    let tiled = Tiled::new(plan, settings.features.len())?;
    let signature = signature(&tiled, &settings.features);
    Ok(LoadedModel {
        version,
        description: settings.description,
        signature,
        tiled,
        given: None,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    let unreadable = |source| ModelError::Read {
        path: path.into(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(ModelError::NotOnnx {
            path: path.into(),
            cause: format!("it has {length} bytes; ONNX files have {FILE_BYTES_MAX} at most"),
        });
    }
    std::fs::read(path).map_err(unreadable)
}

fn signature(tiled: &Tiled, features: &[String]) -> Signature {
    let input = |input: &GraphInput| TensorSpec {
        name: input.name.clone(),
        element: input.element,
        shape: input.shape.clone(),
    };
    let outputs = tiled.outputs().iter().map(|output| TensorSpec {
        name: output.name.clone(),
        element: match output.kind {
            OutputKind::Float => Element::Float32,
            OutputKind::Int => Element::Int64,
            OutputKind::Text => Element::String,
        },
        shape: std::iter::once(None)
            .chain(output.row_shape.iter().map(|&size| Some(size)))
            .collect(),
    });
    Signature {
        inputs: tiled.inputs().iter().map(input).collect(),
        outputs: outputs.collect(),
        features: features.to_vec(),
    }
}

impl LoadedModel {
    /// Its number in the model's folder.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What `model.toml` says about it.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What it takes and gives. Sizes of outputs are those that it gave when it was loaded.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Features of a row, over all inputs.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.tiled.columns()
    }

    /// The file it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.tiled.path()
    }

    /// The model's answer for each row, one tensor for each output of the signature, in its order.
    ///
    /// A row's answer is the same, bit for bit, whatever rows it comes with.
    ///
    /// # Errors
    /// If the rows have not as many columns as the signature has features, or the device fails.
    pub fn infer(&self, rows: &Matrix) -> Result<Vec<Tensor>, ModelError> {
        let outputs = self.tiled.infer(rows)?;
        let Some(given) = &self.given else {
            return Ok(outputs);
        };
        let mut outputs: Vec<Option<Tensor>> = outputs.into_iter().map(Some).collect();
        let given = given.iter().filter_map(|nth| outputs.get_mut(*nth)?.take());
        Ok(given.collect())
    }

    /// The model as one that gives what another of this signature gives, in that one's order: what reads
    /// outputs knows them by their places. One that does not stand in for the other stays as it is.
    #[must_use]
    pub fn in_place_of(mut self, other: &Signature) -> Self {
        if self.given.is_some() || !self.signature.stands_in_for(other) {
            return self;
        }
        let own = &self.signature.outputs;
        let place = |asked: &TensorSpec| own.iter().position(|own| own.name == asked.name);
        let given: Vec<usize> = other.outputs.iter().filter_map(place).collect();
        self.signature.outputs = given.iter().map(|nth| own[*nth].clone()).collect();
        self.given = Some(given);
        self
    }
}

impl fmt::Debug for LoadedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedModel")
            .field("path", &self.path())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
