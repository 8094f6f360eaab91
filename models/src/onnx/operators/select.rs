//! Parts of tensors: joined, cut, picked by index, repeated, sorted.

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::float::{DeviceFloat, Float};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Concat" => concat(node),
        "Slice" => slice(node),
        "Split" => split(node),
        "Gather" => gather(node),
        "GatherElements" => gather_elements(node),
        "Tile" => tile(node),
        "TopK" => top(node),
        other => refuse!("{other} selects nothing"),
    }
}

/// Of one axis the positions given, in that order.
fn selected(value: Value, axis: usize, positions: &[usize]) -> Result<Value, Fault> {
    Ok(match value {
        Value::Float(float) => Value::host(float.into_host()?.selected(axis, positions)?),
        Value::Int(host) => Value::Int(host.selected(axis, positions)?),
        Value::Bool(host) => Value::Bool(host.selected(axis, positions)?),
        Value::Text(host) => Value::Text(host.selected(axis, positions)?),
    })
}

/// The run `start..start + length` of one axis.
fn narrowed(value: Value, axis: usize, start: usize, length: usize) -> Result<Value, Fault> {
    match value {
        Value::Float(Float::Device(tensor)) if length > 0 => {
            Ok(Value::Float(tensor.narrowed(axis, start, length).into()))
        }
        other => {
            let positions: Vec<usize> = (start..start + length).collect();
            selected(other, axis, &positions)
        }
    }
}

fn concat(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, usize::MAX)?;
    let axis = node.attributes.int("axis", 1)?;
    Ok(kernel(move |arguments| {
        let axis = shape::axis(axis, arguments.peek(0)?.shape().len())?;
        if arguments.len() == 1 {
            return arguments.take(0);
        }
        match arguments.peek(0)? {
            Value::Float(_) => concat_floats(arguments, axis),
            Value::Int(_) => {
                let parts = parts(arguments, Value::into_ints)?;
                Ok(Value::Int(Host::concatenated(&parts, axis)?))
            }
            Value::Bool(_) => {
                let parts = parts(arguments, Value::into_bools)?;
                Ok(Value::Bool(Host::concatenated(&parts, axis)?))
            }
            Value::Text(_) => {
                let parts = parts(arguments, |value| match value {
                    Value::Text(host) => Ok(host),
                    other => refuse!("{} joined to text", other.kind()),
                })?;
                Ok(Value::Text(Host::concatenated(&parts, axis)?))
            }
        }
    }))
}

fn parts<T>(
    arguments: &mut Arguments<'_>,
    of: impl Fn(Value) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    (0..arguments.len())
        .map(|index| of(arguments.take(index)?))
        .collect()
}

/// On the device if all are there; else in plain memory, where most of them are.
fn concat_floats(arguments: &mut Arguments<'_>, axis: usize) -> Result<Value, Fault> {
    let floats = parts(arguments, Value::into_float)?;
    if floats.iter().all(|float| matches!(float, Float::Device(_))) {
        let tensors = floats
            .into_iter()
            .map(|float| float.on_device(arguments.device()));
        let tensors = tensors.collect::<Result<Vec<_>, _>>()?;
        return Ok(Value::Float(
            DeviceFloat::concatenated(tensors, axis)?.into(),
        ));
    }
    let hosts = floats
        .into_iter()
        .map(Float::into_host)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::host(Host::concatenated(&hosts, axis)?))
}

/// Bounds as attributes before opset 10, as inputs since.
fn slice(node: &Node<'_>) -> Result<Kernel, Fault> {
    let old = if node.opset < 10 {
        node.expect_inputs(1, 1)?;
        let bounds = |name| node.attributes.ints(name).map(<[i64]>::to_vec);
        let axes = node.attributes.optional_ints("axes")?.map(<[i64]>::to_vec);
        Some((bounds("starts")?, bounds("ends")?, axes))
    } else {
        node.expect_inputs(3, 5)?;
        None
    };
    Ok(kernel(move |arguments| {
        let (starts, ends, axes, steps) = match &old {
            Some((starts, ends, axes)) => (starts.clone(), ends.clone(), axes.clone(), None),
            None => (
                arguments.ints(1)?.into_parts().1,
                arguments.ints(2)?.into_parts().1,
                arguments.optional_ints(3)?,
                arguments.optional_ints(4)?,
            ),
        };
        let axes = axes.unwrap_or_else(|| (0..shape::integer(starts.len())).collect());
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
            refuse!("starts, ends, axes and steps are not equally many");
        }
        let mut value = arguments.take(0)?;
        shape::axes(&axes, value.shape().len())?;
        for (at, &axis) in axes.iter().enumerate() {
            let axis = shape::axis(axis, value.shape().len())?;
            value = cut(value, axis, (starts[at], ends[at], steps[at]))?;
        }
        Ok(value)
    }))
}

