//! What a model says of the holdout's rows.

use crate::{LoadedModel, Matrix, ModelError, Tensor, TensorData};

/// Numbers for each row, row after row.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// Numbers of a row: probabilities of the classes, or one value or score.
    pub width: usize,
    /// `rows * width` numbers.
    pub numbers: Vec<f32>,
}

impl Answers {
    /// Asks a model: its output `probabilities`, `value` or `score`, or else its first output of floats.
    ///
    /// # Errors
    /// If the rows do not fit the model, or no output is of floats.
    pub fn of(model: &LoadedModel, rows: &Matrix) -> Result<Self, ModelError> {
        let outputs = &model.signature().outputs;
        let mut answers: Vec<Option<Tensor>> = model.infer(rows)?.into_iter().map(Some).collect();
        let named = ["probabilities", "value", "score"];
        let named = named
            .iter()
            .filter_map(|name| outputs.iter().position(|output| output.name == *name));
        for at in named.chain(0..outputs.len()) {
            if let Some(Tensor {
                data: TensorData::Float32(numbers),
                ..
            }) = answers.get_mut(at).and_then(Option::take)
            {
                let width = numbers.len() / rows.rows.max(1);
                return Ok(Self { width, numbers });
            }
        }
        Err(ModelError::Graph {
            path: model.path().into(),
            cause: "none of its outputs are floats, so nothing can be measured".into(),
        })
    }

    /// The same answer to so many rows: what a model has to beat that has learned anything.
    #[must_use]
    pub fn constant(answer: &[f32], rows: usize) -> Self {
        Self {
            width: answer.len(),
            numbers: answer.repeat(rows),
        }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.numbers.len() / self.width.max(1)
    }

    /// One number a row that ranks it: the probability of the last class, or the value or score.
    #[must_use]
    pub fn scores(&self) -> Vec<f32> {
        let rows = self.numbers.chunks_exact(self.width.max(1));
        rows.filter_map(|row| row.last().copied()).collect()
    }

    /// Whether every row has the same answer.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        let width = self.width.max(1);
        let mut rows = self.numbers.chunks_exact(width);
        let first = rows.next();
        rows.all(|row| Some(row) == first)
    }
}
