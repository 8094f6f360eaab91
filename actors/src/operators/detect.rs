//! `detect`: the keyed operator around [`models::detect`]. One row out per row in: its columns, then the score, its
//! tail probability, and whether it is an anomaly. Rows with a NULL among the columns that are looked at leave with
//! NULL, NULL and false, and teach nothing.
//!
//! What a key's detector draws at random is drawn from the operator's id and the key, so that it does not depend on
//! where the key lives nor on when it came.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use config::{DataType, Detect, NodeId, Operator};
use models::detect::Detector;
use serde_json::json;

use super::OperatorError;
use super::expression::xxh64;
use super::keyed::{
    Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError, Value, form,
};
use crate::batch::{Batch, Row};

/// Form of the encoded state.
const VERSION: u8 = 1;

const SCORE: usize = 0;
const PROBABILITY: usize = 1;
const ANOMALY: usize = 2;

/// A key's detector; none before the first row that it can look at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DetectState {
    detector: Option<Detector>,
}

/// The kernel.
#[derive(Debug)]
pub(super) struct DetectKernel {
    id: NodeId,
    settings: Detect,
    /// Position of the key in the input.
    key: usize,
    seed: u64,
    schema: SchemaRef,
}

impl DetectKernel {
    pub(super) fn new(operator: &Operator, settings: &Detect) -> Self {
        let schema = match operator.ports.first() {
            Some(port) => port.schema.to_arrow(),
            None => operator.input_schema.to_arrow(),
        };
        Self {
            id: operator.id.clone(),
            settings: settings.clone(),
            key: operator.key.unwrap_or_default(),
            seed: xxh64(operator.id.as_str().as_bytes(), 0),
            schema,
        }
    }

    /// The numbers of a row, if all are there.
    fn values(&self, bound: &Bound, row: usize) -> Option<Vec<f64>> {
        let columns = 0..self.settings.columns.len();
        columns
            .map(|column| bound.value(column, row).and_then(Value::number))
            .collect()
    }

    fn detector(&self, bound: &Bound, row: usize) -> Detector {
        let key = match bound.value(self.settings.columns.len(), row) {
            Some(Value::Int(hash)) => hash.cast_unsigned(),
            Some(Value::Float(_) | Value::Bytes(_)) | None => 0,
        };
        Detector::new(&self.settings, xxh64(&key.to_le_bytes(), self.seed))
    }
}

impl KeyedOperator for DetectKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let values = self.settings.columns.iter();
        let values = values.map(|column| (*column, Reading::Values));
        let wanted = values.chain([(self.key, Reading::Hashes)]);
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Detect(Box::default())
    }

    fn emitted(&self) -> Emitted {
        let types = [DataType::Float64, DataType::Float64, DataType::Bool];
        Emitted::new(types.iter())
    }

    fn row(&self, bound: &Bound, row: usize, _: &Row, state: &mut KeyState, out: &mut Emitted) {
        let KeyState::Detect(state) = state else {
            return;
        };
        out.inputs.push(u32::try_from(row).unwrap_or(u32::MAX));
        let verdict = self.values(bound, row).map(|values| {
            let detector = state
                .detector
                .get_or_insert_with(|| self.detector(bound, row));
            detector.row(&self.settings, &values)
        });
        out.push(SCORE, verdict.map(|found| Value::Float(found.score)));
        out.push(
            PROBABILITY,
            verdict.map(|found| Value::Float(found.probability)),
        );
        let anomaly = verdict.is_some_and(|found| found.anomaly);
        out.push(ANOMALY, Some(Value::Int(anomaly.into())));
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        detector(state).is_none()
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let Some(detector) = detector(state) {
            form::encode(VERSION, detector, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let detector: Detector = form::decode(VERSION, bytes, "no detector's state")?;
        if !detector.fits(&self.settings) {
            return Err(StateDecodeError::Malformed("a detector of other settings"));
        }
        let detector = Some(detector);
        Ok(KeyState::Detect(Box::new(DetectState { detector })))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        let rows = detector(state).map_or(0, Detector::rows);
        let methods = self.settings.methods.len();
        json!({ "rows": rows, "methods": methods, "warm": rows >= self.settings.warm_up })
    }

    fn state_bytes(&self, state: &KeyState) -> usize {
        size_of::<DetectState>() + detector(state).map_or(0, Detector::bytes)
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        let rows = out.extend(input, &self.schema);
        let rows = rows.map_err(|error| OperatorError::of(&self.id, error))?;
        Ok(rows.into_iter().map(|rows| (0, rows)).collect())
    }
}

fn detector(state: &KeyState) -> Option<&Detector> {
    match state {
        KeyState::Detect(state) => state.detector.as_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