/// `start:end:step` of one axis, by NumPy's rules.
fn cut(value: Value, axis: usize, bounds: (i64, i64, i64)) -> Result<Value, Fault> {
    let (start, end, step) = bounds;
    if step == 0 {
        refuse!("a step of 0");
    }
    let size = value.shape()[axis];
    let whole = shape::integer(size);
    let from_start = |at: i64| if at < 0 { at.saturating_add(whole) } else { at };
    // Going down, the end may lie before the first position.
    let (least, most) = if step > 0 {
        (0, whole)
    } else {
        (-1, whole - 1)
    };
    let start = from_start(start).clamp(least, most);
    let end = if step < 0 && end < -whole {
        -1
    } else {
        from_start(end).clamp(least, most)
    };
    let mut positions = Vec::new();
    let mut at = start;
    while if step > 0 { at < end } else { at > end } {
        positions.push(shape::size(at)?);
        at = at.saturating_add(step);
    }
    if positions.len() == size && step == 1 {
        return Ok(value);
    }
    match positions.first() {
        Some(&first) if step == 1 => narrowed(value, axis, first, positions.len()),
        _ => selected(value, axis, &positions),
    }
}

/// Lengths as an attribute before opset 13, as an input since; else equal parts, the last one shorter.
fn split(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 2)?;
    let axis = node.attributes.int("axis", 0)?;
    let attribute = node.attributes.optional_ints("split")?.map(<[i64]>::to_vec);
    let outputs = node.outputs;
    Ok(Box::new(move |arguments| {
        let lengths = match &attribute {
            Some(lengths) => Some(lengths.clone()),
            None => arguments.optional_ints(1)?,
        };
        let value = arguments.take(0)?;
        let axis = shape::axis(axis, value.shape().len())?;
        let size = value.shape()[axis];
        let mut parts = Vec::with_capacity(outputs);
        let mut start = 0_usize;
        for part in 0..outputs {
            let length = match &lengths {
                Some(lengths) if lengths.len() == outputs => shape::size(lengths[part])?,
                Some(lengths) => refuse!("{} lengths for {outputs} outputs", lengths.len()),
                None => size.div_ceil(outputs).min(size - start),
            };
            if start.checked_add(length).is_none_or(|end| end > size) {
                refuse!("the parts are longer than the axis of {size}");
            }
            parts.push(narrowed(value.clone(), axis, start, length)?);
            start += length;
        }
        Ok(parts)
    }))
}

fn gather(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    let axis = node.attributes.int("axis", 0)?;
    Ok(kernel(move |arguments| {
        let indices = arguments.ints(1)?;
        let value = arguments.take(0)?;
        let axis = shape::axis(axis, value.shape().len())?;
        let positions = positions(indices.values(), value.shape()[axis])?;
        let mut shape = value.shape()[..axis].to_vec();
        shape.extend_from_slice(indices.shape());
        shape.extend_from_slice(&value.shape()[axis + 1..]);
        let picked = match (value, positions.as_slice()) {
            (value, &[position]) => narrowed(value, axis, position, 1)?,
            (value, positions) => selected(value, axis, positions)?,
        };
        super::reshape::reshaped(picked, shape)
    }))
}

/// Indices that may count from the end, as positions of an axis.
fn positions(indices: &[i64], size: usize) -> Result<Vec<usize>, Fault> {
    let mut positions = Vec::with_capacity(indices.len());
    for &index in indices {
        match shape::axis(index, size) {
            Ok(position) => positions.push(position),
            Err(_) => refuse!("index {index} of an axis of size {size}"),
        }
    }
    Ok(positions)
}

