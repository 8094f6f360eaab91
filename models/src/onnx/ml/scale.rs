//! Numbers to numbers: scaling, filling in, thresholds.

use super::rows::Rows;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    match node.operator {
        "Scaler" => scaler(node),
        "Normalizer" => normalizer(node),
        "Imputer" => imputer(node),
        "Binarizer" => binarizer(node),
        "FeatureVectorizer" => vectorizer(node),
        other => refuse!("{other} scales nothing"),
    }
}

/// The number for a column: each its own, or one for all.
fn of_column(numbers: &[f32], column: usize) -> f32 {
    if numbers.len() == 1 {
        numbers[0]
    } else {
        numbers[column]
    }
}

/// Refuses lists that are neither one number nor one for each column.
fn expect_one_or(columns: usize, numbers: &[f32], what: &str) -> Result<(), Fault> {
    if numbers.len() != 1 && numbers.len() != columns {
        refuse!("{} {what} for {columns} features", numbers.len());
    }
    Ok(())
}

/// `(x - offset) * scale`
fn scaler(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let or = |given: &[f32], default: f32| {
        if given.is_empty() {
            vec![default]
        } else {
            given.to_vec()
        }
    };
    let offsets = or(node.attributes.floats("offset")?, 0.0);
    let scales = or(node.attributes.floats("scale")?, 1.0);
    Ok(kernel(move |arguments| {
        let mut rows = Rows::of(arguments, 0)?;
        expect_one_or(rows.columns, &offsets, "offsets")?;
        expect_one_or(rows.columns, &scales, "scales")?;
        let columns = rows.columns.max(1);
        for row in rows.values_mut().chunks_exact_mut(columns) {
            for (column, x) in row.iter_mut().enumerate() {
                *x = (*x - of_column(&offsets, column)) * of_column(&scales, column);
            }
        }
        Ok(Value::host(rows.into_host()?))
    }))
}

/// Each row divided by its norm; a row of zeros stays.
fn normalizer(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let norm: fn(&[f32]) -> f32 = match &*node.attributes.text("norm", "MAX")? {
        "MAX" => |row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        "L1" => |row| row.iter().map(|x| x.abs()).sum(),
        "L2" => |row| row.iter().map(|x| x * x).sum::<f32>().sqrt(),
        other => refuse!("norm \"{other}\"; ONNX knows MAX, L1 and L2"),
    };
    Ok(kernel(move |arguments| {
        let mut rows = Rows::of(arguments, 0)?;
        let columns = rows.columns.max(1);
        for row in rows.values_mut().chunks_exact_mut(columns) {
            let norm = norm(row);
            if norm != 0.0 {
                row.iter_mut().for_each(|x| *x /= norm);
            }
        }
        Ok(Value::host(rows.into_host()?))
    }))
}

/// Missing values replaced: NaN, or whatever number stands for them.
fn imputer(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let ints = node.attributes.ints("imputed_value_int64s")?.to_vec();
    let floats = node.attributes.floats("imputed_value_floats")?.to_vec();
    let missing_int = node.attributes.int("replaced_value_int64", 0)?;
    let missing = node.attributes.float("replaced_value_float", 0.0)?;
    Ok(kernel(move |arguments| {
        if let Value::Int(_) = arguments.peek(0)? {
            let (shape, mut values) = arguments.ints(0)?.into_parts();
            let columns = shape.last().copied().unwrap_or(1);
            if ints.len() != 1 && ints.len() != columns {
                refuse!("{} values for {columns} features", ints.len());
            }
            for (at, x) in values.iter_mut().enumerate() {
                if *x == missing_int {
                    *x = if ints.len() == 1 {
                        ints[0]
                    } else {
                        ints[at % columns]
                    };
                }
            }
            return Ok(Value::Int(Host::new(shape, values)?));
        }
        let mut rows = Rows::of(arguments, 0)?;
        expect_one_or(rows.columns, &floats, "values")?;
        let columns = rows.columns.max(1);
        for row in rows.values_mut().chunks_exact_mut(columns) {
            for (column, x) in row.iter_mut().enumerate() {
                #[expect(clippy::float_cmp, reason = "the stand-in is an exact number")]
                if *x == missing || (missing.is_nan() && x.is_nan()) {
                    *x = of_column(&floats, column);
                }
            }
        }
        Ok(Value::host(rows.into_host()?))
    }))
}

/// 1 above the threshold, else 0.
fn binarizer(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let threshold = node.attributes.float("threshold", 0.0)?;
    Ok(kernel(move |arguments| {
        let numbers = arguments.numbers(0)?;
        Ok(Value::host(
            numbers.map(|&x| if x > threshold { 1.0 } else { 0.0 }),
        ))
    }))
}

/// Inputs side by side, each cut or filled with zeros to its width.
fn vectorizer(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, usize::MAX)?;
    let mut widths = Vec::new();
    for &width in node.attributes.ints("inputdimensions")? {
        widths.push(shape::size(width)?);
    }
    if widths.len() != node.inputs.len() {
        refuse!("{} widths for {} inputs", widths.len(), node.inputs.len());
    }
    Ok(kernel(move |arguments| {
        let mut inputs = Vec::with_capacity(widths.len());
        for index in 0..widths.len() {
            inputs.push(Rows::of(arguments, index)?);
        }
        let count = inputs.first().map_or(0, |rows| rows.count);
        if inputs.iter().any(|rows| rows.count != count) {
            refuse!("inputs of different numbers of rows");
        }
        let columns = widths
            .iter()
            .try_fold(0_usize, |sum, &width| sum.checked_add(width));
        let shape = vec![count, columns.unwrap_or(usize::MAX)];
        let mut values = Vec::with_capacity(shape::count(&shape)?);
        for row in 0..count {
            for (rows, &width) in inputs.iter().zip(&widths) {
                let taken = rows.columns.min(width);
                values.extend_from_slice(&rows.row(row)[..taken]);
                values.resize(values.len() + width - taken, 0.0);
            }
        }
        Ok(Value::host(Host::new(shape, values)?))
    }))
}
