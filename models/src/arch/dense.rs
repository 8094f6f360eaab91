//! A dense layer in plain memory.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// `y = x · weights + bias`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// `[inputs, outputs]`, the outputs of one input together.
    pub(crate) weights: Vec<f32>,
    /// `[outputs]`
    pub(crate) bias: Vec<f32>,
}

impl Dense {
    /// Normal weights with variance `gain / inputs`, and no bias.
    pub(crate) fn random(inputs: usize, outputs: usize, gain: f64, random: &mut Random) -> Self {
        let deviation = (gain / inputs.max(1) as f64).sqrt();
        let mut weight = || (deviation * random.normal()) as f32;
        Self {
            inputs,
            outputs,
            weights: (0..inputs * outputs).map(|_| weight()).collect(),
            bias: vec![0.0; outputs],
        }
    }

    /// The largest weight or bias without its sign; NaN if one is.
    pub(crate) fn largest(&self) -> f32 {
        let all = self.weights.iter().chain(&self.bias);
        all.fold(0.0, |largest: f32, weight| {
            if weight.is_nan() || largest.is_nan() {
                f32::NAN
            } else {
                largest.max(weight.abs())
            }
        })
    }

    /// Whether the sizes are as they say.
    pub(crate) fn is_sound(&self) -> bool {
        self.inputs.checked_mul(self.outputs) == Some(self.weights.len())
            && self.bias.len() == self.outputs
    }
}
