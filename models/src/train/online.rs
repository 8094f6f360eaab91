//! A network that learns a batch at a time and lives in plain memory between steps, as a piece of a key's state.

use burn::tensor::Tensor;
use config::{Architecture, TrainSettings};
use serde::{Deserialize, Serialize};

use super::descent::{Descent, Moments};
use super::loss;
use crate::Task;
use crate::arch::{Dense, Network, forward, initial, on_device};
use crate::device::Device;
use crate::random::Random;

/// An autoencoder on its way: weights, and what the optimiser remembers of each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Online {
    layers: Vec<Dense>,
    moments: Vec<Option<Moments>>,
}

impl Online {
    /// Rows of `width` numbers, pressed into `code`.
    pub(crate) fn new(width: usize, code: usize, seed: u64) -> Self {
        let layers = initial(&[width, code, width], &mut Random::new(seed));
        let moments = vec![None; 2 * layers.len()];
        Self { layers, moments }
    }

    /// What the network makes of a row. Plain loops: a tensor costs more than so small a network.
    pub(crate) fn rebuild(&self, row: &[f32]) -> Vec<f32> {
        let mut values = row.to_vec();
        for (at, layer) in self.layers.iter().enumerate() {
            let mut next = layer.bias.clone();
            for (value, weights) in values.iter().zip(layer.weights.chunks_exact(layer.outputs)) {
                for (sum, weight) in next.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
            if at + 1 < self.layers.len() {
                next.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            values = next;
        }
        values
    }

    /// Moves every weight one step of AdamW against the error of rebuilding these rows, one behind the other.
    ///
    /// # Errors
    /// What the device says if it fails, or that a weight is no number any more; the network is then as it was.
    pub(crate) fn step(&mut self, rows: Vec<f32>, learning_rate: f64) -> Result<(), String> {
        let Some(width) = self.layers.first().map(|layer| layer.inputs) else {
            return Ok(());
        };
        let device = Device::cpu().training();
        let mut network = Network::new(&self.layers, &device);
        let settings = TrainSettings {
            learning_rate,
            ..TrainSettings::of(Architecture::Autoencoder { hidden: Vec::new() }, None)
        };
        let mut descent = Descent::new(&settings, network.parameters.len());
        descent.restore(self.moments.clone(), &network, &device.clone().inner())?;
        let shape = [rows.len() / width, width];
        let rows: Tensor<2> = on_device(rows, shape, &device);
        let outputs = forward(&network.parameters, rows.clone());
        descent.step(&mut network, &loss::mean(Task::Rebuild, outputs, rows))?;
        let layers = network.layers()?;
        if !layers.iter().all(|layer| layer.largest().is_finite()) {
            return Err("a weight is no number any more".into());
        }
        self.moments = descent.moments()?;
        self.layers = layers;
        Ok(())
    }

    /// Whether it is whole and of these sizes.
    pub(crate) fn fits(&self, width: usize, code: usize) -> bool {
        let sizes = [(width, code), (code, width)];
        let is_sized =
            |(layer, size): (&Dense, _)| (layer.inputs, layer.outputs) == size && layer.is_sound();
        let parameters = self
            .layers
            .iter()
            .flat_map(|layer| [&layer.weights, &layer.bias]);
        self.layers.len() == sizes.len()
            && self.layers.iter().zip(sizes).all(is_sized)
            && self.moments.len() == 2 * sizes.len()
            && (self.moments.iter().zip(parameters))
                .all(|(moments, of)| moments.as_ref().is_none_or(|kept| kept.are_of(of.len())))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let weights = self.layers.iter();
        let weights = weights.map(|layer| layer.weights.len() + layer.bias.len());
        // With two moments of each.
        3 * weights.sum::<usize>() * size_of::<f32>()
    }
}
