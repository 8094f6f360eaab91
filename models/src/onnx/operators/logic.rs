//! Comparisons, truth values and the choice by them. On the host: truth values never go to the device.

use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Equal" => comparison(node, |a, b| a == b, |a, b| a == b),
        "Greater" => comparison(node, |a, b| a > b, |a, b| a > b),
        "GreaterOrEqual" => comparison(node, |a, b| a >= b, |a, b| a >= b),
        "Less" => comparison(node, |a, b| a < b, |a, b| a < b),
        "LessOrEqual" => comparison(node, |a, b| a <= b, |a, b| a <= b),
        "And" => connective(node, |a, b| a && b),
        "Or" => connective(node, |a, b| a || b),
        "Xor" => connective(node, |a, b| a != b),
        "Not" => {
            node.expect_inputs(1, 1)?;
            Ok(kernel(|arguments| {
                let truth = arguments.take(0)?.into_bools()?;
                Ok(Value::Bool(truth.map(|&truth| !truth)))
            }))
        }
        "IsNaN" => {
            node.expect_inputs(1, 1)?;
            Ok(kernel(|arguments| {
                Ok(Value::Bool(arguments.numbers(0)?.map(|x| x.is_nan())))
            }))
        }
        "IsInf" => {
            node.expect_inputs(1, 1)?;
            let above = node.attributes.flag("detect_positive", true)?;
            let below = node.attributes.flag("detect_negative", true)?;
            Ok(kernel(move |arguments| {
                let numbers = arguments.numbers(0)?;
                Ok(Value::Bool(numbers.map(|x| {
                    x.is_infinite() && if x.is_sign_positive() { above } else { below }
                })))
            }))
        }
        "Where" => {
            node.expect_inputs(3, 3)?;
            Ok(kernel(|arguments| {
                let condition = arguments.take(0)?.into_bools()?;
                let (yes, no) = (arguments.take(1)?, arguments.take(2)?);
                choose(&condition, yes, no)
            }))
        }
        other => refuse!("{other} is no logic"),
    }
}

fn comparison(
    node: &Node<'_>,
    of_floats: fn(f32, f32) -> bool,
    of_ints: fn(i64, i64) -> bool,
) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    let is_equality = node.operator == "Equal";
    Ok(kernel(move |arguments| {
        let truth = match (arguments.take(0)?, arguments.take(1)?) {
            (Value::Float(left), Value::Float(right)) => {
                let (left, right) = (left.into_host()?, right.into_host()?);
                left.zip(&right, |&a, &b| of_floats(a, b))?
            }
            (Value::Int(left), Value::Int(right)) => left.zip(&right, |&a, &b| of_ints(a, b))?,
            (Value::Bool(left), Value::Bool(right)) if is_equality => {
                left.zip(&right, |a, b| a == b)?
            }
            (Value::Text(left), Value::Text(right)) if is_equality => {
                left.zip(&right, |a, b| a == b)?
            }
            (left, right) => refuse!("{} cannot be compared with {}", left.kind(), right.kind()),
        };
        Ok(Value::Bool(truth))
    }))
}

fn connective(node: &Node<'_>, of_truths: fn(bool, bool) -> bool) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    Ok(kernel(move |arguments| {
        let left = arguments.take(0)?.into_bools()?;
        let right = arguments.take(1)?.into_bools()?;
        Ok(Value::Bool(left.zip(&right, |&a, &b| of_truths(a, b))?))
    }))
}

fn choose(condition: &Host<bool>, yes: Value, no: Value) -> Result<Value, Fault> {
    Ok(match (yes, no) {
        (Value::Float(yes), Value::Float(no)) => {
            Value::host(choose_of(condition, &yes.into_host()?, &no.into_host()?)?)
        }
        (Value::Int(yes), Value::Int(no)) => Value::Int(choose_of(condition, &yes, &no)?),
        (Value::Bool(yes), Value::Bool(no)) => Value::Bool(choose_of(condition, &yes, &no)?),
        (Value::Text(yes), Value::Text(no)) => Value::Text(choose_of(condition, &yes, &no)?),
        (yes, no) => refuse!("a choice between {} and {}", yes.kind(), no.kind()),
    })
}

fn choose_of<T: Clone>(
    condition: &Host<bool>,
    yes: &Host<T>,
    no: &Host<T>,
) -> Result<Host<T>, Fault> {
    let pairs = yes.zip(no, |yes, no| (yes.clone(), no.clone()))?;
    condition.zip(
        &pairs,
        |&holds, (yes, no)| {
            if holds { yes.clone() } else { no.clone() }
        },
    )
}
