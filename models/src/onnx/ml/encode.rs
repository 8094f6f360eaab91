//! Categories to numbers and back.

use std::collections::HashMap;

use super::labels::Labels;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::initializer;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "OneHotEncoder" => one_hot(node),
        "LabelEncoder" => label_encoder(node),
        "CategoryMapper" => category_mapper(node),
        "ArrayFeatureExtractor" => extractor(node),
        // A map for each row comes out as the tensor it is made from: columns in the order of the labels.
        "ZipMap" => {
            node.expect_inputs(1, 1)?;
            Ok(kernel(|arguments| Ok(Value::host(arguments.numbers(0)?))))
        }
        other => refuse!("{other} encodes nothing"),
    }
}

/// One column for each category, behind the axes there are.
fn one_hot(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let categories = Labels::read(node.attributes, "cats_int64s", "cats_strings")?;
    let zeros = node.attributes.flag("zeros", true)?;
    if categories.len() == 0 {
        refuse!("no categories");
    }
    Ok(kernel(move |arguments| {
        let value = arguments.take(0)?;
        let mut shape = value.shape().to_vec();
        shape.push(categories.len());
        shape::count(&shape)?;
        let found: Vec<Option<usize>> = match (&categories, value) {
            (Labels::Text(names), Value::Text(host)) => {
                host.map(|text| names.iter().position(|name| name == text))
                    .into_parts()
                    .1
            }
            (Labels::Int(numbers), Value::Int(host)) => {
                host.map(|number| numbers.iter().position(|known| known == number))
                    .into_parts()
                    .1
            }
            (Labels::Int(numbers), Value::Float(float)) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "categories as floats lose their fraction"
                )]
                let position =
                    |number: &f32| numbers.iter().position(|&known| known == *number as i64);
                float.into_host()?.map(position).into_parts().1
            }
            (_, other) => refuse!("{} are not what the categories are", other.kind()),
        };
        let mut values = vec![0.0; found.len() * categories.len()];
        for (row, position) in values.chunks_exact_mut(categories.len()).zip(found) {
            match position {
                Some(position) => row[position] = 1.0,
                None if zeros => {}
                None => refuse!("a value that is none of the categories"),
            }
        }
        Ok(Value::host(Host::new(shape, values)?))
    }))
}

/// A key of a label encoder. Floats are compared by their bits; NaN is one key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Int(i64),
    Float(u32),
    Text(String),
}

impl Key {
    fn of_float(number: f32) -> Self {
        if number.is_nan() {
            return Self::Float(f32::NAN.to_bits());
        }
        // Both zeros are one key.
        Self::Float((number + 0.0).to_bits())
    }
}

/// What a label encoder gives.
#[derive(Debug, Clone)]
enum Targets {
    Int(Vec<i64>, i64),
    Float(Vec<f32>, f32),
    Text(Vec<String>, String),
}

fn label_encoder(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    if node.attributes.has("classes_strings") {
        return old_label_encoder(node);
    }
    let keys = keys(node)?;
    let targets = targets(node)?;
    let values = match &targets {
        Targets::Int(values, _) => values.len(),
        Targets::Float(values, _) => values.len(),
        Targets::Text(values, _) => values.len(),
    };
    if keys.len() != values {
        refuse!("{} keys for {values} values", keys.len());
    }
    let mut positions = HashMap::with_capacity(keys.len());
    for (position, key) in keys.into_iter().enumerate() {
        positions.entry(key).or_insert(position);
    }
    Ok(kernel(move |arguments| {
        let found = match arguments.take(0)? {
            Value::Int(host) => host.map(|&number| positions.get(&Key::Int(number)).copied()),
            Value::Text(host) => host.map(|text| positions.get(&Key::Text(text.clone())).copied()),
            Value::Float(float) => float
                .into_host()?
                .map(|&number| positions.get(&Key::of_float(number)).copied()),
            Value::Bool(_) => refuse!("truth values are no labels"),
        };
        Ok(match &targets {
            Targets::Int(values, default) => {
                Value::Int(found.map(|at| at.map_or(*default, |at| values[at])))
            }
            Targets::Float(values, default) => {
                Value::host(found.map(|at| at.map_or(*default, |at| values[at])))
            }
            Targets::Text(values, default) => Value::Text(
                found.map(|at| at.map_or_else(|| default.clone(), |at| values[at].clone())),
            ),
        })
    }))
}

fn keys(node: &Node<'_>) -> Result<Vec<Key>, Fault> {
    let attributes = node.attributes;
    if let Some(stored) = attributes.tensor("keys_tensor")? {
        return Ok(match initializer::read(stored)? {
            Value::Int(host) => host.map(|&number| Key::Int(number)).into_parts().1,
            Value::Text(host) => host.map(|text| Key::Text(text.clone())).into_parts().1,
            Value::Float(float) => float.into_host()?.map(|&x| Key::of_float(x)).into_parts().1,
            Value::Bool(_) => refuse!("truth values are no keys"),
        });
    }
    let ints = attributes
        .ints("keys_int64s")?
        .iter()
        .map(|&number| Key::Int(number));
    let floats = attributes
        .floats("keys_floats")?
        .iter()
        .map(|&number| Key::of_float(number));
    let texts = attributes.texts("keys_strings")?.into_iter().map(Key::Text);
    Ok(ints.chain(floats).chain(texts).collect())
}

