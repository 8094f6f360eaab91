//! One step down the gradient: AdamW with its moments (Loshchilov, Hutter: *Decoupled Weight Decay Regularization*,
//! ICLR 2019), as Burn has it.

use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer};
use burn::tensor::{Device, Tensor};
use config::TrainSettings;
use serde::{Deserialize, Serialize};

use crate::arch::{Network, on_device, to_host};

/// The optimiser and what it remembers of each parameter.
pub(super) struct Descent {
    adamw: AdamW,
    learning_rate: f64,
    states: Vec<Option<AdamWState<2>>>,
}

/// What the optimiser remembers of a parameter, in plain memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    /// Steps that it has seen.
    time: u64,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moments {
    /// Whether they are those of a parameter of this size.
    pub(super) fn are_of(&self, size: usize) -> bool {
        self.first.len() == size && self.second.len() == size
    }
}

impl Descent {
    pub(super) fn new(settings: &TrainSettings, parameters: usize) -> Self {
        // Smaller than Burn's default: the usual constant of Adam's paper.
        let adamw = AdamWConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(settings.weight_decay as f32);
        Self {
            adamw: adamw.build(),
            learning_rate: settings.learning_rate,
            states: vec![None; parameters],
        }
    }

    /// Moves every parameter against the gradient of the loss.
    ///
    /// # Errors
    /// If a parameter has no gradient: the loss does not depend on it.
    pub(super) fn step(&mut self, network: &mut Network, loss: &Tensor<1>) -> Result<(), String> {
        let mut gradients = loss.backward();
        for (parameter, state) in network.parameters.iter_mut().zip(&mut self.states) {
            let Some(gradient) = parameter.grad_remove(&mut gradients) else {
                return Err("a parameter has no gradient".into());
            };
            let inner = parameter.clone().inner();
            let (moved, next) =
                (self.adamw).step(self.learning_rate, inner, gradient, state.take());
            *parameter = Tensor::from_inner(moved).require_grad();
            *state = next;
        }
        Ok(())
    }

    /// What is remembered, in plain memory.
    ///
    /// # Errors
    /// What the device says if it fails.
    pub(super) fn moments(&self) -> Result<Vec<Option<Moments>>, String> {
        let mut moments = Vec::with_capacity(self.states.len());
        for state in &self.states {
            moments.push(match state {
                None => None,
                Some(AdamWState { momentum }) => Some(Moments {
                    time: momentum.time as u64,
                    first: to_host(momentum.moment_1.clone())?,
                    second: to_host(momentum.moment_2.clone())?,
                }),
            });
        }
        Ok(moments)
    }

    /// Remembers what was kept, for parameters of these shapes.
    ///
    /// # Errors
    /// If the sizes differ.
    pub(super) fn restore(
        &mut self,
        moments: Vec<Option<Moments>>,
        network: &Network,
        device: &Device,
    ) -> Result<(), String> {
        if moments.len() != network.parameters.len() {
            return Err("it has another number of parameters".into());
        }
        self.states.clear();
        for (kept, parameter) in moments.into_iter().zip(&network.parameters) {
            let shape = parameter.dims();
            self.states.push(match kept {
                None => None,
                Some(kept) => {
                    let size = shape[0] * shape[1];
                    if kept.first.len() != size || kept.second.len() != size {
                        return Err("its moments have another size".into());
                    }
                    let time = usize::try_from(kept.time).map_err(|error| error.to_string())?;
                    let first = on_device(kept.first, shape, device);
                    let second = on_device(kept.second, shape, device);
                    Some(AdamWState::new(AdaptiveMomentumState::new(
                        time, first, second,
                    )))
                }
            });
        }
        Ok(())
    }
}
