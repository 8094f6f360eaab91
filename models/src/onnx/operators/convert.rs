//! Constants, and values as another type.

use std::str::FromStr;

use crate::onnx::attributes::Attributes;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::initializer::{self, element};
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Identity" => {
            node.expect_inputs(1, 1)?;
            Ok(kernel(|arguments| arguments.take(0)))
        }
        "Dropout" => dropout(node),
        "Cast" => cast(node),
        "Constant" => {
            let value = constant(node.attributes)?;
            Ok(kernel(move |_| Ok(value.clone())))
        }
        "ConstantOfShape" => filled(node),
        "Range" => range(node),
        other => refuse!("{other} converts nothing"),
    }
}

/// Outside training it changes nothing.
fn dropout(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 3)?;
    if node.outputs > 1 {
        refuse!("the mask is not supported");
    }
    Ok(kernel(|arguments| {
        if arguments.has(2) && arguments.take(2)?.into_bools()?.values().contains(&true) {
            refuse!("training mode is not supported; export the model in evaluation mode");
        }
        arguments.take(0)
    }))
}

fn constant(attributes: Attributes<'_>) -> Result<Value, Fault> {
    if let Some(stored) = attributes.tensor("value")? {
        return initializer::read(stored);
    }
    let scalar = Vec::new;
    Ok(if attributes.has("value_float") {
        Value::host(Host::new(
            scalar(),
            vec![attributes.float("value_float", 0.0)?],
        )?)
    } else if attributes.has("value_int") {
        Value::Int(Host::new(scalar(), vec![attributes.int("value_int", 0)?])?)
    } else if attributes.has("value_string") {
        Value::Text(Host::new(
            scalar(),
            vec![attributes.text("value_string", "")?],
        )?)
    } else if attributes.has("value_floats") {
        Value::host(Host::vector(attributes.floats("value_floats")?.to_vec()))
    } else if attributes.has("value_ints") {
        Value::Int(Host::vector(attributes.ints("value_ints")?.to_vec()))
    } else if attributes.has("value_strings") {
        Value::Text(Host::vector(attributes.texts("value_strings")?))
    } else {
        refuse!("a constant without a value that is supported");
    })
}

/// Zero unless the attribute holds another value of one element.
fn filled(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let value = match node.attributes.tensor("value")? {
        Some(stored) => initializer::read(stored)?,
        None => Value::host(Host::vector(vec![0.0])),
    };
    Ok(kernel(move |arguments| {
        let mut shape = Vec::new();
        for &size in arguments.ints(0)?.values() {
            shape.push(shape::size(size)?);
        }
        match value.clone() {
            Value::Float(float) => match float.into_host()?.values() {
                [number] => Ok(Value::host(Host::filled(shape, *number)?)),
                other => refuse!("a value of {} numbers", other.len()),
            },
            Value::Int(host) => match host.values() {
                [number] => Ok(Value::Int(Host::filled(shape, *number)?)),
                other => refuse!("a value of {} numbers", other.len()),
            },
            Value::Bool(host) => match host.values() {
                [truth] => Ok(Value::Bool(Host::filled(shape, *truth)?)),
                other => refuse!("a value of {} truths", other.len()),
            },
            Value::Text(_) => refuse!("a shape filled with text"),
        }
    }))
}

/// `start, start + step, …` before `limit`.
fn range(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(3, 3)?;
    Ok(kernel(|arguments| {
        if !matches!(arguments.peek(0)?, Value::Int(_)) {
            refuse!("a range of floats is not supported");
        }
        let (start, limit, step) = (arguments.int(0)?, arguments.int(1)?, arguments.int(2)?);
        if step == 0 {
            refuse!("a step of 0");
        }
        let span = if step > 0 {
            limit.saturating_sub(start)
        } else {
            start.saturating_sub(limit)
        };
        let count = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
        let count = shape::count(&[usize::try_from(count).unwrap_or(usize::MAX)])?;
        let numbers = std::iter::successors(Some(start), |&last| last.checked_add(step));
        Ok(Value::Int(Host::vector(numbers.take(count).collect())))
    }))
}

/// Floats to integers lose their fraction; to truth values everything but zero is true.
fn cast(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let to = node.attributes.int("to", 0)?;
    let to = i32::try_from(to).unwrap_or(0);
    Ok(match to {
        element::FLOAT | element::DOUBLE | element::FLOAT16 | element::BFLOAT16 => {
            kernel(|arguments| match arguments.take(0)? {
                // 64-bit floats are computed as 32-bit, so there is nothing to do.
                Value::Float(float) => Ok(Value::Float(float)),
                Value::Text(host) => Ok(Value::host(parsed(&host)?)),
                other => Ok(Value::host(other.into_numbers()?)),
            })
        }
        element::INT64
        | element::INT32
        | element::INT16
        | element::INT8
        | element::UINT8
        | element::UINT16
        | element::UINT32
        | element::UINT64 => {
            kernel(move |arguments| Ok(Value::Int(to_ints(arguments.take(0)?, to)?)))
        }
        element::BOOL => kernel(|arguments| match arguments.take(0)? {
            Value::Text(_) => refuse!("text as truth values"),
            Value::Int(host) => Ok(Value::Bool(host.map(|&number| number != 0))),
            other => Ok(Value::Bool(
                other.into_numbers()?.map(|&number| number != 0.0),
            )),
        }),
        element::STRING => kernel(|arguments| {
            Ok(Value::Text(match arguments.take(0)? {
                Value::Text(host) => host,
                Value::Int(host) => host.map(ToString::to_string),
                Value::Bool(host) => host.map(|&truth| i32::from(truth).to_string()),
                Value::Float(float) => float.into_host()?.map(ToString::to_string),
            }))
        }),
        other => refuse!("element type {other} is not supported"),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    reason = "that is what Cast does: wrap to the width"
)]
fn to_ints(value: Value, to: i32) -> Result<Host<i64>, Fault> {
    let host = match value {
        Value::Int(host) => host,
        Value::Text(host) => parsed(&host)?,
        other => other.into_numbers()?.map(|&number| number as i64),
    };
    Ok(match to {
        element::INT32 => host.map(|&number| number as i32 as i64),
        element::INT16 => host.map(|&number| number as i16 as i64),
        element::INT8 => host.map(|&number| number as i8 as i64),
        element::UINT32 => host.map(|&number| number as u32 as i64),
        element::UINT16 => host.map(|&number| number as u16 as i64),
        element::UINT8 => host.map(|&number| number as u8 as i64),
        _ => host,
    })
}

fn parsed<T: FromStr + Clone>(texts: &Host<String>) -> Result<Host<T>, Fault> {
    let mut numbers = Vec::with_capacity(texts.values().len());
    for text in texts.values() {
        match text.trim().parse() {
            Ok(number) => numbers.push(number),
            Err(_) => refuse!("\"{text}\" is no number"),
        }
    }
    Host::new(texts.shape().to_vec(), numbers)
}
