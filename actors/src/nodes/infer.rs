//! Columns to a model's feature rows, and its answers to columns. Pure.

mod log;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow_schema::{DataType as ArrowType, Field, Schema as ArrowSchema};
use config::{Infer, Schema};
use models::{Matrix, Tensor, TensorData};

pub use log::LogRows;

/// Feature columns as one matrix of float32, row by row. NULL and what is no number become NaN.
#[must_use]
pub fn features(columns: &RecordBatch, features: &[usize]) -> Matrix {
    let rows = columns.num_rows();
    let widths: Vec<usize> = features
        .iter()
        .map(|feature| width(columns.column(*feature).data_type()))
        .collect();
    let total: usize = widths.iter().sum();
    let mut values = vec![f32::NAN; rows * total];
    let mut offset = 0;
    for (feature, width) in features.iter().zip(widths) {
        fill(
            columns.column(*feature),
            &mut values,
            Place { offset, total },
        );
        offset += width;
    }
    Matrix {
        rows,
        columns: total,
        values,
    }
}

fn width(data_type: &ArrowType) -> usize {
    match data_type {
        ArrowType::FixedSizeList(_, length) => usize::try_from(*length).unwrap_or(0),
        _ => 1,
    }
}

/// Where a column's numbers go in each row of the matrix.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    total: usize,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "features are float32 by the contract of models"
)]
fn fill(column: &ArrayRef, values: &mut [f32], place: Place) {
    if let Some(list) = column.as_fixed_size_list_opt() {
        for row in 0..list.len() {
            if list.is_valid(row) {
                let start = row * place.total + place.offset;
                numbers(&list.value(row), |i, value| values[start + i] = value);
            }
        }
        return;
    }
    let Place { offset, total, .. } = place;
    numbers(column, |row, value| values[row * total + offset] = value);

    fn numbers(column: &ArrayRef, mut put: impl FnMut(usize, f32)) {
        let valid = |row: usize| column.is_valid(row);
        match column.data_type() {
            ArrowType::Float64 => {
                let column = column.as_primitive::<Float64Type>().values();
                (0..column.len())
                    .filter(|r| valid(*r))
                    .for_each(|r| put(r, column[r] as f32));
            }
            ArrowType::Float32 => {
                let column = column.as_primitive::<Float32Type>().values();
                (0..column.len())
                    .filter(|r| valid(*r))
                    .for_each(|r| put(r, column[r]));
            }
            ArrowType::Int64 => {
                let column = column.as_primitive::<Int64Type>().values();
                (0..column.len())
                    .filter(|r| valid(*r))
                    .for_each(|r| put(r, column[r] as f32));
            }
            ArrowType::Boolean => {
                let column = column.as_boolean();
                (0..column.len())
                    .filter(|r| valid(*r))
                    .for_each(|r| put(r, f32::from(u8::from(column.value(r)))));
            }
            // No number: NaN stays, and the model says what it makes of it. config refuses such features.
            _ => {}
        }
    }
}

/// Numbers in a tensor.
pub(super) fn count(tensor: &Tensor) -> usize {
    match &tensor.data {
        TensorData::Float32(values) => values.len(),
        TensorData::Int64(values) => values.len(),
        TensorData::String(values) => values.len(),
    }
}