fn gather_elements(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    let axis = node.attributes.int("axis", 0)?;
    Ok(kernel(move |arguments| {
        let indices = arguments.ints(1)?;
        let value = arguments.take(0)?;
        let axis = shape::axis(axis, value.shape().len())?;
        Ok(match value {
            Value::Float(float) => Value::host(elements(&float.into_host()?, axis, &indices)?),
            Value::Int(host) => Value::Int(elements(&host, axis, &indices)?),
            Value::Bool(host) => Value::Bool(elements(&host, axis, &indices)?),
            Value::Text(host) => Value::Text(elements(&host, axis, &indices)?),
        })
    }))
}

fn elements<T: Clone>(data: &Host<T>, axis: usize, indices: &Host<i64>) -> Result<Host<T>, Fault> {
    let (old, new) = (data.shape(), indices.shape());
    let fits = new.len() == old.len() && (0..old.len()).all(|at| at == axis || new[at] <= old[at]);
    if !fits {
        refuse!("indices of shape {new:?} into shape {old:?}");
    }
    let (own, steps) = (shape::strides(new), shape::strides(old));
    let positions = positions(indices.values(), old[axis])?;
    let mut values = Vec::with_capacity(positions.len());
    for (element, &position) in positions.iter().enumerate() {
        let mut at = position * steps[axis];
        for other in (0..old.len()).filter(|&other| other != axis) {
            at += element / own[other] % new[other] * steps[other];
        }
        values.push(data.values()[at].clone());
    }
    Host::new(new.to_vec(), values)
}

fn tile(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    Ok(kernel(|arguments| {
        let repeats = arguments.ints(1)?;
        let mut value = arguments.take(0)?;
        if repeats.values().len() != value.shape().len() {
            refuse!(
                "{} repeats for shape {:?}",
                repeats.values().len(),
                value.shape()
            );
        }
        for (axis, &repeat) in repeats.values().iter().enumerate() {
            let size = value.shape()[axis];
            let mut shape = value.shape().to_vec();
            shape[axis] = size.saturating_mul(shape::size(repeat)?);
            shape::count(&shape)?;
            let positions: Vec<usize> = (0..shape[axis]).map(|at| at % size).collect();
            value = selected(value, axis, &positions)?;
        }
        Ok(value)
    }))
}

/// The `k` largest or smallest along an axis and their positions; of equal ones the first comes first.
fn top(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 2)?;
    let axis = node.attributes.int("axis", -1)?;
    let largest = node.attributes.flag("largest", true)?;
    let attribute = node.attributes.optional_int("k")?;
    Ok(Box::new(move |arguments| {
        let k = match attribute {
            Some(k) => k,
            None => arguments.int(1)?,
        };
        let whole_numbers = matches!(arguments.peek(0)?, Value::Int(_));
        let numbers = arguments.numbers(0)?;
        let axis = shape::axis(axis, numbers.shape().len())?;
        let (before, size, after) = numbers.around(axis);
        let k = shape::size(k)?;
        if k > size {
            refuse!("the {k} first of {size}");
        }
        let mut shape = numbers.shape().to_vec();
        shape[axis] = k;
        let mut values = Host::filled(shape.clone(), 0.0_f32)?.into_parts().1;
        let mut indices = Host::filled(shape.clone(), 0_i64)?.into_parts().1;
        let mut order: Vec<usize> = Vec::with_capacity(size);
        for block in 0..before {
            for behind in 0..after {
                let value = |at: usize| numbers.values()[(block * size + at) * after + behind];
                order.clear();
                order.extend(0..size);
                order.sort_by(|&a, &b| {
                    let order = value(a).total_cmp(&value(b));
                    if largest { order.reverse() } else { order }
                });
                for (rank, &at) in order[..k].iter().enumerate() {
                    let into = (block * k + rank) * after + behind;
                    values[into] = value(at);
                    indices[into] = shape::integer(at);
                }
            }
        }
        let values = Host::new(shape.clone(), values)?;
        #[expect(clippy::cast_possible_truncation, reason = "they were integers before")]
        let values = if whole_numbers {
            Value::Int(values.map(|&number| number as i64))
        } else {
            Value::host(values)
        };
        Ok(vec![values, Value::Int(Host::new(shape, indices)?)])
    }))
}
