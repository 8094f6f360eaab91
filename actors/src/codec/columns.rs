//! Columns under construction, a row at a time.
//!
//! The protocol of a row: [`Columns::set`] each value found, then [`Columns::end_row`]; if anything
//! fails, [`Columns::rollback`] to the rows there were. A column's length tells whether it has its
//! value in the row being written (`rows + 1`) or not yet (`rows`); so a value given twice replaces
//! the first, and a half-written row is undone by cutting every column. Called by the formats and
//! by [`super::row`].

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array,
    Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType as ArrowType, SchemaRef};
use config::{Column, DataType, Schema, TimeUnit, VectorElement};

use super::fault::{Fault, code};
use super::value::{self, Number, Value};

/// Columns of one schema with the rows read so far.
#[derive(Debug)]
pub(super) struct Columns {
    arrow: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

/// One column. `len` is the number of values, which is the length of everything inside.
#[derive(Debug)]
struct Builder {
    column: Column,
    unit: TimeUnit,
    len: usize,
    validity: NullBufferBuilder,
    values: Values,
}

#[derive(Debug)]
enum Values {
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

/// Values of any length, one after the other; `offsets` has one more than there are values.
#[derive(Debug)]
pub(super) struct Blob {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

/// Elements of vectors, one after the other.
#[derive(Debug)]
enum Elements {
    Int64(Vec<i64>),
    Float64(Vec<f64>),
    Float32(Vec<f32>),
}

impl Columns {
    pub(super) fn new(schema: &Schema, unit: TimeUnit) -> Self {
        let builder = |column: &Column| Builder {
            column: column.clone(),
            unit,
            len: 0,
            validity: NullBufferBuilder::new(0),
            values: Values::new(&column.data_type, 0),
        };
        Self {
            arrow: schema.to_arrow(),
            columns: schema.columns().iter().map(builder).collect(),
            rows: 0,
        }
    }

    /// Rows that are complete.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn column(&self, index: usize) -> &Column {
        &self.columns[index].column
    }

    /// How many numbers a column takes, if it holds vectors.
    pub(super) fn vector_length(&self, index: usize) -> Option<usize> {
        match self.columns[index].column.data_type {
            DataType::Vector { length, .. } => Some(length),
            _ => None,
        }
    }

    /// Whether a column holds text; `None` if there is no such column.
    pub(super) fn takes_text(&self, index: usize) -> Option<bool> {
        let builder = self.columns.get(index)?;
        Some(builder.column.data_type == DataType::String)
    }

    /// Sets a column's value in the row being written; a second value replaces the first.
    pub(super) fn set(&mut self, index: usize, value: Value<'_>) -> Result<(), Fault> {
        let builder = &mut self.columns[index];
        builder.truncate(self.rows);
        builder.push(value)
    }

    /// Takes a column's value in the row being written back, if it has one.
    pub(super) fn unset(&mut self, index: usize) {
        self.columns[index].truncate(self.rows);
    }

    /// Completes the row: columns without value become NULL where they may.
    pub(super) fn end_row(&mut self) -> Result<(), Fault> {
        for builder in &mut self.columns {
            if builder.len == self.rows {
                builder.push(Value::Null)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Forgets the row being written and those after the first `rows`.
    pub(super) fn rollback(&mut self, rows: usize) {
        for builder in &mut self.columns {
            builder.truncate(rows);
        }
        self.rows = rows;
    }

    /// The complete rows as a batch; none remain.
    pub(super) fn take(&mut self) -> RecordBatch {
        let rows = std::mem::take(&mut self.rows);
        let arrays = self.columns.iter_mut().map(Builder::take).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.arrow), arrays, &options)
            .expect("every column has the type of its field and a value for each row")
    }
}

impl Builder {
    fn truncate(&mut self, len: usize) {
        if self.len > len {
            self.len = len;
            self.validity.truncate(len);
            self.values.truncate(len);
        }
    }

    fn push(&mut self, value: Value<'_>) -> Result<(), Fault> {
        if matches!(value, Value::Null) {
            if !self.column.nullable {
                let reason = format!("column \"{}\" has no value", self.column.name);
                return Err(Fault::new(code::MISSING_VALUE, reason));
            }
            self.values.push_default();
            self.validity.append_null();
        } else {
            self.push_value(value)
                .map_err(|kind| value::refusal(&self.column, value, kind))?;
            self.validity.append_non_null();
        }
        self.len += 1;
        Ok(())
    }

