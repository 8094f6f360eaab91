//! The columns that an operator needs, found in a batch and their types known: once per batch, so
//! that a row costs no look-up.

use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array,
    RecordBatch, StringArray, TimestampMillisecondArray,
};

use super::value::Value;
use crate::operators::expression::xxh64;

/// How an operator wants to read a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operators) enum Reading {
    /// Its values.
    Values,
    /// Texts and bytes as their XXH64, the rest as values: where only equality matters.
    Hashes,
    /// Whether it is NULL; any type.
    Presence,
}

/// The needed columns of one batch, in the operator's own order.
#[derive(Debug, Clone)]
pub struct Bound {
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
enum Column {
    Bool(BooleanArray),
    Int64(Int64Array),
    Float64(Float64Array),
    Float32(Float32Array),
    Timestamp(TimestampMillisecondArray),
    Text(StringArray),
    Bytes(BinaryArray),
    HashedText(StringArray),
    HashedBytes(BinaryArray),
    Presence(ArrayRef),
}

impl Bound {
    /// Finds columns by their positions.
    pub(in crate::operators) fn new(
        batch: &RecordBatch,
        wanted: impl Iterator<Item = (usize, Reading)>,
    ) -> Result<Self, String> {
        let columns = wanted
            .map(|(position, reading)| {
                let array = batch
                    .columns()
                    .get(position)
                    .ok_or_else(|| format!("column {position} is missing"))?;
                Column::new(array, reading)
                    .ok_or_else(|| format!("no aggregate takes {}", array.data_type()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { columns })
    }

    /// The value of a row, `None` if NULL or not finite.
    pub(in crate::operators) fn value(&self, column: usize, row: usize) -> Option<Value<'_>> {
        match &self.columns[column] {
            Column::Float64(a) => finite(present(a, row)?.value(row)).map(Value::Float),
            Column::Float32(a) => finite(present(a, row)?.value(row).into()).map(Value::Float),
            Column::Int64(a) => Some(Value::Int(present(a, row)?.value(row))),
            Column::Timestamp(a) => Some(Value::Int(present(a, row)?.value(row))),
            Column::Bool(a) => Some(Value::Int(present(a, row)?.value(row).into())),
            Column::Text(a) => Some(Value::Bytes(present(a, row)?.value(row).as_bytes())),
            Column::Bytes(a) => Some(Value::Bytes(present(a, row)?.value(row))),
            Column::HashedText(a) => Some(hashed(present(a, row)?.value(row).as_bytes())),
            Column::HashedBytes(a) => Some(hashed(present(a, row)?.value(row))),
            Column::Presence(a) => a.is_valid(row).then_some(Value::Int(1)),
        }
    }
}

impl Column {
    fn new(array: &ArrayRef, reading: Reading) -> Option<Self> {
        let any = array.as_any();
        if reading == Reading::Presence {
            return Some(Self::Presence(array.clone()));
        }
        let hashed = reading == Reading::Hashes;
        if let Some(array) = any.downcast_ref::<Float64Array>() {
            Some(Self::Float64(array.clone()))
        } else if let Some(array) = any.downcast_ref::<Int64Array>() {
            Some(Self::Int64(array.clone()))
        } else if let Some(array) = any.downcast_ref::<Float32Array>() {
            Some(Self::Float32(array.clone()))
        } else if let Some(array) = any.downcast_ref::<TimestampMillisecondArray>() {
            Some(Self::Timestamp(array.clone()))
        } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
            Some(Self::Bool(array.clone()))
        } else if let Some(array) = any.downcast_ref::<StringArray>() {
            let array = array.clone();
            Some(if hashed {
                Self::HashedText(array)
            } else {
                Self::Text(array)
            })
        } else if let Some(array) = any.downcast_ref::<BinaryArray>() {
            let array = array.clone();
            Some(if hashed {
                Self::HashedBytes(array)
            } else {
                Self::Bytes(array)
            })
        } else {
            None
        }
    }
}

fn present<A: Array>(array: &A, row: usize) -> Option<&A> {
    array.is_valid(row).then_some(array)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn hashed(bytes: &[u8]) -> Value<'static> {
    Value::Int(xxh64(bytes, 0).cast_signed())
}
