//! One input partition of a task: from log records to rows in the order in which they are to be
//! processed. [`source`] takes records from outside, [`repartition`] rows of an upstream task,
//! which it holds until the watermark has passed them.

pub mod repartition;
pub mod source;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array,
    Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType as ArrowType, Field};
use config::{DataType, Schema, VectorElement};

use crate::batch::Batch;
use crate::log::LogRecord;

/// What a piece of input came to.
#[derive(Debug, Default)]
pub struct Taken {
    /// Rows to process, in order.
    pub batch: Option<Batch>,
    /// Records that could not be decoded.
    pub bad: Vec<Rejected>,
    /// Records without a value, which are skipped.
    pub deletes: u64,
}

/// A record that cannot be processed.
#[derive(Debug)]
pub struct Rejected {
    /// Where it was rejected: `decode`, or the id of an operator.
    pub stage: String,
    /// The record as the log had it.
    pub record: LogRecord,
    /// Stable code of the reason.
    pub code: &'static str,
    /// The reason in words.
    pub reason: String,
}

/// Puts the used columns at their places in the full schema; unused ones are stand-ins that no step reads.
///
/// # Errors
/// If a used column has another type or length than the schema says.
pub(crate) fn widen(
    schema: &Schema,
    used: &[usize],
    columns: &RecordBatch,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    if used.len() == schema.columns().len() {
        return Ok(columns.clone());
    }
    let rows = columns.num_rows();
    let arrays = schema.columns().iter().enumerate().map(|(index, column)| {
        match used.iter().position(|used| *used == index) {
            Some(place) => Arc::clone(columns.column(place)),
            None => stand_in(&column.data_type, rows),
        }
    });
    RecordBatch::try_new(schema.to_arrow(), arrays.collect())
}

/// A column of zeros or empty values: not NULL, so that it fits any schema, and cheap.
fn stand_in(data_type: &DataType, rows: usize) -> ArrayRef {
    match data_type {
        DataType::Bool => Arc::new(BooleanArray::from(vec![false; rows])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![0; rows])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![0.0; rows])),
        DataType::Float32 => Arc::new(Float32Array::from(vec![0.0; rows])),
        DataType::String => Arc::new(StringArray::from(vec![""; rows])),
        DataType::Timestamp => {
            Arc::new(TimestampMillisecondArray::from(vec![0; rows]).with_timezone("+00:00"))
        }
        DataType::Bytes => Arc::new(BinaryArray::from(vec![&b""[..]; rows])),
        DataType::Vector { element, length } => {
            let (values, item): (ArrayRef, _) = match element {
                VectorElement::Int64 => (
                    Arc::new(Int64Array::from(vec![0; rows * length])),
                    ArrowType::Int64,
                ),
                VectorElement::Float64 => (
                    Arc::new(Float64Array::from(vec![0.0; rows * length])),
                    ArrowType::Float64,
                ),
                VectorElement::Float32 => (
                    Arc::new(Float32Array::from(vec![0.0; rows * length])),
                    ArrowType::Float32,
                ),
            };
            let item = Arc::new(Field::new("item", item, false));
            let length = i32::try_from(*length).unwrap_or(i32::MAX);
            Arc::new(FixedSizeListArray::new(item, length, values, None))
        }
    }
}
