//! A column that grows value by value, typed: no box per value.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use config::DataType;

use super::value::Value;

/// Values of one output column.
#[derive(Debug, Clone)]
pub(in crate::operators) struct Buffer {
    data_type: DataType,
    values: Values,
    valid: Vec<bool>,
}

#[derive(Debug, Clone)]
enum Values {
    /// int64, timestamp, bool
    Ints(Vec<i64>),
    /// float64, float32
    Floats(Vec<f64>),
    /// string, bytes: where each ends in the bytes
    Bytes { bytes: Vec<u8>, ends: Vec<i32> },
    /// Vectors are never made by aggregates.
    Nothing,
}

impl Buffer {
    pub(in crate::operators) fn new(data_type: &DataType) -> Self {
        let values = match data_type {
            DataType::Bool | DataType::Int64 | DataType::Timestamp => Values::Ints(Vec::new()),
            DataType::Float64 | DataType::Float32 => Values::Floats(Vec::new()),
            DataType::String | DataType::Bytes => Values::Bytes {
                bytes: Vec::new(),
                ends: vec![0],
            },
            DataType::Vector { .. } => Values::Nothing,
        };
        Self {
            data_type: data_type.clone(),
            values,
            valid: Vec::new(),
        }
    }

    /// Appends a value. A number becomes one of the column's type; what has none there is NULL.
    pub(in crate::operators) fn push(&mut self, value: Option<Value<'_>>) {
        let valid = match &mut self.values {
            Values::Ints(ints) => {
                let int = value.and_then(integer);
                ints.push(int.unwrap_or_default());
                int.is_some()
            }
            Values::Floats(floats) => {
                let float = value.and_then(Value::number).filter(|x| x.is_finite());
                floats.push(float.unwrap_or_default());
                float.is_some()
            }
            Values::Bytes { bytes, ends } => {
                let text = match value {
                    Some(Value::Bytes(text)) => Some(text),
                    Some(Value::Int(_) | Value::Float(_)) | None => None,
                };
                bytes.extend_from_slice(text.unwrap_or_default());
                // A batch's texts stay far below 2 GiB: batches are bounded by the epoch.
                ends.push(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                text.is_some()
            }
            Values::Nothing => false,
        };
        self.valid.push(valid);
    }

    /// Appends some values of another of the same type.
    pub(in crate::operators) fn append(&mut self, other: &Self, range: Range<usize>) {
        self.valid.extend_from_slice(&other.valid[range.clone()]);
        match (&mut self.values, &other.values) {
            (Values::Ints(ints), Values::Ints(other)) => ints.extend_from_slice(&other[range]),
            (Values::Floats(floats), Values::Floats(other)) => {
                floats.extend_from_slice(&other[range]);
            }
            (
                Values::Bytes { bytes, ends },
                Values::Bytes {
                    bytes: other,
                    ends: other_ends,
                },
            ) => {
                for value in other_ends[range.start..=range.end].windows(2) {
                    let [begin, end] =
                        [value[0], value[1]].map(|at| usize::try_from(at).unwrap_or_default());
                    bytes.extend_from_slice(&other[begin..end]);
                    ends.push(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                }
            }
            (Values::Nothing, Values::Nothing) => {}
            (Values::Ints(_) | Values::Floats(_) | Values::Bytes { .. } | Values::Nothing, _) => {
                unreachable!("both are buffers of the same column")
            }
        }
    }

    /// Forgets all but the first `length` values.
    pub(in crate::operators) fn truncate(&mut self, length: usize) {
        self.valid.truncate(length);
        match &mut self.values {
            Values::Ints(ints) => ints.truncate(length),
            Values::Floats(floats) => floats.truncate(length),
            Values::Bytes { bytes, ends } => {
                ends.truncate(length + 1);
                let end = ends.last().copied().unwrap_or_default();
                bytes.truncate(usize::try_from(end).unwrap_or_default());
            }
            Values::Nothing => {}
        }
    }

    /// The column.
    pub(in crate::operators) fn finish(self) -> Result<ArrayRef, ArrowError> {
        let nulls = self
            .valid
            .contains(&false)
            .then(|| NullBuffer::from(self.valid.as_slice()));
        Ok(match (self.values, &self.data_type) {
            (Values::Ints(ints), DataType::Bool) => {
                let truths: Vec<bool> = ints.iter().map(|int| *int != 0).collect();
                Arc::new(BooleanArray::new(truths.into(), nulls))
            }
            (Values::Ints(ints), DataType::Timestamp) => {
                let array = TimestampMillisecondArray::new(ints.into(), nulls);
                Arc::new(array.with_timezone("+00:00"))
            }
            (Values::Ints(ints), _) => Arc::new(Int64Array::new(ints.into(), nulls)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "float32 is the column's type"
            )]
            (Values::Floats(floats), DataType::Float32) => {
                let singles: Vec<f32> = floats.iter().map(|float| *float as f32).collect();
                Arc::new(Float32Array::new(singles.into(), nulls))
            }
            (Values::Floats(floats), _) => Arc::new(Float64Array::new(floats.into(), nulls)),
            (Values::Bytes { bytes, ends }, data_type) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                if *data_type == DataType::Bytes {
                    Arc::new(BinaryArray::try_new(offsets, bytes.into(), nulls)?)
                } else {
                    Arc::new(StringArray::try_new(offsets, bytes.into(), nulls)?)
                }
            }
            (Values::Nothing, data_type) => new_null_array(&data_type.to_arrow(), self.valid.len()),
        })
    }
}

fn integer(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(value) => Some(value),
        Value::Float(_) | Value::Bytes(_) => None,
    }
}
