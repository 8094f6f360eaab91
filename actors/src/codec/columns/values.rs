//! Values of one column, by type.

use std::sync::Arc;

use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array,
    Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer};
use arrow_schema::Field;
use config::{DataType, TimeUnit, VectorElement};

use super::Blob;
use crate::codec::fault::code;
use crate::codec::value::{Number, Value, from_hexadecimal, to_f32};

/// Values of one type.
#[derive(Debug)]
pub(super) enum Values {
    Bool(BooleanBufferBuilder),
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Float32(Vec<f32>),
    Timestamp(Vec<i64>),
    /// UTF-8 throughout, cut at characters.
    String(Blob),
    Bytes(Blob),
    Vector(usize, Elements),
}

/// Elements of vectors, one after the other.
#[derive(Debug)]
pub(super) enum Elements {
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Float32(Vec<f32>),
}

impl Values {
    pub(super) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Bool => Self::Bool(BooleanBufferBuilder::new(0)),
            DataType::Int64 => Self::Int64(Vec::new()),
            DataType::Float64 => Self::Float64(Vec::new()),
            DataType::Float32 => Self::Float32(Vec::new()),
            DataType::Timestamp => Self::Timestamp(Vec::new()),
            DataType::String => Self::String(Blob::new(0, 0)),
            DataType::Bytes => Self::Bytes(Blob::new(0, 0)),
            DataType::Vector { element, length } => {
                let elements = match element {
                    VectorElement::Int64 => Elements::Int64(Vec::new()),
                    VectorElement::Float64 => Elements::Float64(Vec::new()),
                    VectorElement::Float32 => Elements::Float32(Vec::new()),
                };
                Self::Vector(*length, elements)
            }
        }
    }

    /// Adds a value if it is of the type, numbers in times being of `unit`; else gives the code of
    /// the fault, and nothing is added.
    pub(super) fn push(&mut self, value: Value<'_>, unit: TimeUnit) -> Result<(), &'static str> {
        match self {
            Self::Bool(values) => values.append(value.to_bool()?),
            Self::Int64(values) => values.push(value.to_i64()?),
            Self::Float64(values) => values.push(value.to_f64()?),
            Self::Float32(values) => values.push(to_f32(value.to_f64()?)?),
            Self::Timestamp(values) => values.push(value.to_timestamp(unit)?),
            Self::String(blob) => push_bytes(blob, value.to_text()?.as_bytes())?,
            Self::Bytes(blob) => match value {
                Value::Bytes(bytes) => push_bytes(blob, bytes)?,
                other => {
                    let bytes = from_hexadecimal(other.to_text()?).ok_or(code::BAD_BYTES)?;
                    push_bytes(blob, &bytes)?;
                }
            },
            Self::Vector(length, elements) => elements.push(value.to_numbers(*length)?)?,
        }
        Ok(())
    }

    /// What lies under a NULL: zero or nothing.
    pub(super) fn push_default(&mut self) {
        match self {
            Self::Bool(values) => values.append(false),
            Self::Int64(values) | Self::Timestamp(values) => values.push(0),
            Self::Float64(values) => values.push(0.0),
            Self::Float32(values) => values.push(0.0),
            Self::String(blob) | Self::Bytes(blob) => blob.append(&[]),
            Self::Vector(length, elements) => match elements {
                Elements::Int64(values) => values.resize(values.len() + *length, 0),
                Elements::Float64(values) => values.resize(values.len() + *length, 0.0),
                Elements::Float32(values) => values.resize(values.len() + *length, 0.0),
            },
        }
    }

    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Bool(values) => values.truncate(len),
            Self::Int64(values) | Self::Timestamp(values) => values.truncate(len),
            Self::Float64(values) => values.truncate(len),
            Self::Float32(values) => values.truncate(len),
            Self::String(blob) | Self::Bytes(blob) => blob.truncate(len),
            Self::Vector(length, elements) => match elements {
                Elements::Int64(values) => values.truncate(len * *length),
                Elements::Float64(values) => values.truncate(len * *length),
                Elements::Float32(values) => values.truncate(len * *length),
            },
        }
    }

    /// The values as an array; none remain, but room for as many.
    pub(super) fn take(&mut self, nulls: Option<NullBuffer>) -> ArrayRef {
        let emptied = self.emptied();
        match std::mem::replace(self, emptied) {
            Self::Bool(mut bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Self::Int64(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Self::Float64(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Self::Float32(values) => Arc::new(Float32Array::new(values.into(), nulls)),
            Self::Timestamp(values) => {
                let array = TimestampMillisecondArray::new(values.into(), nulls);
                Arc::new(array.with_timezone("+00:00"))
            }
            Self::String(blob) => {
                let (offsets, bytes) = blob.finish();
                let array = StringArray::try_new(offsets, bytes, nulls);
                Arc::new(array.expect("only whole strings were pushed"))
            }
            Self::Bytes(blob) => {
                let (offsets, bytes) = blob.finish();
                Arc::new(BinaryArray::new(offsets, bytes, nulls))
            }
            Self::Vector(length, elements) => {
                let size = i32::try_from(length).expect("the schema's check bounds vectors");
                let elements = elements.finish();
                let field = Field::new("item", elements.data_type().clone(), false);
                Arc::new(FixedSizeListArray::new(field.into(), size, elements, nulls))
            }
        }
    }

    /// None of these values, with room for as many: batches are of much the same size.
    fn emptied(&self) -> Self {
        match self {
            Self::Bool(values) => Self::Bool(BooleanBufferBuilder::new(values.len())),
            Self::Int64(values) => Self::Int64(Vec::with_capacity(values.len())),
            Self::Float64(values) => Self::Float64(Vec::with_capacity(values.len())),
            Self::Float32(values) => Self::Float32(Vec::with_capacity(values.len())),
            Self::Timestamp(values) => Self::Timestamp(Vec::with_capacity(values.len())),
            Self::String(blob) => Self::String(blob.emptied()),
            Self::Bytes(blob) => Self::Bytes(blob.emptied()),
            Self::Vector(length, elements) => {
                let elements = match elements {
                    Elements::Int64(v) => Elements::Int64(Vec::with_capacity(v.len())),
                    Elements::Float64(v) => Elements::Float64(Vec::with_capacity(v.len())),
                    Elements::Float32(v) => Elements::Float32(Vec::with_capacity(v.len())),
                };
                Self::Vector(*length, elements)
            }
        }
    }
}

impl Elements {
    /// Adds the numbers of one vector, or none of them.
    fn push(&mut self, numbers: &[Number]) -> Result<(), &'static str> {
        match self {
            Self::Int64(values) => extend(values, numbers, Number::to_i64),
            Self::Float64(values) => extend(values, numbers, |n| Ok(n.to_f64())),
            Self::Float32(values) => extend(values, numbers, |n| to_f32(n.to_f64())),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Int64(values) => Arc::new(Int64Array::new(values.into(), None)),
            Self::Float64(values) => Arc::new(Float64Array::new(values.into(), None)),
            Self::Float32(values) => Arc::new(Float32Array::new(values.into(), None)),
        }
    }
}

fn push_bytes(blob: &mut Blob, bytes: &[u8]) -> Result<(), &'static str> {
    if !blob.has_room(bytes.len()) {
        return Err(code::RECORD_TOO_LARGE);
    }
    blob.append(bytes);
    Ok(())
}

fn extend<T>(
    values: &mut Vec<T>,
    numbers: &[Number],
    convert: impl Fn(Number) -> Result<T, &'static str>,
) -> Result<(), &'static str> {
    let before = values.len();
    for number in numbers {
        match convert(*number) {
            Ok(value) => values.push(value),
            Err(kind) => {
                values.truncate(before);
                return Err(kind);
            }
        }
    }
    Ok(())
}
