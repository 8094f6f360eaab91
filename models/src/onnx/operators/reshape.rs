//! The same values under another shape, and shapes as values.

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::float::Float;
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Reshape" => reshape(node),
        "Flatten" => flatten(node),
        "Transpose" => transpose(node),
        "Squeeze" => squeeze(node),
        "Unsqueeze" => unsqueeze(node),
        "Expand" => expand(node),
        "Shape" => shape_of(node),
        "Size" => {
            node.expect_inputs(1, 1)?;
            Ok(kernel(|arguments| {
                let count = shape::count(arguments.peek(0)?.shape())?;
                Ok(Value::Int(Host::new(
                    Vec::new(),
                    vec![shape::integer(count)],
                )?))
            }))
        }
        other => refuse!("{other} does not reshape"),
    }
}

/// The value under another shape of as many elements.
pub(super) fn reshaped(value: Value, shape: Vec<usize>) -> Result<Value, Fault> {
    Ok(match value {
        Value::Float(Float::Device(tensor)) => Value::Float(tensor.reshaped(shape)?.into()),
        Value::Float(Float::Host(host)) => Value::host(host.reshaped(shape)?),
        Value::Int(host) => Value::Int(host.reshaped(shape)?),
        Value::Bool(host) => Value::Bool(host.reshaped(shape)?),
        Value::Text(host) => Value::Text(host.reshaped(shape)?),
    })
}

/// 0 keeps a size (unless `allowzero`), one -1 takes what is left.
fn reshape(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    let zero_is_zero = node.attributes.flag("allowzero", false)?;
    Ok(kernel(move |arguments| {
        let wanted = arguments.ints(1)?;
        let value = arguments.take(0)?;
        let old = value.shape();
        let mut new = Vec::with_capacity(wanted.values().len());
        let mut free = None;
        for (at, &size) in wanted.values().iter().enumerate() {
            match size {
                -1 if free.is_some() => refuse!("two sizes of shape {:?} are -1", wanted.values()),
                -1 => {
                    free = Some(at);
                    new.push(1);
                }
                0 if !zero_is_zero => match old.get(at) {
                    Some(&size) => new.push(size),
                    None => refuse!("size {at} is kept, but shape {old:?} has none"),
                },
                size => new.push(shape::size(size)?),
            }
        }
        if let Some(at) = free {
            let (all, others) = (shape::count(old)?, shape::count(&new)?);
            if others == 0 || all % others != 0 {
                refuse!("shape {old:?} cannot become {:?}", wanted.values());
            }
            new[at] = all / others;
        }
        reshaped(value, new)
    }))
}

fn flatten(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let axis = node.attributes.int("axis", 1)?;
    Ok(kernel(move |arguments| {
        let value = arguments.take(0)?;
        let rank = value.shape().len();
        // The axis may stand behind the last one.
        let axis = if axis == shape::integer(rank) {
            rank
        } else {
            shape::axis(axis, rank)?
        };
        let (before, after) = value.shape().split_at(axis);
        let shape = vec![before.iter().product(), after.iter().product()];
        reshaped(value, shape)
    }))
}

fn transpose(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let order = node.attributes.optional_ints("perm")?.map(<[i64]>::to_vec);
    Ok(kernel(move |arguments| {
        let value = arguments.take(0)?;
        let rank = value.shape().len();
        let order: Vec<usize> = match &order {
            None => (0..rank).rev().collect(),
            Some(order) => {
                let mut positions = Vec::with_capacity(order.len());
                for &axis in order {
                    positions.push(shape::axis(axis, rank)?);
                }
                positions
            }
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            refuse!("perm {order:?} does not order {rank} axes");
        }
        Ok(match value {
            Value::Float(Float::Device(tensor)) => Value::Float(tensor.permuted(&order).into()),
            Value::Float(Float::Host(host)) => Value::host(host.permuted(&order)?),
            Value::Int(host) => Value::Int(host.permuted(&order)?),
            Value::Bool(host) => Value::Bool(host.permuted(&order)?),
            Value::Text(host) => Value::Text(host.permuted(&order)?),
        })
    }))
}

/// Axes as an attribute before opset 13, as an input since.
fn axes_of(
    attribute: Option<&Vec<i64>>,
    arguments: &mut Arguments<'_>,
) -> Result<Option<Vec<i64>>, Fault> {
    match attribute {
        Some(axes) => Ok(Some(axes.clone())),
        None => arguments.optional_ints(1),
    }
}

fn squeeze(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 2)?;
    let attribute = node.attributes.optional_ints("axes")?.map(<[i64]>::to_vec);
    Ok(kernel(move |arguments| {
        let axes = axes_of(attribute.as_ref(), arguments)?;
        let value = arguments.take(0)?;
        let old = value.shape();
        let dropped: Vec<usize> = match axes {
            Some(axes) => shape::axes(&axes, old.len())?,
            None => (0..old.len()).filter(|&axis| old[axis] == 1).collect(),
        };
        if let Some(&axis) = dropped.iter().find(|&&axis| old[axis] != 1) {
            refuse!("axis {axis} of shape {old:?} is not of size 1");
        }
        let kept = (0..old.len()).filter(|axis| !dropped.contains(axis));
        let shape = kept.map(|axis| old[axis]).collect();
        reshaped(value, shape)
    }))
}

fn unsqueeze(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 2)?;
    let attribute = node.attributes.optional_ints("axes")?.map(<[i64]>::to_vec);
    Ok(kernel(move |arguments| {
        let Some(axes) = axes_of(attribute.as_ref(), arguments)? else {
            refuse!("no axes are given");
        };
        let value = arguments.take(0)?;
        let rank = value.shape().len() + axes.len();
        let added = shape::axes(&axes, rank)?;
        let mut sizes = value.shape().iter();
        let mut shape = Vec::with_capacity(rank);
        for axis in 0..rank {
            let size = if added.contains(&axis) {
                Some(&1)
            } else {
                sizes.next()
            };
            shape.extend(size);
        }
        reshaped(value, shape)
    }))
}

fn expand(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    Ok(kernel(|arguments| {
        let mut wanted = Vec::new();
        for &size in arguments.ints(1)?.values() {
            wanted.push(shape::size(size)?);
        }
        let value = arguments.take(0)?;
        let shape = shape::broadcast(value.shape(), &wanted)?;
        Ok(match value {
            Value::Float(Float::Device(tensor)) => {
                Value::Float(tensor.broadcast_to(&shape)?.into())
            }
            Value::Float(Float::Host(host)) => Value::host(host.broadcast_to(&shape)?),
            Value::Int(host) => Value::Int(host.broadcast_to(&shape)?),
            Value::Bool(host) => Value::Bool(host.broadcast_to(&shape)?),
            Value::Text(host) => Value::Text(host.broadcast_to(&shape)?),
        })
    }))
}

/// Since opset 15 a part of the shape, from `start` to before `end`, both clamped.
fn shape_of(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let start = node.attributes.int("start", 0)?;
    let end = node.attributes.int("end", i64::MAX)?;
    Ok(kernel(move |arguments| {
        let shape = arguments.peek(0)?.shape();
        let rank = shape::integer(shape.len());
        let clamp = |at: i64| {
            let from_start = if at < 0 { at.saturating_add(rank) } else { at };
            usize::try_from(from_start.clamp(0, rank)).unwrap_or(0)
        };
        let sizes = shape.get(clamp(start)..clamp(end)).unwrap_or(&[]);
        let sizes = sizes.iter().map(|&size| shape::integer(size)).collect();
        Ok(Value::Int(Host::vector(sizes)))
    }))
}
