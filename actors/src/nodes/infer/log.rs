//! What a model was given and what it answered, as rows of its feature log. Pure.

use std::sync::Arc;

use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType as ArrowType, Schema as ArrowSchema, SchemaRef};
use config::{DataType, Infer, InferLog, Schema};
use models::gate::{Arm, arm};

use crate::batch::Batch;
use crate::codec::key_text;

/// Salt of the hash that samples: a trial's arms have others, so that they do not depend on it.
const SAMPLE: &str = "feature log";

/// How rows of the log are made.
#[derive(Debug)]
pub struct LogRows {
    settings: InferLog,
    schema: SchemaRef,
    /// Positions of the logged numbers in the answered rows.
    numbers: Vec<usize>,
}

impl LogRows {
    /// For an `infer` whose answered rows have this schema and whose port `log` has that one; `None`
    /// if it has no such port.
    #[must_use]
    pub fn new(infer: &Infer, answered: &Schema, log: Option<&Schema>) -> Option<Self> {
        let width = answered.columns().len() - infer.outputs.len();
        let outputs = (width..).zip(&infer.outputs);
        let outputs = outputs.filter(|(_, output)| is_number(&output.data_type));
        Some(Self {
            settings: infer.log?,
            schema: log?.to_arrow(),
            numbers: infer
                .features
                .iter()
                .copied()
                .chain(outputs.map(|(position, _)| position))
                .collect(),
        })
    }

    /// The log's rows of answered rows that one version has answered.
    ///
    /// # Errors
    /// If the columns are not those of the schema.
    pub fn of(&self, answered: &Batch, version: u64) -> Result<Batch, ArrowError> {
        let ids = ids(answered.columns.column(self.settings.id));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(&ids))];
        for position in &self.numbers {
            let column = answered.columns.column(*position);
            columns.push(arrow_cast::cast(column, &ArrowType::Float64)?);
        }
        let version = i64::try_from(version).unwrap_or(i64::MAX);
        columns.push(Arc::new(Int64Array::from(vec![version; answered.len()])));
        // What a model was asked may be no number; JSON has none either: NULL in both.
        let columns = columns.into_iter().map(without_nan).collect();
        let columns = RecordBatch::try_new(nullable(&self.schema), columns)?;
        let rows = answered.with_columns(columns);
        if self.settings.sample >= 1.0 {
            return Ok(rows);
        }
        let keep: BooleanArray = ids
            .iter()
            .map(|id| Some(is_sampled(id.as_bytes(), self.settings.sample)))
            .collect();
        rows.filter(&keep)
    }
}

/// The text of each row's id.
fn ids(column: &dyn Array) -> Vec<String> {
    let mut text = Vec::new();
    (0..column.len())
        .map(|row| {
            text.clear();
            key_text(column, row, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
        .collect()
}

/// Whether the row of an id is in a sample: the same everywhere and always.
fn is_sampled(id: &[u8], share: f64) -> bool {
    arm(id, SAMPLE, share) == Arm::Challenger
}

/// Whether the log holds a column of this type.
fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float64 | DataType::Float32 | DataType::Int64 | DataType::Bool
    )
}

fn without_nan(column: ArrayRef) -> ArrayRef {
    use arrow_array::cast::AsArray;
    match column.as_primitive_opt::<Float64Type>() {
        Some(values) if values.values().iter().any(|value| !value.is_finite()) => {
            let kept = values.iter().map(|value| value.filter(|v| v.is_finite()));
            Arc::new(kept.collect::<arrow_array::Float64Array>())
        }
        Some(_) | None => column,
    }
}

/// The schema with every column nullable: fallbacks and features may be missing.
fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect();
    Arc::new(ArrowSchema::new(fields))
}

#[cfg(test)]
mod tests;
