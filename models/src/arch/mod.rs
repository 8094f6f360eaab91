//! Networks that exist only at run time: their shapes come from a topology file.
//!
//! `dense` is a layer in plain memory, as a checkpoint and an ONNX file have it; `network` is the same on a device of
//! Burn, where gradients flow through it.

mod dense;
mod network;

use config::Architecture;

pub(crate) use dense::Dense;
pub(crate) use network::{Network, forward, on_device, to_host};

use crate::random::Random;

/// What a model gives for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// A probability for each of so many classes.
    Classes(usize),
    /// A number.
    Value,
    /// The row itself, through a bottleneck: its error is the anomaly score.
    Rebuild,
}

/// Sizes of the layers: features, hidden ones, outputs.
pub(crate) fn widths(architecture: &Architecture, task: Task, features: usize) -> Vec<usize> {
    let hidden: &[usize] = match architecture {
        Architecture::Logistic | Architecture::Linear => &[],
        Architecture::Mlp { hidden } | Architecture::Autoencoder { hidden } => hidden,
    };
    let outputs = match task {
        Task::Classes(classes) => classes,
        Task::Value => 1,
        Task::Rebuild => features,
    };
    let mut widths = vec![features];
    widths.extend_from_slice(hidden);
    widths.push(outputs);
    widths
}

/// First weights of all layers.
///
/// Normal with variance 2 / inputs before a ReLU (He et al. 2015) and 1 / inputs before an output; a model of one
/// layer begins at zero, since its loss has but one minimum.
pub(crate) fn initial(widths: &[usize], random: &mut Random) -> Vec<Dense> {
    let last = widths.len().saturating_sub(2);
    let layers = widths.windows(2).enumerate().map(|(at, pair)| {
        let (inputs, outputs) = (pair[0], pair[1]);
        let gain = match (at == last, last) {
            (true, 0) => 0.0,
            (true, _) => 1.0,
            (false, _) => 2.0,
        };
        Dense::random(inputs, outputs, gain, random)
    });
    layers.collect()
}