fn targets(node: &Node<'_>) -> Result<Targets, Fault> {
    let attributes = node.attributes;
    let default = match attributes.tensor("default_tensor")? {
        Some(stored) => Some(initializer::read(stored)?),
        None => None,
    };
    let default_int = attributes.int("default_int64", -1)?;
    let default_float = attributes.float("default_float", -0.0)?;
    let default_text = attributes.text("default_string", "_Unused")?;
    if let Some(stored) = attributes.tensor("values_tensor")? {
        return Ok(match (initializer::read(stored)?, default) {
            (Value::Int(host), default) => {
                let default = default.and_then(|value| value.into_ints().ok());
                let default = default.and_then(|host| host.values().first().copied());
                Targets::Int(host.into_parts().1, default.unwrap_or(default_int))
            }
            (Value::Float(float), default) => {
                let default = default.and_then(|value| value.into_numbers().ok());
                let default = default.and_then(|host| host.values().first().copied());
                Targets::Float(
                    float.into_host()?.into_parts().1,
                    default.unwrap_or(default_float),
                )
            }
            (Value::Text(host), default) => {
                let default = match default {
                    Some(Value::Text(host)) => host.values().first().cloned(),
                    _ => None,
                };
                Targets::Text(host.into_parts().1, default.unwrap_or(default_text))
            }
            (Value::Bool(_), _) => refuse!("truth values are no labels"),
        });
    }
    Ok(if attributes.has("values_strings") {
        Targets::Text(attributes.texts("values_strings")?, default_text)
    } else if attributes.has("values_floats") {
        Targets::Float(attributes.floats("values_floats")?.to_vec(), default_float)
    } else {
        Targets::Int(attributes.ints("values_int64s")?.to_vec(), default_int)
    })
}

/// Version 1: text to its position in the classes, or a position to its text.
fn old_label_encoder(node: &Node<'_>) -> Result<Kernel, Fault> {
    let classes = node.attributes.texts("classes_strings")?;
    let default_int = node.attributes.int("default_int64", -1)?;
    let default_text = node.attributes.text("default_string", "_Unused")?;
    Ok(kernel(move |arguments| match arguments.take(0)? {
        Value::Text(host) => Ok(Value::Int(host.map(|text| {
            let position = classes.iter().position(|class| class == text);
            position.map_or(default_int, shape::integer)
        }))),
        Value::Int(host) => Ok(Value::Text(host.map(|&position| {
            let class = usize::try_from(position)
                .ok()
                .and_then(|at| classes.get(at));
            class.unwrap_or(&default_text).clone()
        }))),
        other => refuse!("{} are no labels", other.kind()),
    }))
}

/// Text to integers or integers to text, by pairs.
fn category_mapper(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let texts = node.attributes.texts("cats_strings")?;
    let ints = node.attributes.ints("cats_int64s")?.to_vec();
    let default_int = node.attributes.int("default_int64", -1)?;
    let default_text = node.attributes.text("default_string", "_Unused")?;
    if texts.len() != ints.len() {
        refuse!("{} texts for {} integers", texts.len(), ints.len());
    }
    Ok(kernel(move |arguments| match arguments.take(0)? {
        Value::Text(host) => Ok(Value::Int(host.map(|text| {
            let position = texts.iter().position(|known| known == text);
            position.map_or(default_int, |at| ints[at])
        }))),
        Value::Int(host) => Ok(Value::Text(host.map(|number| {
            let position = ints.iter().position(|known| known == number);
            position.map_or_else(|| default_text.clone(), |at| texts[at].clone())
        }))),
        other => refuse!("{} are no categories", other.kind()),
    }))
}

/// Columns of the last axis by their positions.
fn extractor(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(2, 2)?;
    Ok(kernel(|arguments| {
        let mut positions = Vec::new();
        for &index in arguments.ints(1)?.values() {
            positions.push(shape::size(index)?);
        }
        match arguments.take(0)? {
            Value::Float(float) => Ok(Value::host(extracted(&float.into_host()?, &positions)?)),
            Value::Int(host) => Ok(Value::Int(extracted(&host, &positions)?)),
            Value::Text(host) => Ok(Value::Text(extracted(&host, &positions)?)),
            Value::Bool(host) => Ok(Value::Bool(extracted(&host, &positions)?)),
        }
    }))
}

fn extracted<T: Clone>(host: &Host<T>, positions: &[usize]) -> Result<Host<T>, Fault> {
    let Some(axis) = host.shape().len().checked_sub(1) else {
        refuse!("a scalar has no columns");
    };
    let size = host.shape()[axis];
    if let Some(position) = positions.iter().find(|&&position| position >= size) {
        refuse!("column {position} of {size}");
    }
    let picked = host.selected(axis, positions)?;
    // A tensor of one axis is one row.
    if axis == 0 {
        picked.reshaped(vec![1, positions.len()])
    } else {
        Ok(picked)
    }
}
