//! What goes into a model and what comes out of it, in plain memory.

/// Feature rows, one after the other.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// How many rows.
    pub rows: usize,
    /// Features of a row.
    pub columns: usize,
    /// `rows * columns` numbers, row by row. 64-bit numbers are rounded by the caller.
    pub values: Vec<f32>,
}

/// One output of a model for all rows asked: the first axis is the rows'.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Sizes, rows first.
    pub shape: Vec<usize>,
    /// The values, the last axis fastest.
    pub data: TensorData,
}

/// Values of a tensor. 64-bit floats of a model come as 32-bit, truth values as 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// `float`
    Float32(Vec<f32>),
    /// `int64`
    Int64(Vec<i64>),
    /// `string`
    String(Vec<String>),
}

impl Matrix {
    /// Row number `index`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.columns..][..self.columns]
    }
}

impl TensorData {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Float32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::String(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
