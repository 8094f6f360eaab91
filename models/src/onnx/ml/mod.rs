//! The operators of `ai.onnx.ml`: classical models and their preprocessing, on the host.
//!
//! All of them compute row after row in one order, so a row's answer never depends on its neighbours.

mod rows;
mod transform;
mod labels;
mod linear;
mod svm;
mod trees;
mod ensemble;
mod scale;
mod encode;

use super::fault::Fault;
use super::node::{Kernel, Node};

/// The kernel of a node of `ai.onnx.ml`; `None` if its operator is not supported.
pub(crate) fn build(node: &Node<'_>) -> Result<Option<Kernel>, Fault> {
    let kernel = match node.operator {
        "LinearClassifier" | "LinearRegressor" => linear::build(node)?,
        "SVMClassifier" | "SVMRegressor" => svm::build(node)?,
        "TreeEnsemble" | "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => {
            ensemble::build(node)?
        }
        "Binarizer" | "FeatureVectorizer" | "Imputer" | "Normalizer" | "Scaler" => {
            scale::build(node)?
        }
        "ArrayFeatureExtractor"
        | "CategoryMapper"
        | "LabelEncoder"
        | "OneHotEncoder"
        | "ZipMap" => encode::build(node)?,
        _ => return Ok(None),
    };
    Ok(Some(kernel))
}