    /// Adds a value if it is of the column's type; else says how it is not.
    fn push_value(&mut self, value: Value<'_>) -> Result<(), &'static str> {
        match &mut self.values {
            Values::Bool(values) => values.append(value.to_bool()?),
            Values::Int64(values) => values.push(value.to_i64()?),
            Values::Float64(values) => values.push(value.to_f64()?),
            Values::Float32(values) => values.push(value::to_f32(value.to_f64()?)?),
            Values::Timestamp(values) => values.push(value.to_timestamp(self.unit)?),
            Values::String(blob) => blob.push(value.to_text()?.as_bytes())?,
            Values::Bytes(blob) => match value {
                Value::Bytes(bytes) => blob.push(bytes)?,
                other => blob.push_hexadecimal(other.to_text()?)?,
            },
            Values::Vector(length, elements) => elements.push(value.to_numbers(*length)?)?,
        }
        Ok(())
    }

    fn take(&mut self) -> ArrayRef {
        let empty = Values::new(&self.column.data_type, self.len);
        let values = std::mem::replace(&mut self.values, empty);
        let nulls = self.validity.finish();
        self.len = 0;
        match values {
            Values::Bool(mut bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Int64(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float64(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Float32(values) => Arc::new(Float32Array::new(values.into(), nulls)),
            Values::Timestamp(values) => Arc::new(
                TimestampMillisecondArray::new(values.into(), nulls).with_timezone("+00:00"),
            ),
            Values::String(blob) => {
                let (offsets, bytes) = blob.finish();
                let array = StringArray::try_new(offsets, bytes, nulls);
                Arc::new(array.expect("only whole strings were pushed"))
            }
            Values::Bytes(blob) => {
                let (offsets, bytes) = blob.finish();
                Arc::new(BinaryArray::new(offsets, bytes, nulls))
            }
            Values::Vector(_, elements) => {
                let ArrowType::FixedSizeList(field, size) = self.column.data_type.to_arrow() else {
                    unreachable!("vectors are lists of fixed size in Arrow")
                };
                Arc::new(FixedSizeListArray::new(
                    field,
                    size,
                    elements.finish(),
                    nulls,
                ))
            }
        }
    }
}

impl Values {
    fn new(data_type: &DataType, capacity: usize) -> Self {
        match data_type {
            DataType::Bool => Self::Bool(BooleanBufferBuilder::new(capacity)),
            DataType::Int64 => Self::Int64(Vec::with_capacity(capacity)),
            DataType::Float64 => Self::Float64(Vec::with_capacity(capacity)),
            DataType::Float32 => Self::Float32(Vec::with_capacity(capacity)),
            DataType::Timestamp => Self::Timestamp(Vec::with_capacity(capacity)),
            DataType::String => Self::String(Blob::new(capacity)),
            DataType::Bytes => Self::Bytes(Blob::new(capacity)),
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

    /// What lies under a NULL: zero or nothing.
    fn push_default(&mut self) {
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

    fn truncate(&mut self, len: usize) {
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
}

impl Blob {
    pub(super) fn new(capacity: usize) -> Self {
        let mut offsets = Vec::with_capacity(capacity + 1);
        offsets.push(0);
        Self {
            offsets,
            bytes: Vec::new(),
        }
    }

    /// Whether a value of this length fits: offsets are 32 bits wide, so a batch holds 2 GiB,
    /// which only a reader without bounds exceeds.
    pub(super) fn has_room(&self, length: usize) -> bool {
        i32::try_from(self.bytes.len() + length).is_ok()
    }

    /// Adds a value for which there is room.
    pub(super) fn append(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        let end = i32::try_from(self.bytes.len()).expect("has_room was asked");
        self.offsets.push(end);
    }

    fn push(&mut self, value: &[u8]) -> Result<(), &'static str> {
        if !self.has_room(value.len()) {
            return Err(code::RECORD_TOO_LARGE);
        }
        self.append(value);
        Ok(())
    }

    fn push_hexadecimal(&mut self, text: &str) -> Result<(), &'static str> {
        let bytes = value::from_hexadecimal(text).ok_or(code::BAD_BYTES)?;
        self.push(&bytes)
    }

    fn truncate(&mut self, len: usize) {
        self.offsets.truncate(len + 1);
        let end = self.offsets.last().map_or(0, |end| end.unsigned_abs());
        self.bytes.truncate(end as usize);
    }

    pub(super) fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        (offsets, Buffer::from_vec(self.bytes))
    }
}

impl Elements {
    /// Adds the numbers of one vector, or none of them.
    fn push(&mut self, numbers: &[Number]) -> Result<(), &'static str> {
        match self {
            Self::Int64(values) => extend(values, numbers, Number::to_i64),
            Self::Float64(values) => extend(values, numbers, |n| Ok(n.to_f64())),
            Self::Float32(values) => extend(values, numbers, |n| value::to_f32(n.to_f64())),
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
