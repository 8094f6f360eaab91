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

impl Signature {
    /// Whether a model of this signature can answer in the place of one of `other`: it takes the same
    /// features and gives the same outputs, perhaps more, in whatever order. What the input is called and
    /// how many rows it takes at once matter to nobody.
    #[must_use]
    pub fn stands_in_for(&self, other: &Self) -> bool {
        let rows_apart = |spec: &TensorSpec| (spec.element, spec.shape.get(1..).map(<[_]>::to_vec));
        let inputs = |of: &Self| of.inputs.iter().map(rows_apart).collect::<Vec<_>>();
        let untold = self.features.is_empty() || other.features.is_empty();
        inputs(self) == inputs(other)
            && (untold || self.features == other.features)
            && other.outputs.iter().all(|asked| {
                let mut own = self.outputs.iter();
                own.any(|own| own.name == asked.name && rows_apart(own) == rows_apart(asked))
            })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: &[Option<usize>]) -> TensorSpec {
        TensorSpec {
            name: name.into(),
            element: Element::Float32,
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn a_model_stands_in_for_another_that_takes_the_same_and_gives_no_more() {
        let champion = Signature {
            inputs: vec![tensor("x", &[Some(1), Some(2)])],
            outputs: vec![tensor("probabilities", &[None, Some(2)])],
            features: vec!["a".into(), "b".into()],
        };
        let more = Signature {
            inputs: vec![tensor("features", &[None, Some(2)])],
            outputs: vec![
                tensor("label", &[None]),
                tensor("probabilities", &[None, Some(2)]),
            ],
            ..champion.clone()
        };
        assert!(more.stands_in_for(&champion) && champion.stands_in_for(&champion));
        assert!(!champion.stands_in_for(&more), "an output is missing");
        let others = [
            Signature {
                features: vec!["b".into(), "a".into()],
                ..champion.clone()
            },
            Signature {
                inputs: vec![tensor("x", &[None, Some(3)])],
                ..champion.clone()
            },
            Signature {
                outputs: vec![tensor("probabilities", &[None, Some(3)])],
                ..champion.clone()
            },
        ];
        for other in others {
            assert!(!other.stands_in_for(&champion), "{other:?}");
        }
    }
}
