//! How wrong a network is on a batch.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

use crate::Task;

/// Mean loss of a batch.
///
/// Shapes: `outputs [rows, outputs]`; `wanted` the same, what [`super::targets::Targets::push`] gave, or the rows.
/// Classes: cross-entropy of the softmax, each row times its class's weight. Numbers and rows: mean squared error.
pub(super) fn mean(task: Task, outputs: Tensor<2>, wanted: Tensor<2>) -> Tensor<1> {
    match task {
        Task::Classes(_) => {
            let rows = outputs.dims()[0];
            -(log_softmax(outputs, 1) * wanted).sum() / rows as f32
        }
        Task::Value | Task::Rebuild => {
            let error = outputs - wanted;
            (error.clone() * error).mean()
        }
    }
}
