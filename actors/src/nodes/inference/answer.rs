//! What a model gave for some rows, cut and put together by rows.

use std::ops::Range;

use models::{Tensor, TensorData};

use crate::nodes::infer::count;

/// What came out of a model for some rows.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Outputs in the order of the signature, each with those rows.
    pub outputs: Vec<Tensor>,
    /// Which version gave them.
    pub version: u64,
}

impl Answer {
    /// The answer for some of its `rows` rows.
    pub(in crate::nodes) fn slice(&self, rows: usize, range: Range<usize>) -> Self {
        let outputs = self.outputs.iter();
        Self {
            outputs: outputs.map(|t| slice(t, rows, range.clone())).collect(),
            version: self.version,
        }
    }

    /// Takes the answer for the rows that follow.
    pub(super) fn append(&mut self, next: Self) {
        for (mine, next) in self.outputs.iter_mut().zip(next.outputs) {
            if let (Some(rows), Some(more)) = (mine.shape.first_mut(), next.shape.first()) {
                *rows += more;
            }
            match (&mut mine.data, next.data) {
                (TensorData::Float32(mine), TensorData::Float32(next)) => mine.extend(next),
                (TensorData::Int64(mine), TensorData::Int64(next)) => mine.extend(next),
                (TensorData::String(mine), TensorData::String(next)) => mine.extend(next),
                _ => unreachable!("an output of a model has one type"),
            }
        }
    }
}

/// Some rows of a tensor whose first axis has `rows` rows.
fn slice(tensor: &Tensor, rows: usize, wanted: Range<usize>) -> Tensor {
    let width = count(tensor).checked_div(rows).unwrap_or(0);
    let range = wanted.start * width..wanted.end * width;
    let data = match &tensor.data {
        TensorData::Float32(values) => TensorData::Float32(values[range].to_vec()),
        TensorData::Int64(values) => TensorData::Int64(values[range].to_vec()),
        TensorData::String(values) => TensorData::String(values[range].to_vec()),
    };
    let mut shape = tensor.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = wanted.len();
    }
    Tensor { shape, data }
}
