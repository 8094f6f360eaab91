//! What a steward tells, as rows of its two ports.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use config::{DataType, Operator};
use models::steward::Told;

use crate::batch::{Batch, Row};
use crate::operators::keyed::{Buffer, Emitted, Value};

/// The columns of both ports together, in the order of pushing: which of them an event has, and which
/// a metric.
const EVENT: [usize; 5] = [0, 1, 2, 3, 4];
const METRIC: [usize; 6] = [0, 1, 3, 5, 6, 7];
/// Position of the column that only events have.
const IS_EVENT: usize = 2;

/// The rows of a steward.
#[derive(Debug)]
pub(super) struct Output {
    /// Of the columns of both ports.
    types: [DataType; 8],
    events: SchemaRef,
    metrics: SchemaRef,
}

impl Output {
    pub(super) fn new(operator: &Operator) -> Self {
        let schema = |port: usize| match operator.ports.get(port) {
            Some(port) => port.schema.to_arrow(),
            None => operator.input_schema.to_arrow(),
        };
        Self {
            types: [
                DataType::String,
                DataType::Timestamp,
                DataType::String,
                DataType::Int64,
                DataType::String,
                DataType::Int64,
                DataType::String,
                DataType::Float64,
            ],
            events: schema(0),
            metrics: schema(1),
        }
    }

    pub(super) fn emitted(&self) -> Emitted {
        Emitted::new(self.types.iter())
    }

    pub(super) fn push(&self, key: Option<Value<'_>>, told: &Told, meta: &Row, out: &mut Emitted) {
        let whole = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
        let text = |text: &'static str| Value::Bytes(text.as_bytes());
        let values = match told {
            Told::Event {
                at,
                event,
                version,
                detail,
            } => [
                key,
                Some(Value::Int(*at)),
                Some(text(event)),
                version.map(whole),
                Some(Value::Bytes(detail.as_bytes())),
                None,
                None,
                None,
            ],
            Told::Metric {
                at,
                version,
                rows,
                metric,
                value,
            } => [
                key,
                Some(Value::Int(*at)),
                None,
                Some(whole(*version)),
                None,
                Some(whole(*rows)),
                Some(text(metric)),
                Some(Value::Float(*value)),
            ],
        };
        for (column, value) in values.into_iter().enumerate() {
            out.push(column, value);
        }
        out.rows.push(*meta);
    }

    pub(super) fn finish(
        &self,
        input: &Batch,
        out: Emitted,
    ) -> Result<Vec<(usize, Batch)>, ArrowError> {
        if out.rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns = out.columns.into_iter().map(Buffer::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let is_event = Arc::clone(&columns[IS_EVENT]);
        let mut ports = Vec::new();
        for (port, schema, wanted) in [
            (0, &self.events, EVENT.as_slice()),
            (1, &self.metrics, METRIC.as_slice()),
        ] {
            let rows: Vec<u32> = (0u32..)
                .zip(0..out.rows.len())
                .filter(|(_, row)| is_event.is_valid(*row) == (port == 0))
                .map(|(position, _)| position)
                .collect();
            if rows.is_empty() {
                continue;
            }
            let indices = arrow_array::UInt32Array::from(rows.clone());
            let taken = wanted
                .iter()
                .map(|column| arrow_select::take::take(&columns[*column], &indices, None))
                .collect::<Result<Vec<_>, _>>()?;
            let batch = RecordBatch::try_new(Arc::clone(schema), taken)?;
            let metas = rows.iter().map(|row| out.rows[*row as usize]).collect();
            ports.push((port, Batch::new(batch, metas, Arc::clone(&input.raw))));
        }
        Ok(ports)
    }
}
