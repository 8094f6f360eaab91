//! Several tensors in, one out, element by element and broadcast.

use burn::backend::ops::{ActivationOps, FloatTensorOps};
use burn::backend::{Dispatch, DispatchTensor};

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    Ok(match node.operator {
        "Add" => of_two(node, Dispatch::float_add, |a, b| Ok(a.wrapping_add(b)))?,
        "Sub" => of_two(node, Dispatch::float_sub, |a, b| Ok(a.wrapping_sub(b)))?,
        "Mul" => of_two(node, Dispatch::float_mul, |a, b| Ok(a.wrapping_mul(b)))?,
        "Div" => of_two(node, Dispatch::float_div, |a, b| {
            nonzero(b).map(|b| a.wrapping_div(b))
        })?,
        "Mod" if node.attributes.flag("fmod", false)? => of_two(node, remainder, |a, b| {
            nonzero(b).map(|b| a.wrapping_rem(b))
        })?,
        // The sign of the divisor, as in Python; floats need fmod by ONNX's rule, yet exporters omit it.
        "Mod" => of_two(node, Dispatch::float_remainder, |a, b| {
            nonzero(b).map(|b| a.wrapping_rem(b).wrapping_add(b).wrapping_rem(b))
        })?,
        "Pow" => pow(node)?,
        "PRelu" => of_two(node, Dispatch::prelu, |_, _| {
            refuse!("PRelu of integers");
        })?,
        "Max" => of_many(node, maximum, |a, b| Ok(a.max(b)))?,
        "Min" => of_many(node, minimum, |a, b| Ok(a.min(b)))?,
        "Sum" => of_many(node, Dispatch::float_add, |a, b| Ok(a.wrapping_add(b)))?,
        "Mean" => mean(node)?,
        "Clip" => clip(node)?,
        other => refuse!("{other} is no arithmetic"),
    })
}

type OfInts = fn(i64, i64) -> Result<i64, Fault>;

fn nonzero(divisor: i64) -> Result<i64, Fault> {
    if divisor == 0 {
        refuse!("integer division by zero");
    }
    Ok(divisor)
}

fn combine(
    left: Value,
    right: Value,
    arguments: &Arguments<'_>,
    of_floats: impl Fn(DispatchTensor, DispatchTensor) -> DispatchTensor,
    of_ints: OfInts,
) -> Result<Value, Fault> {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => {
            let device = arguments.device();
            let (left, right) = (left.on_device(device)?, right.on_device(device)?);
            Ok(Value::Float(left.zip(right, of_floats)?.into()))
        }
        (Value::Int(left), Value::Int(right)) => {
            let mut fault = None;
            let host = left.zip(&right, |&a, &b| {
                of_ints(a, b).unwrap_or_else(|found| {
                    fault = Some(found);
                    0
                })
            })?;
            fault.map_or(Ok(Value::Int(host)), Err)
        }
        (left, right) => refuse!("{} and {} together", left.kind(), right.kind()),
    }
}

fn of_two(
    node: &Node<'_>,
    of_floats: fn(DispatchTensor, DispatchTensor) -> DispatchTensor,
    of_ints: OfInts,
) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    Ok(kernel(move |arguments| {
        let (left, right) = (arguments.take(0)?, arguments.take(1)?);
        combine(left, right, arguments, of_floats, of_ints)
    }))
}

fn of_many(
    node: &Node<'_>,
    of_floats: fn(DispatchTensor, DispatchTensor) -> DispatchTensor,
    of_ints: OfInts,
) -> Result<Kernel, Fault> {
    node.expect_inputs(1, usize::MAX)?;
    Ok(kernel(move |arguments| fold(arguments, of_floats, of_ints)))
}

fn fold(
    arguments: &mut Arguments<'_>,
    of_floats: fn(DispatchTensor, DispatchTensor) -> DispatchTensor,
    of_ints: OfInts,
) -> Result<Value, Fault> {
    let mut total = arguments.take(0)?;
    for index in 1..arguments.len() {
        let next = arguments.take(index)?;
        total = combine(total, next, arguments, of_floats, of_ints)?;
    }
    Ok(total)
}

