//! What a steward or a watcher tells, as rows of its ports: events, metrics, and words for the steward.

use std::sync::Arc;

use arrow_array::{Array, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::take::take;
use config::{DataType, Operator};
use models::steward::{Metric, Told};

use crate::batch::{Batch, Row};
use crate::operators::keyed::{Buffer, Emitted, Value};

/// The columns of all ports together, in the order of pushing.
const TYPES: [DataType; 14] = [
    DataType::String,
    DataType::Timestamp,
    DataType::String,
    DataType::Int64,
    DataType::String,
    DataType::Int64,
    DataType::String,
    DataType::Float64,
    DataType::String,
    DataType::String,
    DataType::String,
    DataType::Float64,
    DataType::Bool,
    DataType::String,
];
/// Of each port: which column only its rows have, and all that they have.
const PORTS: [(usize, &[usize]); 3] = [
    (2, &[0, 1, 2, 3, 4]),
    (6, &[0, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12]),
    (13, &[0, 13]),
];

/// The rows of a steward or a watcher.
#[derive(Debug)]
pub(in crate::operators) struct Output {
    /// By port.
    schemas: Vec<SchemaRef>,
}

impl Output {
    pub(in crate::operators) fn new(operator: &Operator) -> Self {
        let ports = operator.ports.iter();
        Self {
            schemas: ports.map(|port| port.schema.to_arrow()).collect(),
        }
    }

    pub(in crate::operators) fn emitted(&self) -> Emitted {
        Emitted::new(TYPES.iter())
    }

    pub(in crate::operators) fn push(
        &self,
        key: Option<Value<'_>>,
        told: &Told,
        meta: &Row,
        out: &mut Emitted,
    ) {
        let mut values = [None; TYPES.len()];
        values[0] = key;
        let control;
        match told {
            Told::Event {
                at,
                event,
                version,
                detail,
            } => {
                values[1] = Some(Value::Int(*at));
                values[2] = Some(text(event));
                values[3] = version.map(whole);
                values[4] = Some(text(detail));
            }
            Told::Metric(told) => metric(told, &mut values),
            Told::Control(told) => {
                // These types have nothing that JSON cannot say.
                control = serde_json::to_string(told).unwrap_or_default();
                values[13] = Some(text(&control));
            }
        }
        for (column, value) in values.into_iter().enumerate() {
            out.push(column, value);
        }
        out.rows.push(*meta);
    }

    pub(in crate::operators) fn finish(
        &self,
        input: &Batch,
        out: Emitted,
    ) -> Result<Vec<(usize, Batch)>, ArrowError> {
        if out.rows.is_empty() {
            return Ok(Vec::new());
        }
        let columns = out.columns.into_iter().map(Buffer::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let mut ports = Vec::new();
        for (port, (schema, (own, wanted))) in self.schemas.iter().zip(PORTS).enumerate() {
            let rows: Vec<u32> = (0u32..)
                .zip(0..out.rows.len())
                .filter(|(_, row)| columns[own].is_valid(*row))
                .map(|(position, _)| position)
                .collect();
            if rows.is_empty() {
                continue;
            }
            let metas = rows.iter().map(|row| out.rows[*row as usize]).collect();
            let indices = UInt32Array::from(rows);
            let wanted = wanted.iter();
            let taken = wanted.map(|column| take(&columns[*column], &indices, None));
            let taken = taken.collect::<Result<Vec<_>, _>>()?;
            let batch = RecordBatch::try_new(Arc::clone(schema), taken)?;
            ports.push((port, Batch::new(batch, metas, Arc::clone(&input.raw))));
        }
        Ok(ports)
    }
}

fn metric<'t>(told: &'t Metric, values: &mut [Option<Value<'t>>; TYPES.len()]) {
    let named = |name: &'t Option<String>| name.as_deref().map(text);
    values[1] = Some(Value::Int(told.at));
    values[3] = Some(whole(told.version));
    values[5] = Some(whole(told.rows));
    values[6] = Some(text(told.metric));
    values[7] = Some(Value::Float(told.value));
    values[8] = named(&told.slice);
    values[9] = named(&told.monitor);
    values[10] = named(&told.column);
    values[11] = told.p.map(Value::Float);
    values[12] = told.drifted.map(|drifted| Value::Int(drifted.into()));
}

fn whole(number: u64) -> Value<'static> {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(text: &str) -> Value<'_> {
    Value::Bytes(text.as_bytes())
}
