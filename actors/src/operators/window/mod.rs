//! `window`: rows per key and window, when the watermark has passed it.
//!
//! A window takes rows until the watermark of a row has passed its end by the allowed lateness; then it
//! is closed, whenever `fire` comes to fetch it. So what a window holds depends on the rows and their
//! watermarks alone. A row that no open window takes goes to the port `late`.
//!
//! - tumbling: one accumulator per window.
//! - sliding: one per *pane*, a stretch as long as the greatest common divisor of size and slide; a row
//!   goes into one pane, a window is put together from its panes when it closes (J. Li et al., "No
//!   pane, no gain", 2005). A row is late if the last of its windows is closed.
//! - gap: sessions of rows less than the gap apart. A row between two sessions makes them one; closed
//!   ones stay apart.
//!
//! First and last go by event time; slope numbers rows in the order they came, and where panes or
//! sessions are put together, those of the earlier one first.
//!
//! A fired row bears the last millisecond of its window as its time, and as its watermark too: windows
//! fire in the order of their ends, so no earlier one follows, and a window behind this one still takes
//! the row though the input's watermark is already past it.

mod plan;
mod shape;
mod state;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{DataType, NodeId, Operator, Window};

use super::OperatorError;
use super::keyed::{Bound, Emitted, KeyState, KeyedOperator, StateDecodeError};
use crate::batch::{Batch, Row};
use plan::Plan;
use state::LEADING;
pub use state::WindowState;

/// Port of the windows' rows.
const MAIN: usize = 0;
/// Port of the rows that came too late.
const LATE: usize = 1;

/// The kernel.
#[derive(Debug)]
pub(super) struct WindowKernel {
    id: NodeId,
    plan: Plan,
    schema: SchemaRef,
    types: Vec<DataType>,
}

impl WindowKernel {
    pub(super) fn new(operator: &Operator, window: &Window) -> Self {
        let schema = match operator.ports.first() {
            Some(port) => &port.schema,
            None => &operator.input_schema,
        };
        let plan = Plan::new(window, &operator.input_schema, operator.key);
        let mut types = vec![
            plan.key_type.clone(),
            DataType::Timestamp,
            DataType::Timestamp,
        ];
        types.extend(window.columns.iter().map(|c| c.data_type.clone()));
        Self {
            id: operator.id.clone(),
            plan,
            schema: schema.to_arrow(),
            types,
        }
    }
}

impl KeyedOperator for WindowKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let wanted = self.plan.inputs.iter().copied();
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Window(Box::default())
    }

    fn emitted(&self) -> Emitted {
        Emitted::new(self.types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        if let KeyState::Window(state) = state {
            state.row(&self.plan, bound, row, meta, out);
        }
    }

    fn fire(&self, key: &[u8], watermark: i64, state: &mut KeyState, out: &mut Emitted) {
        if let KeyState::Window(state) = state {
            state.fire(&self.plan, key, watermark, out);
        }
    }

    fn timer(&self, state: &KeyState) -> Option<i64> {
        match state {
            KeyState::Window(state) => state.timer(&self.plan),
            _ => None,
        }
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Window(state) => state.is_empty(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Window(state) = state {
            state.encode(out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let state = WindowState::decode(&self.plan, bytes)?;
        Ok(KeyState::Window(Box::new(state)))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Window(state) => {
                let names = self
                    .schema
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str());
                let columns: Vec<_> = names.zip(&self.types).skip(LEADING).collect();
                state.describe(&self.plan, &columns)
            }
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, state: &KeyState) -> usize {
        match state {
            KeyState::Window(state) => state.bytes(),
            _ => 0,
        }
    }

    fn finish(
        &self,
        input: &Batch,
        mut out: Emitted,
    ) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let late = std::mem::take(&mut out.late);
        let mut ports = Vec::new();
        if !out.rows.is_empty() {
            let windows = out
                .batch(&self.schema, input)
                .map_err(|e| OperatorError::of(&self.id, e))?;
            ports.push((MAIN, windows));
        }
        if !late.is_empty() {
            let rows = input
                .take(&late)
                .map_err(|e| OperatorError::of(&self.id, e))?;
            ports.push((LATE, rows));
        }
        Ok(ports)
    }
}

#[cfg(test)]
mod tests;
