//! The index of every operator there is. A name not listed here is refused when a model is loaded.

mod elementwise;
mod arithmetic;
mod logic;
mod linear;
mod reduce;
mod normalize;
mod reshape;
mod select;
mod convert;

use super::fault::Fault;
use super::ml;
use super::node::{Kernel, Node};

/// Whose operators a node uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    /// `ai.onnx`
    Onnx,
    /// `ai.onnx.ml`
    Ml,
    /// Anything else: nothing of it is supported.
    Foreign,
}

impl Domain {
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "" | "ai.onnx" => Self::Onnx,
            "ai.onnx.ml" => Self::Ml,
            _ => Self::Foreign,
        }
    }

    /// Its full name, given as the file spells it.
    pub(crate) fn name(self, spelt: &str) -> &str {
        match self {
            Self::Onnx => "ai.onnx",
            Self::Ml => "ai.onnx.ml",
            Self::Foreign => spelt,
        }
    }

    /// Whether its operators are run as this version defines them. Before `ai.onnx` 7 broadcasting had other rules.
    pub(crate) fn runs(self, opset: i64) -> bool {
        match self {
            Self::Onnx => (7..=28).contains(&opset),
            Self::Ml => (1..=5).contains(&opset),
            Self::Foreign => false,
        }
    }
}

/// The kernel of a node; `None` if its operator is not supported.
///
/// # Errors
/// If the node's attributes or inputs break the operator's rules.
pub(crate) fn build(domain: Domain, node: &Node<'_>) -> Result<Option<Kernel>, Fault> {
    match domain {
        Domain::Onnx => build_onnx(node),
        Domain::Ml => ml::build(node),
        Domain::Foreign => Ok(None),
    }
}

fn build_onnx(node: &Node<'_>) -> Result<Option<Kernel>, Fault> {
    let kernel = match node.operator {
        "Abs" | "Ceil" | "Celu" | "Elu" | "Erf" | "Exp" | "Floor" | "Gelu" | "HardSigmoid"
        | "HardSwish" | "LeakyRelu" | "Log" | "Mish" | "Neg" | "Reciprocal" | "Relu" | "Round"
        | "Selu" | "Sigmoid" | "Sign" | "Softplus" | "Softsign" | "Sqrt" | "Tanh"
        | "ThresholdedRelu" => elementwise::build(node)?,
        "Add" | "Clip" | "Div" | "Max" | "Mean" | "Min" | "Mod" | "Mul" | "Pow" | "PRelu"
        | "Sub" | "Sum" => arithmetic::build(node)?,
        "And" | "Equal" | "Greater" | "GreaterOrEqual" | "IsInf" | "IsNaN" | "Less"
        | "LessOrEqual" | "Not" | "Or" | "Where" | "Xor" => logic::build(node)?,
        "Gemm" | "MatMul" => linear::build(node)?,
        "ArgMax" | "ArgMin" | "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp"
        | "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum"
        | "ReduceSumSquare" => reduce::build(node)?,
        "BatchNormalization" | "LayerNormalization" | "LogSoftmax" | "Softmax" => {
            normalize::build(node)?
        }
        "Expand" | "Flatten" | "Reshape" | "Shape" | "Size" | "Squeeze" | "Transpose"
        | "Unsqueeze" => reshape::build(node)?,
        "Concat" | "Gather" | "GatherElements" | "Slice" | "Split" | "Tile" | "TopK" => {
            select::build(node)?
        }
        "Cast" | "Constant" | "ConstantOfShape" | "Dropout" | "Identity" | "Range" => {
            convert::build(node)?
        }
        _ => return Ok(None),
    };
    Ok(Some(kernel))
}

/// Whether an operator's kernel gives a row the same bits whatever rows stand beside it.
///
/// True of kernels that compute element after element, or row after row in one order. Burn's matrix product and
/// reductions choose their way by the tensor's size, so they are not among them, nor is what moves rows.
pub(crate) fn is_row_wise(domain: Domain, operator: &str) -> bool {
    match domain {
        Domain::Onnx => matches!(operator, "Cast" | "Identity"),
        Domain::Ml => true,
        Domain::Foreign => false,
    }
}

/// Whether an operator's kernel reads its floats on the device.
pub(crate) fn runs_on_device(domain: Domain, operator: &str) -> bool {
    match domain {
        Domain::Onnx => !matches!(
            operator,
            "And"
                | "ArgMax"
                | "ArgMin"
                | "Cast"
                | "ConstantOfShape"
                | "Equal"
                | "Gather"
                | "GatherElements"
                | "Greater"
                | "GreaterOrEqual"
                | "IsInf"
                | "IsNaN"
                | "Less"
                | "LessOrEqual"
                | "Not"
                | "Or"
                | "Range"
                | "Shape"
                | "Size"
                | "TopK"
                | "Where"
                | "Xor"
        ),
        Domain::Ml | Domain::Foreign => false,
    }
}
