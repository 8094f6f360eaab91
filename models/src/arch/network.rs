//! The network on a device of Burn.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use super::Dense;
/// Dense layers with ReLU between them; behind the last there is none.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// Of each layer its weights `[inputs, outputs]` and its bias `[1, outputs]`.
    pub(crate) parameters: Vec<Tensor<2>>,
}

impl Network {
    /// Puts the layers onto a device on which gradients are kept.
    pub(crate) fn new(layers: &[Dense], device: &Device) -> Self {
        let mut parameters = Vec::with_capacity(2 * layers.len());
        for layer in layers {
            let shape = [layer.inputs, layer.outputs];
            parameters.push(on_device(layer.weights.clone(), shape, device).require_grad());
            let shape = [1, layer.outputs];
            parameters.push(on_device(layer.bias.clone(), shape, device).require_grad());
        }
        Self { parameters }
    }

    /// The parameters without gradients, to compute only.
    pub(crate) fn frozen(&self) -> Vec<Tensor<2>> {
        self.parameters.iter().map(|p| p.clone().inner()).collect()
    }

    /// The layers in plain memory.
    ///
    /// # Errors
    /// What the device says if it fails.
    pub(crate) fn layers(&self) -> Result<Vec<Dense>, String> {
        let mut layers = Vec::with_capacity(self.parameters.len() / 2);
        for pair in self.parameters.chunks_exact(2) {
            let [inputs, outputs] = pair[0].dims();
            layers.push(Dense {
                inputs,
                outputs,
                weights: to_host(pair[0].clone())?,
                bias: to_host(pair[1].clone())?,
            });
        }
        Ok(layers)
    }
}

/// What the layers make of rows `[rows, features]`: `[rows, outputs]`.
pub(crate) fn forward(parameters: &[Tensor<2>], rows: Tensor<2>) -> Tensor<2> {
    let last = (parameters.len() / 2).saturating_sub(1);
    let mut values = rows;
    for (at, layer) in parameters.chunks_exact(2).enumerate() {
        values = values.matmul(layer[0].clone()) + layer[1].clone();
        if at < last {
            values = relu(values);
        }
    }
    values
}

/// A matrix on the device.
pub(crate) fn on_device(values: Vec<f32>, shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A matrix in plain memory.
///
/// # Errors
/// What the device says if it fails.
pub(crate) fn to_host(tensor: Tensor<2>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|error| error.to_string())?;
    data.try_into_vec::<f32>()
        .map_err(|error| error.to_string())
}
