//! `steward`: the keyed operator around [`models::steward`]; its one session is a model's.
//!
//! Labelled rows and what the models' actor says come in on one stream; a row whose column `control` is
//! NULL is a labelled row. Events leave by the main port, metrics by `.metrics`.

mod output;

use arrow_array::RecordBatch;
use config::{NodeId, Operator};
use models::steward::{Row as Labelled, Steward, Told};

use super::OperatorError;
use super::keyed::{
    Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError, Value, form,
};
use crate::batch::{Batch, Row};
pub(super) use output::Output;

/// Form of the encoded state.
const VERSION: u8 = 2;
/// About what detectors and marks take.
const STATE_BYTES: usize = 16 << 10;

/// Columns as they are bound.
const KEY: usize = 0;
const SCORE: usize = 1;
const LABEL: usize = 2;
const MODEL_VERSION: usize = 3;
const CONTROL: usize = 4;
const SLICES: usize = 5;

/// A model's steward as a session's state.
#[derive(Debug, Clone, PartialEq)]
pub struct StewardState {
    steward: Steward,
}

/// The kernel.
#[derive(Debug)]
pub(super) struct StewardKernel {
    id: NodeId,
    settings: config::Steward,
    /// Positions in the input, as they are bound.
    columns: Vec<usize>,
    output: Output,
}

impl StewardKernel {
    pub(super) fn new(operator: &Operator, settings: &config::Steward) -> Self {
        let key = operator.key.unwrap_or_default();
        let (score, label) = (settings.score, settings.label);
        Self {
            id: operator.id.clone(),
            columns: [key, score, label, settings.version, settings.control]
                .into_iter()
                .chain(settings.slices.iter().map(|(_, at)| *at))
                .collect(),
            settings: settings.clone(),
            output: Output::new(operator),
        }
    }
}

impl KeyedOperator for StewardKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let wanted = self.columns.iter().map(|at| (*at, Reading::Values));
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        // Detectors are checked before anything runs: a steward without them is never seen.
        let steward = Steward::try_new(&self.settings.learning).unwrap_or_default();
        KeyState::Steward(Box::new(StewardState { steward }))
    }

    fn emitted(&self) -> Emitted {
        self.output.emitted()
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        let KeyState::Steward(state) = state else {
            return;
        };
        let learning = &self.settings.learning;
        let mut told: Vec<Told> = Vec::new();
        let number = |column| bound.value(column, row).and_then(Value::number);
        if let Some(Value::Bytes(text)) = bound.value(CONTROL, row) {
            let text = String::from_utf8_lossy(text);
            let steward = &mut state.steward;
            steward.control(learning, meta.time, &text, &mut told);
        } else if let (Some(score), Some(label)) = (number(SCORE), number(LABEL)) {
            let version = match bound.value(MODEL_VERSION, row) {
                Some(Value::Int(version)) => u64::try_from(version).unwrap_or(0),
                Some(Value::Float(_) | Value::Bytes(_)) | None => 0,
            };
            let labelled = Labelled {
                at: meta.time,
                offset: meta.offset,
                version,
                score,
                label,
            };
            state.steward.labelled(learning, &labelled, &mut told);
            let named = (SLICES..).zip(&self.settings.slices);
            let slices: Vec<String> = named
                .filter_map(|(column, (name, _))| Some(format!("{name}={}", number(column)?)))
                .collect();
            state
                .steward
                .sliced(learning, &labelled, &slices, &mut told);
        }
        for told in &told {
            self.output.push(bound.value(KEY, row), told, meta, out);
        }
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match (state, self.new_state()) {
            (KeyState::Steward(state), KeyState::Steward(new)) => **state == *new,
            (_, _) => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Steward(state) = state {
            form::encode(VERSION, &state.steward, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let mut steward: Steward = form::decode(VERSION, bytes, "no steward's state")?;
        let reconciled = steward.reconcile(&self.settings.learning);
        reconciled.map_err(|_| StateDecodeError::Malformed("monitors that cannot be"))?;
        Ok(KeyState::Steward(Box::new(StewardState { steward })))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Steward(state) => serde_json::to_value(&state.steward).unwrap_or_default(),
            _ => serde_json::Value::Null,
        }
    }

    fn state_bytes(&self, _: &KeyState) -> usize {
        STATE_BYTES
    }

    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError> {
        self.output
            .finish(input, out)
            .map_err(|e| OperatorError::of(&self.id, e))
    }
}
