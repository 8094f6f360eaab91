//! Training from rows to a model that answers, as `thalweg train` does it.

use std::sync::Arc;

use config::TrainSettings;
use models::gate::Answers;
use models::train::{Examples, Trainer};
use models::{LoadedModel, Matrix, load_bytes};
use thalweg_benches::Failure;

/// Trains on some rows, and loads the exported ONNX file.
pub(crate) fn fit(
    rows: Matrix,
    labels: Vec<f32>,
    settings: TrainSettings,
) -> Result<LoadedModel, Failure> {
    let features = (1..=rows.columns).map(|at| format!("f{at}")).collect();
    let examples = Arc::new(Examples::try_new(features, rows, labels)?);
    let mut trainer = Trainer::new(examples, settings)?;
    while !trainer.step()?.done {}
    let trained = trainer.finish()?;
    Ok(load_bytes(&trained.onnx(), trained.features())?)
}

/// One score for each row: the probability of class 1, or the anomaly score.
pub(crate) fn scores(model: &LoadedModel, rows: &Matrix) -> Result<Vec<f32>, Failure> {
    Ok(Answers::of(model, rows)?.scores())
}

/// Some rows of a matrix.
pub(crate) fn part(rows: &Matrix, wanted: impl IntoIterator<Item = usize>) -> Matrix {
    let mut values = Vec::new();
    for row in wanted {
        values.extend_from_slice(rows.row(row));
    }
    Matrix {
        rows: values.len() / rows.columns,
        columns: rows.columns,
        values,
    }
}
