//! Normalisations along axes.

use burn::backend::Dispatch;
use burn::backend::ops::{ActivationOps, FloatTensorOps};

use crate::onnx::fault::{Fault, refuse};
use crate::onnx::float::DeviceFloat;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Softmax" => softmax(node, |x, axis| x.softmax(axis)),
        "LogSoftmax" => softmax(node, |x, axis| {
            x.map(|tensor| Dispatch::log_softmax(tensor, axis))
        }),
        "LayerNormalization" => layer(node),
        "BatchNormalization" => batch(node),
        other => refuse!("{other} is no normalisation"),
    }
}

/// Before opset 13 everything from the axis on is one axis; since then the axis stands alone.
fn softmax(node: &Node<'_>, along: fn(DeviceFloat, usize) -> DeviceFloat) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let flattens = node.opset < 13;
    let axis = node.attributes.int("axis", if flattens { 1 } else { -1 })?;
    Ok(kernel(move |arguments| {
        let tensor = arguments.on_device(0)?;
        let whole = tensor.shape().to_vec();
        let axis = shape::axis(axis, whole.len())?;
        if !flattens {
            return Ok(Value::Float(along(tensor, axis).into()));
        }
        let matrix = vec![
            whole[..axis].iter().product(),
            whole[axis..].iter().product(),
        ];
        let tensor = along(tensor.reshaped(matrix)?, 1).reshaped(whole)?;
        Ok(Value::Float(tensor.into()))
    }))
}

/// Ba, Kiros and Hinton's layer normalisation over the axes from `axis` on.
fn layer(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 3)?;
    if node.outputs > 1 {
        refuse!("the outputs for training are not supported");
    }
    let axis = node.attributes.int("axis", -1)?;
    let epsilon = node.attributes.float("epsilon", 1e-5)?;
    Ok(kernel(move |arguments| {
        let tensor = arguments.on_device(0)?;
        let rank = tensor.shape().len();
        let whole = tensor.shape().to_vec();
        let axes: Vec<usize> = (shape::axis(axis, rank)?..rank).collect();
        let mean = tensor
            .clone()
            .reduced(&axes, true, Dispatch::float_mean_dim);
        let centred = tensor.zip(mean, Dispatch::float_sub)?;
        let squares = centred.clone().map(|x| Dispatch::float_mul(x.clone(), x));
        let variance = squares.reduced(&axes, true, Dispatch::float_mean_dim);
        let deviation =
            variance.map(|x| Dispatch::float_sqrt(Dispatch::float_add_scalar(x, epsilon.into())));
        let mut tensor = centred.zip(deviation, Dispatch::float_div)?;
        tensor = tensor.zip(arguments.on_device(1)?, Dispatch::float_mul)?;
        if arguments.has(2) {
            tensor = tensor.zip(arguments.on_device(2)?, Dispatch::float_add)?;
        }
        if tensor.shape() != whole {
            refuse!("scale or bias do not stretch to {whole:?}");
        }
        Ok(Value::Float(tensor.into()))
    }))
}

/// Ioffe and Szegedy's batch normalisation with the statistics learnt: `(x - mean) / sqrt(variance + epsilon)`.
fn batch(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(5, 5)?;
    if node.outputs > 1 || node.attributes.flag("training_mode", false)? {
        refuse!("training mode is not supported; export the model in evaluation mode");
    }
    let epsilon = node.attributes.float("epsilon", 1e-5)?;
    Ok(kernel(move |arguments| {
        let tensor = arguments.on_device(0)?;
        let whole = tensor.shape().to_vec();
        let Some(&channels) = whole.get(1) else {
            refuse!("a tensor of shape {whole:?} has no channels");
        };
        let mut per_channel = |index: usize| {
            let mut shape = vec![1; whole.len()];
            shape[1] = channels;
            arguments.on_device(index)?.reshaped(shape)
        };
        let (scale, bias) = (per_channel(1)?, per_channel(2)?);
        let (mean, variance) = (per_channel(3)?, per_channel(4)?);
        let deviation =
            variance.map(|x| Dispatch::float_sqrt(Dispatch::float_add_scalar(x, epsilon.into())));
        let factor = scale.zip(deviation, Dispatch::float_div)?;
        let tensor = tensor.zip(mean, Dispatch::float_sub)?;
        let tensor = tensor.zip(factor, Dispatch::float_mul)?;
        Ok(Value::Float(tensor.zip(bias, Dispatch::float_add)?.into()))
    }))
}
