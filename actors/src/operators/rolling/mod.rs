//! `rolling`: one row out per row in, with aggregates of what its key has done before.
//!
//! The way of a row: the windows let go what the row's time has put out of reach, the columns that
//! leave the current row out are read, the row goes in, the other columns are read.
//!
//! - `over` a time: this key's rows seen so far with event time in (t - span, t]. They stay in a ring
//!   sorted by time, as long as a row that is not late can ask for them: until
//!   min(newest time, watermark) - span. A late row (before its watermark) sees what is left.
//! - `over` a number: the last so many rows in the order they came.
//! - `over` everything: accumulators that only grow.
//! - ewma, lag and delta look at all rows in the order they came, whatever `over` says; lag and delta
//!   are the same whether the current row is excluded or not.
//!
//! All columns share one ring per key and order. Every window keeps its place in it and accumulators
//! from which it takes what leaves, so the cost of a row does not depend on a window's length. Only a
//! row that is older than another of its key costs more: the windows' accumulators are built anew from
//! the ring, once as of the row and once as of the newest (two passes over the key's ring).

mod plan;
mod ring;
mod sliding;
mod track;
mod state;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{DataType, NodeId, Operator, Rolling};

use super::OperatorError;
use super::keyed::{Bound, Emitted, KeyState, KeyedOperator, StateDecodeError};
use crate::batch::{Batch, Row};
use plan::Plan;
pub use state::RollingState;

/// The kernel.
#[derive(Debug)]
pub(super) struct RollingKernel {
    id: NodeId,
    plan: Plan,
    schema: SchemaRef,
    types: Vec<DataType>,
}

impl RollingKernel {
    pub(super) fn new(operator: &Operator, rolling: &Rolling) -> Self {
        let schema = match operator.ports.first() {
            Some(port) => port.schema.to_arrow(),
            None => operator.input_schema.to_arrow(),
        };
        let types = rolling.columns.iter().map(|c| c.data_type.clone());
        Self {
            id: operator.id.clone(),
            plan: Plan::new(rolling, &operator.input_schema),
            schema,
            types: types.collect(),
        }
    }
}

impl KeyedOperator for RollingKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let wanted = self.plan.inputs.iter().copied();
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Rolling(Box::new(RollingState::new(&self.plan)))
    }

    fn emitted(&self) -> Emitted {
        Emitted::new(self.types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        if let KeyState::Rolling(state) = state {
            out.inputs.push(u32::try_from(row).unwrap_or(u32::MAX));
            state.row(&self.plan, bound, row, meta, out);
        }
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Rolling(state) => state.is_new(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Rolling(state) = state {
            state.encode(&self.plan, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let state = RollingState::decode(&self.plan, bytes)?;
        Ok(KeyState::Rolling(Box::new(state)))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Rolling(state) => {
                let fields = self.schema.fields();
                let added = &fields[fields.len().saturating_sub(self.types.len())..];
                let names = added.iter().map(|field| field.name().as_str());
                state.describe(&self.plan, names.zip(&self.types))
            }
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, state: &KeyState) -> usize {
        match state {
            KeyState::Rolling(state) => state.bytes(),
            _ => 0,
        }
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let rows = out.extend(input, &self.schema);
        let rows = rows.map_err(|error| OperatorError::of(&self.id, error))?;
        Ok(rows.into_iter().map(|rows| (0, rows)).collect())
    }
}

#[cfg(test)]
mod tests;
