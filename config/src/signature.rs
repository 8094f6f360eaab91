//! What a model takes and gives, as far as a topology must know it.

use std::path::Path;

use crate::Monitor;

/// Number type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// 32-bit float
    Float32,
    /// 64-bit float
    Float64,
    /// 64-bit integer
    Int64,
    /// text
    String,
    /// truth value
    Bool,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name in the model file.
    pub name: String,
    /// Number type.
    pub element: Element,
    /// Sizes, the batch axis first; `None` where the size is free.
    pub shape: Vec<Option<usize>>,
}

/// Inputs and outputs of one model version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// Inputs in order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs in order.
    pub outputs: Vec<TensorSpec>,
    /// Names of the features in the order of the columns of the one input, from `model.toml`; empty if not told.
    pub features: Vec<String>,
}

/// Which version of a model is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VersionChoice {
    /// The highest number.
    Latest,
    /// This number.
    Number(u64),
    /// The one that the alias names in `aliases.toml`.
    Alias(String),
}

/// Reads signatures for `check`; implemented over the model files by `runtime`.
pub trait ModelSignatures {
    /// The signature of a version in a model folder.
    ///
    /// # Errors
    /// A sentence for the user: missing folder, version or file, a file that is no ONNX model.
    fn signature(&self, folder: &Path, version: &VersionChoice) -> Result<Signature, String>;

    /// Whether a monitor's detector exists and takes its parameters. Who knows no detectors says yes.
    ///
    /// # Errors
    /// A sentence for the user: no such detector or parameter, a value outside its range.
    fn monitor(&self, monitor: &Monitor) -> Result<(), String> {
        let _ = monitor;
        Ok(())
    }
}

/// Knows no models: for checks of topologies without any.
#[derive(Debug, Clone, Copy)]
pub struct NoModels;

impl ModelSignatures for NoModels {
    fn signature(&self, folder: &Path, _: &VersionChoice) -> Result<Signature, String> {
        Err(format!("no model at {}", folder.display()))
    }
}
