//! `hash(value, …)`: XXH64 (seed 0) of the values' text forms, the same on every machine and version.
//!
//! Text forms: `true`/`false`; integers in decimal; floats by the shortest digits that read back as
//! the same number (`1.0`, `1e20`; -0.0 as `0.0`); texts and bytes as they are; timestamps as decimal
//! milliseconds. Several values are joined by the byte 0x1F (unit separator). NULL if any value is.

use std::sync::Arc;

use arrow_array::{
    Array, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::ArrowError;

use super::value::{Input, Value};
use super::xxh64::xxh64;

const SEPARATOR: u8 = 0x1F;

/// The hash of each row.
pub(super) fn hash(arguments: &[Value], input: &Input<'_>) -> Result<Value, ArrowError> {
    let operands: Vec<&Value> = arguments.iter().collect();
    let scalar = arguments.iter().all(Value::is_scalar);
    let columns = arguments
        .iter()
        .map(Forms::new)
        .collect::<Result<Vec<_>, _>>()?;
    let mut text = Vec::new();
    let rows = if scalar { 1 } else { input.rows() };
    let hashes = (0..rows).map(|row| {
        text.clear();
        for (position, column) in columns.iter().enumerate() {
            if position > 0 {
                text.push(SEPARATOR);
            }
            column.write(row, &mut text)?;
        }
        Some(xxh64(&text, 0).cast_signed())
    });
    let result: Int64Array = hashes.collect();
    Ok(Value::like(&operands, Arc::new(result)))
}

/// A column whose text forms are wanted.
struct Forms<'a> {
    column: Typed<'a>,
    scalar: bool,
}

enum Typed<'a> {
    Bool(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Float32(&'a Float32Array),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Timestamp(&'a TimestampMillisecondArray),
}

impl<'a> Forms<'a> {
    fn new(value: &'a Value) -> Result<Self, ArrowError> {
        let any = value.array().as_any();
        let column = if let Some(array) = any.downcast_ref() {
            Typed::String(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Int64(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Float64(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Float32(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Bool(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Timestamp(array)
        } else if let Some(array) = any.downcast_ref() {
            Typed::Bytes(array)
        } else {
            return Err(ArrowError::SchemaError(format!(
                "hash does not take {}",
                value.array().data_type()
            )));
        };
        let scalar = value.is_scalar();
        Ok(Self { column, scalar })
    }

    /// Appends the text form; `None` if the value is NULL.
    fn write(&self, row: usize, text: &mut Vec<u8>) -> Option<()> {
        let row = if self.scalar { 0 } else { row };
        match self.column {
            Typed::Bool(a) => {
                let word = if get(a, row)?.value(row) {
                    "true"
                } else {
                    "false"
                };
                text.extend_from_slice(word.as_bytes());
            }
            Typed::Int64(a) => integer(get(a, row)?.value(row), text),
            Typed::Timestamp(a) => integer(get(a, row)?.value(row), text),
            Typed::Float64(a) => {
                let value = get(a, row)?.value(row) + 0.0;
                text.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
            }
            Typed::Float32(a) => {
                let value = get(a, row)?.value(row) + 0.0;
                text.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
            }
            Typed::String(a) => text.extend_from_slice(get(a, row)?.value(row).as_bytes()),
            Typed::Bytes(a) => text.extend_from_slice(get(a, row)?.value(row)),
        }
        Some(())
    }
}

fn get<A: Array>(array: &A, row: usize) -> Option<&A> {
    array.is_valid(row).then_some(array)
}

fn integer(value: i64, text: &mut Vec<u8>) {
    text.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}
