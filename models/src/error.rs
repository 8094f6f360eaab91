//! Why a model cannot be loaded or asked: place, cause, cure.

use std::io;
use std::path::PathBuf;

/// What went wrong with a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file or folder cannot be read.
    #[error("cannot read \"{}\"", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A version cannot be written.
    #[error("cannot write \"{}\"", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The folder has no such version or alias.
    #[error("model folder \"{}\": {cause}", folder.display())]
    Version {
        /// The model's folder.
        folder: PathBuf,
        /// What is missing, and what there is.
        cause: String,
    },
    /// `model.toml` or `aliases.toml` is not what it should be.
    #[error("\"{}\": {cause}", path.display())]
    Settings {
        /// The settings file.
        path: PathBuf,
        /// The rule broken.
        cause: String,
    },
    /// The bytes are no ONNX model.
    #[error("\"{}\" is not an ONNX model: {cause}", path.display())]
    NotOnnx {
        /// The model file.
        path: PathBuf,
        /// What the decoder says.
        cause: String,
    },
    /// The model uses an operator that Thalweg does not run.
    #[error(
        "model \"{}\": node \"{node}\" uses {operator} of {domain} opset {opset}, which is not supported",
        path.display()
    )]
    Unsupported {
        /// The model file.
        path: PathBuf,
        /// Name of the node, or its number if it has none.
        node: String,
        /// Its operator.
        operator: String,
        /// `ai.onnx`, `ai.onnx.ml` or a foreign domain.
        domain: String,
        /// Version of the domain's operators that the model imports; 0 if it imports none.
        opset: i64,
    },
    /// A node contradicts the specification, or the shapes that reach it.
    #[error("model \"{}\": node \"{node}\" ({operator}): {cause}", path.display())]
    Node {
        /// The model file.
        path: PathBuf,
        /// Name of the node, or its number if it has none.
        node: String,
        /// Its operator.
        operator: String,
        /// The rule broken.
        cause: String,
    },
    /// The graph as a whole cannot be run.
    #[error("model \"{}\": {cause}", path.display())]
    Graph {
        /// The model file.
        path: PathBuf,
        /// The rule broken.
        cause: String,
    },
    /// The rows asked do not fit the model.
    #[error("model \"{}\" takes {expected} features, the rows have {given}", path.display())]
    Columns {
        /// The model file.
        path: PathBuf,
        /// Features of a row that the signature asks for.
        expected: usize,
        /// Columns of the matrix.
        given: usize,
    },
    /// A matrix whose numbers are not `rows * columns`.
    #[error("a matrix of {rows} rows and {columns} columns has {values} values")]
    Matrix {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Its values.
        values: usize,
    },
    /// A version whose inputs or outputs differ cannot take another's place.
    #[error("version {new} of model \"{}\" has another signature than version {old}", path.display())]
    SignatureChanged {
        /// The newer model file.
        path: PathBuf,
        /// Version in service.
        old: u64,
        /// Version that was to replace it.
        new: u64,
    },
    /// The device asked for is not there.
    #[error("no GPU: {cause}")]
    Device {
        /// Why not.
        cause: String,
    },
}

impl ModelError {
    /// What to do about it, in a sentence.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::Write { .. } => "check the path and its permissions",
            Self::Version { .. } => {
                "a model folder holds <version number>/model.onnx, and aliases.toml if aliases are used"
            }
            Self::Settings { .. } => {
                "see docs/topology.md for what model.toml and aliases.toml hold"
            }
            Self::NotOnnx { .. } => "export the model again; the file may be truncated",
            Self::Unsupported { .. } => {
                "export the model without this operator, or with an opset from 7 to 28 (ai.onnx) and 1 to 5 (ai.onnx.ml)"
            }
            Self::Node { .. } | Self::Graph { .. } => {
                "check the file with onnx.checker.check_model and export it again"
            }
            Self::Columns { .. } => "list the features of the model's signature, in its order",
            Self::Matrix { .. } => "this is a mistake in the caller",
            Self::SignatureChanged { .. } => {
                "a model with other inputs or outputs needs a topology that names them: restart with the new version"
            }
            Self::Device { .. } => {
                "set device = \"cpu\" or \"auto\", or build with the cargo feature gpu on a machine with a GPU"
            }
        }
    }
}
