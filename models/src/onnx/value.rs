//! What flows along the edges of a graph.

use super::fault::{Fault, refuse};
use super::float::Float;
use super::host::Host;

/// A tensor of any of the types that graphs use. Shapes, indices and labels never leave the host.
///
/// ONNX's other number types are kept in the nearest of these: 16-bit and 64-bit floats as 32-bit, all integers as
/// 64-bit.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Floats.
    Float(Float),
    /// Integers.
    Int(Host<i64>),
    /// Truth values.
    Bool(Host<bool>),
    /// Text.
    Text(Host<String>),
}

impl Value {
    /// Floats in plain memory.
    pub(crate) fn host(host: Host<f32>) -> Self {
        Self::Float(Float::Host(host))
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Float(float) => float.shape(),
            Self::Int(host) => host.shape(),
            Self::Bool(host) => host.shape(),
            Self::Text(host) => host.shape(),
        }
    }

    /// What it holds, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Float(_) => "floats",
            Self::Int(_) => "integers",
            Self::Bool(_) => "truth values",
            Self::Text(_) => "text",
        }
    }

    pub(crate) fn into_float(self) -> Result<Float, Fault> {
        match self {
            Self::Float(float) => Ok(float),
            other => refuse!("needs floats, got {}", other.kind()),
        }
    }

    pub(crate) fn into_ints(self) -> Result<Host<i64>, Fault> {
        match self {
            Self::Int(host) => Ok(host),
            other => refuse!("needs integers, got {}", other.kind()),
        }
    }

    pub(crate) fn into_bools(self) -> Result<Host<bool>, Fault> {
        match self {
            Self::Bool(host) => Ok(host),
            other => refuse!("needs truth values, got {}", other.kind()),
        }
    }

    /// Any numbers as floats in plain memory, as `ai.onnx.ml` takes them.
    pub(crate) fn into_numbers(self) -> Result<Host<f32>, Fault> {
        match self {
            Self::Float(float) => float.into_host(),
            #[expect(
                clippy::cast_precision_loss,
                reason = "ONNX's cast rounds to the nearest"
            )]
            Self::Int(host) => Ok(host.map(|&n| n as f32)),
            Self::Bool(host) => Ok(host.map(|&b| f32::from(u8::from(b)))),
            Self::Text(_) => refuse!("needs numbers, got text"),
        }
    }
}

impl From<Host<i64>> for Value {
    fn from(host: Host<i64>) -> Self {
        Self::Int(host)
    }
}

impl From<Host<bool>> for Value {
    fn from(host: Host<bool>) -> Self {
        Self::Bool(host)
    }
}