#[expect(clippy::cast_precision_loss, reason = "a node has few inputs")]
fn mean(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, usize::MAX)?;
    Ok(kernel(|arguments| {
        let inputs = arguments.len() as f64;
        let total = fold(arguments, Dispatch::float_add, |_, _| {
            refuse!("Mean of integers");
        })?;
        let total = total.into_float()?.on_device(arguments.device())?;
        let mean = total.map(|tensor| Dispatch::float_div_scalar(tensor, inputs.into()));
        Ok(Value::Float(mean.into()))
    }))
}

/// The answer has the base's type; integers take integer powers.
fn pow(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    let square = match node.constant(1) {
        Some(value) => value.clone().into_numbers()?.values() == [2.0],
        None => false,
    };
    Ok(kernel(move |arguments| {
        let (base, exponent) = (arguments.take(0)?, arguments.take(1)?);
        match base {
            Value::Int(base) => {
                let exponent = exponent.into_numbers()?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_precision_loss,
                    reason = "ONNX rounds towards zero"
                )]
                let powers = base.zip(&exponent, |&b, &e| (b as f64).powf(f64::from(e)) as i64)?;
                Ok(Value::Int(powers))
            }
            base => {
                let base = base.into_float()?.on_device(arguments.device())?;
                if square {
                    let tensor = base.map(|x| Dispatch::float_mul(x.clone(), x));
                    return Ok(Value::Float(tensor.into()));
                }
                let exponent = match exponent {
                    Value::Float(float) => float,
                    other => Value::host(other.into_numbers()?).into_float()?,
                };
                let exponent = exponent.on_device(arguments.device())?;
                Ok(Value::Float(
                    base.zip(exponent, Dispatch::float_powf)?.into(),
                ))
            }
        }
    }))
}

/// C's `fmod`: the sign of the dividend.
fn remainder(left: DispatchTensor, right: DispatchTensor) -> DispatchTensor {
    let quotient = Dispatch::float_trunc(Dispatch::float_div(left.clone(), right.clone()));
    Dispatch::float_sub(left, Dispatch::float_mul(quotient, right))
}

/// `a` where it is the larger, found as `b + max(a - b, 0)` is not: exact, and NaN stays NaN.
fn maximum(left: DispatchTensor, right: DispatchTensor) -> DispatchTensor {
    choose(left, right, Dispatch::float_greater_equal)
}

fn minimum(left: DispatchTensor, right: DispatchTensor) -> DispatchTensor {
    choose(left, right, Dispatch::float_lower_equal)
}

type Comparison = fn(
    DispatchTensor,
    DispatchTensor,
    burn::tensor::BoolDType,
) -> burn::backend::tensor::BoolTensor<Dispatch>;

/// The left where the comparison holds, else the right.
fn choose(left: DispatchTensor, right: DispatchTensor, holds: Comparison) -> DispatchTensor {
    let mask = holds(left.clone(), right.clone(), burn::tensor::BoolDType::Native);
    Dispatch::float_mask_where(right, mask, left)
}

/// Bounds come as attributes before opset 11 and as inputs since; either may be left out.
fn clip(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 3)?;
    let least = node.attributes.float("min", f32::MIN)?;
    let most = node.attributes.float("max", f32::MAX)?;
    Ok(kernel(move |arguments| {
        let value = arguments.take(0)?;
        if let Value::Int(host) = value {
            let least = if arguments.has(1) {
                arguments.int(1)?
            } else {
                i64::MIN
            };
            let most = if arguments.has(2) {
                arguments.int(2)?
            } else {
                i64::MAX
            };
            return Ok(Value::Int(host.map(|&number| number.max(least).min(most))));
        }
        let least = bound(arguments, 1, least)?;
        let most = bound(arguments, 2, most)?;
        let tensor = value.into_float()?.on_device(arguments.device())?;
        // One bound after the other: with bounds that cross, ONNX says the upper one wins.
        let tensor = tensor.map(|x| {
            let raised = Dispatch::float_clamp_min(x, least.into());
            Dispatch::float_clamp_max(raised, most.into())
        });
        Ok(Value::Float(tensor.into()))
    }))
}

fn bound(arguments: &mut Arguments<'_>, index: usize, default: f32) -> Result<f32, Fault> {
    if !arguments.has(index) {
        return Ok(default);
    }
    match arguments.numbers(index)?.values() {
        [bound] => Ok(*bound),
        other => refuse!("a bound of {} numbers", other.len()),
    }
}
