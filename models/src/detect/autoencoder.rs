//! An autoencoder that learns as it goes: the score is how badly a small network rebuilds the row through a
//! bottleneck (Sakurada and Yairi: *Anomaly Detection Using Autoencoders with Nonlinear Dimensionality Reduction*,
//! MLSDA 2014). Trained by Burn, one step of AdamW for each batch of rows: it never looks at a row twice, so that it
//! does not learn to rebuild what is rare.
//!
//! Columns are scaled by their mean and deviation of late; a value is learned as at most so many deviations, so that one
//! wild row does not move the weights for good. It is scored as far as it goes.

use serde::{Deserialize, Serialize};

use super::spread::Spread;
use crate::train::Online;

/// Weight of the newest row in means and deviations: about the last two thousand rows.
const ALPHA: f64 = 0.001;
/// Deviations that a value is learned as, at most.
const CLIP: f32 = 5.0;

/// What a network is like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Numbers that a row is pressed into.
    pub(super) code: usize,
    /// Rows of a step.
    pub(super) batch: usize,
    /// Step size of AdamW.
    pub(super) learning_rate: f64,
}

/// One key's network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Autoencoder {
    shape: Shape,
    network: Online,
    spread: Spread,
    /// Scaled rows to be learned, one behind the other.
    pending: Vec<f32>,
}

impl Autoencoder {
    pub(super) fn new(shape: Shape, width: usize, seed: u64) -> Self {
        Self {
            shape,
            network: Online::new(width, shape.code, seed),
            spread: Spread::new(ALPHA, width),
            pending: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        let is_known = self.spread.rows() >= self.shape.batch as u64;
        let scaled: Vec<f32> = values
            .iter()
            .enumerate()
            .map(|(column, value)| single(self.spread.z(column, *value)))
            .collect();
        self.spread.add(values);
        if !is_known {
            return None;
        }
        let rebuilt = self.network.rebuild(&scaled);
        let errors = scaled
            .iter()
            .zip(&rebuilt)
            .map(|(value, again)| value - again);
        let score: f64 = errors.map(|error| f64::from(error).powi(2)).sum();
        let learned = scaled.iter().map(|value| value.clamp(-CLIP, CLIP));
        self.pending.extend(learned);
        if self.pending.len() >= self.shape.batch * values.len() {
            let rows = std::mem::take(&mut self.pending);
            // A step that fails leaves the network as it was, and the next rows are another try.
            if let Err(cause) = self.network.step(rows, self.shape.learning_rate) {
                tracing::debug!(cause, "a step of an autoencoder is left out");
            }
        }
        Some(score)
    }

    pub(super) fn fits(&self, shape: Shape, width: usize) -> bool {
        self.shape == shape
            && self.network.fits(width, shape.code)
            && self.spread.fits(ALPHA, width)
            && self.pending.len() < shape.batch * width
            && self.pending.len().is_multiple_of(width)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.network.heap_bytes() + self.spread.heap_bytes() + size_of_val(&*self.pending)
    }
}

/// Far beyond what float32 squares is as far as it goes.
#[expect(clippy::cast_possible_truncation, reason = "bounded")]
fn single(value: f64) -> f32 {
    const MOST: f64 = 1e18;
    value.clamp(-MOST, MOST) as f32
}