/// Positions of the rows for which an output that the operator names is NaN, or holds one; ascending.
pub(super) fn not_a_number(outputs: &[Tensor], infer: &Infer, rows: usize) -> Vec<usize> {
    let mut found = Vec::new();
    for output in &infer.outputs {
        let Some(TensorData::Float32(values)) = outputs.get(output.tensor).map(|t| &t.data) else {
            continue;
        };
        let width = values.len().checked_div(rows).unwrap_or(0).max(1);
        for (row, values) in values.chunks_exact(width).enumerate() {
            let nan = match (output.index, &output.data_type) {
                (Some(index), _) => values.get(index).is_some_and(|value| value.is_nan()),
                (None, config::DataType::Vector { .. }) => {
                    values.iter().any(|value| value.is_nan())
                }
                (None, _) => values[0].is_nan(),
            };
            if nan {
                found.push(row);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The input's columns, then the outputs that the operator names.
///
/// # Errors
/// If an output has not the size that the signature promised.
pub fn with_outputs(
    input: &RecordBatch,
    infer: &Infer,
    schema: &Schema,
    outputs: &[Tensor],
) -> Result<RecordBatch, String> {
    let mut arrays: Vec<ArrayRef> = input.columns().to_vec();
    for output in &infer.outputs {
        let tensor = outputs
            .get(output.tensor)
            .ok_or_else(|| format!("the model gave no output {}", output.tensor))?;
        arrays.push(column(
            tensor,
            input.num_rows(),
            output.index,
            &output.data_type,
        )?);
    }
    assemble(schema, arrays)
}

/// The input's columns, then the same value for every output.
///
/// # Errors
/// If an output can hold no number.
pub fn with_fallback(
    input: &RecordBatch,
    infer: &Infer,
    schema: &Schema,
    value: f64,
) -> Result<RecordBatch, String> {
    let mut arrays: Vec<ArrayRef> = input.columns().to_vec();
    let rows = input.num_rows();
    for output in &infer.outputs {
        let width = match output.data_type {
            config::DataType::Vector { length, .. } => length,
            _ => 1,
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "outputs of models are float32"
        )]
        let data = match output.data_type {
            config::DataType::Int64 => TensorData::Int64(vec![value as i64; rows]),
            _ => TensorData::Float32(vec![value as f32; rows * width]),
        };
        let tensor = Tensor {
            shape: vec![rows, width],
            data,
        };
        arrays.push(column(&tensor, rows, None, &output.data_type)?);
    }
    assemble(schema, arrays)
}

fn assemble(schema: &Schema, arrays: Vec<ArrayRef>) -> Result<RecordBatch, String> {
    let fields: Vec<Field> = schema
        .columns()
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&*column.name, array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), arrays).map_err(|e| e.to_string())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the column's type was chosen by config"
)]
pub(super) fn column(
    tensor: &Tensor,
    rows: usize,
    index: Option<usize>,
    data_type: &config::DataType,
) -> Result<ArrayRef, String> {
    if rows == 0 {
        return Ok(arrow_array::new_empty_array(&data_type.to_arrow()));
    }
    let width = count(tensor) / rows;
    let scalar = index.unwrap_or(0);
    if width == 0 || scalar >= width || !count(tensor).is_multiple_of(rows) {
        return Err(format!(
            "an output of shape {:?} for {rows} rows",
            tensor.shape
        ));
    }
    let at = |row: usize| row * width + scalar;
    let array: ArrayRef = match (data_type, &tensor.data) {
        (config::DataType::Vector { length, .. }, TensorData::Float32(values)) => {
            let item = Arc::new(Field::new("item", ArrowType::Float32, false));
            let length = i32::try_from(*length).map_err(|e| e.to_string())?;
            let values = Arc::new(Float32Array::from(values.clone()));
            let list = FixedSizeListArray::try_new(item, length, values, None);
            Arc::new(list.map_err(|e| e.to_string())?)
        }
        (config::DataType::Float32, TensorData::Float32(values)) => Arc::new(
            (0..rows)
                .map(|row| values[at(row)])
                .collect::<Float32Array>(),
        ),
        (config::DataType::Float64, TensorData::Float32(values)) => Arc::new(
            (0..rows)
                .map(|row| f64::from(values[at(row)]))
                .collect::<Float64Array>(),
        ),
        (config::DataType::Int64, TensorData::Int64(values)) => {
            Arc::new((0..rows).map(|row| values[at(row)]).collect::<Int64Array>())
        }
        (config::DataType::Int64, TensorData::Float32(values)) => Arc::new(
            (0..rows)
                .map(|row| values[at(row)] as i64)
                .collect::<Int64Array>(),
        ),
        (config::DataType::String, TensorData::String(values)) => Arc::new(
            (0..rows)
                .map(|row| Some(values[at(row)].as_str()))
                .collect::<StringArray>(),
        ),
        (wanted, _) => return Err(format!("an output that is no {wanted}")),
    };
    Ok(array)
}
