//! `alert`: the keyed operator around [`machine`]; a session is an alert's.
//!
//! What nodes say of their metrics comes in; out comes each firing and its end, with what the
//! observation said besides. State and output commit together: after a crash an alert that was told is
//! told no second time, and one that was not is told.

pub mod machine;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{AlertColumns, DataType, NodeId, Operator};

use super::OperatorError;
use super::keyed::{
    Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError, Value, form,
};
use crate::batch::{Batch, Row};
use machine::{Machine, Observation};

/// Form of the encoded state.
const VERSION: u8 = 1;
/// About what a machine and the nodes it heard take.
const STATE_BYTES: usize = 512;

/// Columns as they are bound.
const KEY: usize = 0;
const NODE: usize = 1;
const HOLDS: usize = 2;
const HOLD_MS: usize = 3;
const VALUE: usize = 4;
/// And those behind it, which are handed on.
const PASSED: usize = 5;

/// An alert's machine as a session's state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertState {
    machine: Machine,
}

/// The kernel.
#[derive(Debug)]
pub(super) struct AlertKernel {
    id: NodeId,
    /// Positions in the input, as they are bound.
    columns: [usize; 8],
    output: SchemaRef,
    /// Types of the output's columns.
    types: Vec<DataType>,
}

impl AlertKernel {
    pub(super) fn new(operator: &Operator, columns: AlertColumns) -> Self {
        let AlertColumns {
            node,
            holds,
            hold_ms,
            value,
            passed: [series, condition, see],
        } = columns;
        let key = operator.key.unwrap_or_default();
        let output = operator.ports.first().map(|port| &port.schema);
        let output = output.unwrap_or(&operator.input_schema);
        let types = output.columns().iter();
        Self {
            id: operator.id.clone(),
            columns: [key, node, holds, hold_ms, value, series, condition, see],
            types: types.map(|column| column.data_type.clone()).collect(),
            output: output.to_arrow(),
        }
    }
}

impl KeyedOperator for AlertKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let wanted = self.columns.iter().map(|at| (*at, Reading::Values));
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Alert(Box::default())
    }

    fn emitted(&self) -> Emitted {
        Emitted::new(self.types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        let KeyState::Alert(state) = state else {
            return;
        };
        let whole = |column| match bound.value(column, row) {
            Some(Value::Int(whole)) => whole,
            Some(Value::Float(_) | Value::Bytes(_)) | None => 0,
        };
        let node = bound.value(NODE, row);
        let name = match node {
            Some(Value::Bytes(name)) => String::from_utf8_lossy(name),
            Some(Value::Int(_) | Value::Float(_)) | None => "".into(),
        };
        let change = state.machine.observe(&Observation {
            node: &name,
            at: meta.time,
            holds: whole(HOLDS) != 0,
            hold_ms: whole(HOLD_MS),
        });
        let Some(change) = change else { return };
        let state: &[u8] = if change.firing {
            b"firing"
        } else {
            b"resolved"
        };
        let number = i64::try_from(change.number).unwrap_or(i64::MAX);
        let made = [
            bound.value(KEY, row),
            Some(Value::Int(meta.time)),
            Some(Value::Bytes(state)),
            Some(Value::Int(number)),
            Some(Value::Int(change.since)),
            node,
        ];
        let passed = (VALUE..PASSED + 3).map(|column| bound.value(column, row));
        for (column, value) in made.into_iter().chain(passed).enumerate() {
            out.push(column, value);
        }
        out.rows.push(*meta);
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Alert(state) => state.machine.is_new(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Alert(state) = state {
            form::encode(VERSION, &state.machine, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let machine = form::decode(VERSION, bytes, "no alert's state")?;
        Ok(KeyState::Alert(Box::new(AlertState { machine })))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Alert(state) => serde_json::to_value(&state.machine).unwrap_or_default(),
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, _: &KeyState) -> usize {
        STATE_BYTES
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        if out.rows.is_empty() {
            return Ok(Vec::new());
        }
        let batch = out
            .batch(&self.output, input)
            .map_err(|e| OperatorError::of(&self.id, e))?;
        Ok(vec![(0, batch)])
    }
}
