//! `label`: a row waits for its label; when both are there, the row leaves with it.
//!
//! Rows and labels come on one stream under one key, the row's name; a row whose column is NULL is what
//! was served, one with a value is the outcome. Whichever comes first waits, for the horizon in event
//! time. A pair leaves at the later of its two times. What waited in vain leaves by `.unlabelled` if it
//! is a row, and is dropped if it is a label: its row was not logged.
//!
//! No row can see anything later than itself: what leaves is what the model was given when it was asked,
//! with nothing added but the outcome.

mod state;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{DataType, Label, NodeId, Operator};

use super::OperatorError;
use super::keyed::{Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError};
use crate::batch::{Batch, Row};
pub use state::LabelState;

/// Rows with their labels.
const MAIN: usize = 0;
/// Rows whose label did not come.
const UNLABELLED: usize = 1;

/// The kernel.
#[derive(Debug)]
pub(super) struct LabelKernel {
    id: NodeId,
    settings: Label,
    schema: SchemaRef,
    types: Vec<DataType>,
}

impl LabelKernel {
    pub(super) fn new(operator: &Operator, settings: Label) -> Self {
        let columns = operator.input_schema.columns().iter();
        Self {
            id: operator.id.clone(),
            settings,
            schema: operator.input_schema.to_arrow(),
            types: columns.map(|column| column.data_type.clone()).collect(),
        }
    }
}

impl KeyedOperator for LabelKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let all = (0..self.types.len()).map(|column| (column, Reading::Values));
        Bound::new(columns, all).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Label(Box::default())
    }

    fn emitted(&self) -> Emitted {
        Emitted::new(self.types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        if let KeyState::Label(state) = state {
            let read = |column| bound.value(column, row);
            state.row(self.settings, self.types.len(), read, meta, out);
        }
    }

    fn fire(&self, _: &[u8], watermark: i64, state: &mut KeyState, out: &mut Emitted) {
        if let KeyState::Label(state) = state {
            state.fire(self.settings, watermark, out);
        }
    }

    fn timer(&self, state: &KeyState) -> Option<i64> {
        match state {
            KeyState::Label(state) => state.timer(self.settings),
            _ => None,
        }
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Label(state) => state.is_empty(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Label(state) = state {
            state.encode(out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let state = LabelState::decode(self.types.len(), bytes)?;
        Ok(KeyState::Label(Box::new(state)))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Label(state) => {
                let fields = self.schema.fields().iter();
                state.describe(fields.map(|field| field.name().as_str()))
            }
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, state: &KeyState) -> usize {
        match state {
            KeyState::Label(state) => state.bytes(),
            _ => 0,
        }
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        if out.rows.is_empty() {
            return Ok(Vec::new());
        }
        let all = out
            .batch(&self.schema, input)
            .map_err(|e| OperatorError::of(&self.id, e))?;
        // What left without a label has NULL there still.
        let label = all.columns.column(self.settings.label);
        let mut ports = Vec::new();
        for (port, has_label) in [(MAIN, true), (UNLABELLED, false)] {
            let rows: Vec<u32> = (0u32..)
                .zip(0..all.len())
                .filter(|(_, row)| label.is_valid(*row) == has_label)
                .map(|(position, _)| position)
                .collect();
            if rows.len() == all.len() {
                return Ok(vec![(port, all)]);
            }
            if !rows.is_empty() {
                ports.push((
                    port,
                    all.take(&rows)
                        .map_err(|e| OperatorError::of(&self.id, e))?,
                ));
            }
        }
        Ok(ports)
    }
}

#[cfg(test)]
mod tests;
