//! Matrix products.

use burn::backend::Dispatch;
use burn::backend::ops::FloatTensorOps;

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::float::DeviceFloat;
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Gemm" => gemm(node),
        "MatMul" => {
            node.expect_inputs(2, 2)?;
            Ok(kernel(|arguments| {
                let (left, right) = (arguments.take(0)?, arguments.take(1)?);
                if let (Value::Int(left), Value::Int(right)) = (&left, &right) {
                    return Ok(Value::Int(matmul_of_ints(left, right)?));
                }
                let left = left.into_float()?.on_device(arguments.device())?;
                let right = right.into_float()?.on_device(arguments.device())?;
                Ok(Value::Float(left.matmul(right)?.into()))
            }))
        }
        other => refuse!("{other} is no matrix product"),
    }
}

/// `alpha * A' * B' + beta * C`, where `'` transposes if the attribute says so.
#[derive(Clone, Copy)]
struct Gemm {
    alpha: f32,
    beta: f32,
    transpose_left: bool,
    transpose_right: bool,
}

fn gemm(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 3)?;
    let gemm = Gemm {
        alpha: node.attributes.float("alpha", 1.0)?,
        beta: node.attributes.float("beta", 1.0)?,
        transpose_left: node.attributes.flag("transA", false)?,
        transpose_right: node.attributes.flag("transB", false)?,
    };
    let Some(Value::Float(weights)) = node.constant(1) else {
        return Ok(kernel(move |arguments| {
            let right = matrix(arguments, 1)?;
            let right = if gemm.transpose_right {
                right.permuted(&[1, 0])
            } else {
                right
            };
            gemm.run(arguments, right)
        }));
    };
    // Weights are laid out once as the product reads them.
    let weights = weights.clone().into_host()?;
    if weights.shape().len() != 2 {
        refuse!("weights of shape {:?}", weights.shape());
    }
    let weights = if gemm.transpose_right {
        weights.permuted(&[1, 0])?
    } else {
        weights
    };
    let Value::Float(weights) = Value::host(weights) else {
        refuse!("weights that are no floats");
    };
    let weights = weights.on_device(node.device)?;
    Ok(kernel(move |arguments| {
        gemm.run(arguments, weights.clone())
    }))
}

fn matrix(arguments: &mut Arguments<'_>, index: usize) -> Result<DeviceFloat, Fault> {
    let tensor = arguments.on_device(index)?;
    if tensor.shape().len() != 2 {
        refuse!(
            "input {index} has shape {:?}, not that of a matrix",
            tensor.shape()
        );
    }
    Ok(tensor)
}

impl Gemm {
    fn run(self, arguments: &mut Arguments<'_>, right: DeviceFloat) -> Result<Value, Fault> {
        let left = matrix(arguments, 0)?;
        let left = if self.transpose_left {
            left.permuted(&[1, 0])
        } else {
            left
        };
        let product = scaled(left.matmul(right)?, self.alpha);
        if !arguments.has(2) {
            return Ok(Value::Float(product.into()));
        }
        let bias = scaled(arguments.on_device(2)?, self.beta);
        let shape = product.shape().to_vec();
        let sum = product.zip(bias, Dispatch::float_add)?;
        if sum.shape() != shape {
            refuse!("a bias that does not stretch to {shape:?}");
        }
        Ok(Value::Float(sum.into()))
    }
}

#[expect(
    clippy::float_cmp,
    reason = "exactly one is the default, and multiplies nothing"
)]
fn scaled(tensor: DeviceFloat, factor: f32) -> DeviceFloat {
    if factor == 1.0 {
        return tensor;
    }
    tensor.map(|tensor| Dispatch::float_mul_scalar(tensor, factor.into()))
}

/// Integers in matrices of two axes, as quantisation and counting use them.
fn matmul_of_ints(left: &Host<i64>, right: &Host<i64>) -> Result<Host<i64>, Fault> {
    let (&[rows, inner], &[also_inner, columns]) = (left.shape(), right.shape()) else {
        refuse!(
            "integer matrices of shapes {:?} and {:?}",
            left.shape(),
            right.shape()
        );
    };
    if inner != also_inner {
        refuse!(
            "a matrix product of shapes {:?} and {:?}",
            left.shape(),
            right.shape()
        );
    }
    let mut product = Host::filled(vec![rows, columns], 0_i64)?.into_parts().1;
    for row in 0..rows {
        for at in 0..inner {
            let factor = left.values()[row * inner + at];
            let weights = &right.values()[at * columns..][..columns];
            for (sum, &weight) in product[row * columns..].iter_mut().zip(weights) {
                *sum = sum.wrapping_add(factor.wrapping_mul(weight));
            }
        }
    }
    Host::new(vec![rows, columns], product)
}
