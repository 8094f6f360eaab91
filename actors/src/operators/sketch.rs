//! `sketch`: counts what a version of a model was given and answered, where the rows are made.
//!
//! Its sessions are the versions, one in each partition; each gathers rows in the bins of its version's
//! profile, and gives a sketch when it has enough: what many partitions count is put together by `watch`.
//! Rows of a version whose profile is not known (yet) are not counted.

mod profiles;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{DataType, NodeId, Operator};
use models::drift::sampled;
use models::watch::Sketch;

use super::OperatorError;
use super::keyed::{
    Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError, Value, form,
};
use crate::batch::{Batch, Row};
pub use profiles::Profiles;

/// Form of the encoded state.
const VERSION: u8 = 1;
/// About what a column takes: a hundred counts.
const COLUMN_BYTES: usize = 900;

/// What a version was given in a partition since the last sketch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SketchState {
    sketch: Option<Sketch>,
}

/// The kernel.
#[derive(Debug)]
pub(super) struct SketchKernel {
    id: NodeId,
    settings: config::Sketch,
    /// Position of the version.
    version: usize,
    model: String,
    schema: SchemaRef,
    profiles: Arc<Profiles>,
}

impl SketchKernel {
    /// Of a model of this id.
    pub(super) fn new(
        operator: &Operator,
        settings: &config::Sketch,
        model: &str,
        profiles: Arc<Profiles>,
    ) -> Self {
        let port = operator.ports.first();
        Self {
            id: operator.id.clone(),
            version: operator.key.unwrap_or_default(),
            settings: settings.clone(),
            model: model.to_owned(),
            schema: port
                .map_or(&operator.input_schema, |port| &port.schema)
                .to_arrow(),
            profiles,
        }
    }

    fn push(&self, version: i64, sketch: &Sketch, meta: &Row, out: &mut Emitted) {
        // These types have nothing that JSON cannot say.
        let text = serde_json::to_string(sketch).unwrap_or_default();
        let rows = i64::try_from(sketch.rows()).unwrap_or(i64::MAX);
        out.push(0, Some(Value::Bytes(self.model.as_bytes())));
        out.push(1, Some(Value::Int(version)));
        out.push(2, Some(Value::Int(rows)));
        out.push(3, Some(Value::Bytes(text.as_bytes())));
        out.rows.push(*meta);
    }
}

impl KeyedOperator for SketchKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let numbers = self.settings.columns.iter().map(|(_, at)| *at);
        let wanted = std::iter::once(self.version).chain(numbers);
        let wanted = wanted.map(|at| (at, Reading::Values));
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Sketch(Box::default())
    }

    fn emitted(&self) -> Emitted {
        let types = [
            DataType::String,
            DataType::Int64,
            DataType::Int64,
            DataType::String,
        ];
        Emitted::new(types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        let (KeyState::Sketch(state), Some(Value::Int(version))) = (state, bound.value(0, row))
        else {
            return;
        };
        if !sampled(meta.offset.unsigned_abs(), self.settings.one_in) {
            return;
        }
        let Some(profile) = self.profiles.get(version) else {
            return;
        };
        let number = |column: usize| bound.value(column + 1, row).and_then(Value::number);
        // What the model sees are numbers of 32 bits.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "as the sentence above says"
        )]
        let values = (0..self.settings.columns.len())
            .map(|column| number(column).map_or(f64::NAN, |x| f64::from(x as f32)));
        let place = (meta.partition, meta.offset, meta.time);
        let score = (number(self.settings.score), self.settings.threshold);
        let sketch = state.sketch.get_or_insert_with(|| Sketch::new(&profile));
        if !sketch.add(&profile, place, values, score) {
            // Begun with another profile of this version: the window begins anew.
            state.sketch = None;
        } else if sketch.rows() >= self.settings.rows {
            self.push(version, sketch, meta, out);
            state.sketch = None;
        }
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Sketch(state) => state.sketch.is_none(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Sketch(state) = state {
            form::encode(VERSION, &state.sketch, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let sketch = form::decode(VERSION, bytes, "no sketch")?;
        Ok(KeyState::Sketch(Box::new(SketchState { sketch })))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Sketch(state) => {
                let rows = state.sketch.as_ref().map(
                    |sketch| serde_json::json!({ "rows": sketch.rows(), "parts": sketch.parts }),
                );
                rows.unwrap_or_default()
            }
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, _: &KeyState) -> usize {
        COLUMN_BYTES * self.settings.columns.len()
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        if out.rows.is_empty() {
            return Ok(Vec::new());
        }
        let batch = out
            .batch(&self.schema, input)
            .map_err(|e| OperatorError::of(&self.id, e))?;
        Ok(vec![(0, batch)])
    }
}
