//! `watch`: the keyed operator around [`models::watch::Watcher`]; its one session is a model's.
//!
//! Sketches of all partitions come in; events leave by the main port, metrics by `.metrics`, and what the
//! model's steward should know by `.control`.

use std::sync::Arc;

use arrow_array::RecordBatch;
use config::{NodeId, Operator};
use models::watch::{Given, Sketch, Watcher};

use super::OperatorError;
use super::keyed::{
    Bound, Emitted, KeyState, KeyedOperator, Reading, StateDecodeError, Value, form,
};
use super::sketch::Profiles;
use super::steward::Output;
use crate::batch::{Batch, Row};

/// Form of the encoded state.
const VERSION: u8 = 1;
/// About what windows of some columns take.
const STATE_BYTES: usize = 64 << 10;

/// Columns as they are bound.
const KEY: usize = 0;
const MODEL_VERSION: usize = 1;
const SKETCH: usize = 2;

/// What watches a model, as a session's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WatchState {
    watcher: Watcher,
}

/// The kernel.
#[derive(Debug)]
pub(super) struct WatchKernel {
    id: NodeId,
    settings: config::Watcher,
    /// Positions in the input, as they are bound.
    columns: [usize; 3],
    output: Output,
    profiles: Arc<Profiles>,
}

impl WatchKernel {
    pub(super) fn new(
        operator: &Operator,
        settings: &config::Watcher,
        profiles: Arc<Profiles>,
    ) -> Self {
        let key = operator.key.unwrap_or_default();
        Self {
            id: operator.id.clone(),
            columns: [key, settings.version, settings.sketch],
            settings: settings.clone(),
            output: Output::new(operator),
            profiles,
        }
    }
}

impl KeyedOperator for WatchKernel {
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError> {
        let wanted = self.columns.iter().map(|at| (*at, Reading::Values));
        Bound::new(columns, wanted).map_err(|message| OperatorError::of(&self.id, message))
    }

    fn new_state(&self) -> KeyState {
        KeyState::Watch(Box::default())
    }

    fn emitted(&self) -> Emitted {
        self.output.emitted()
    }

    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted) {
        let (KeyState::Watch(state), Some(Value::Int(version)), Some(Value::Bytes(text))) = (
            state,
            bound.value(MODEL_VERSION, row),
            bound.value(SKETCH, row),
        ) else {
            return;
        };
        // What was counted in the bins of a profile that is gone says nothing any more.
        let (Some(profile), Ok(sketch)) = (
            self.profiles.get(version),
            serde_json::from_slice::<Sketch>(text),
        ) else {
            return;
        };
        let given = Given {
            learning: &self.settings.learning,
            features: self.settings.features,
            version: u64::try_from(version).unwrap_or(0),
            profile: &profile,
        };
        let mut told = Vec::new();
        state.watcher.take(&given, &sketch, &mut told);
        for told in &told {
            self.output.push(bound.value(KEY, row), told, meta, out);
        }
    }

    fn fire(&self, _: &[u8], _: i64, _: &mut KeyState, _: &mut Emitted) {}

    fn timer(&self, _: &KeyState) -> Option<i64> {
        None
    }

    fn is_empty(&self, state: &KeyState) -> bool {
        match state {
            KeyState::Watch(state) => **state == WatchState::default(),
            _ => true,
        }
    }

    fn encode(&self, state: &KeyState, out: &mut Vec<u8>) {
        if let KeyState::Watch(state) = state {
            form::encode(VERSION, &state.watcher, out);
        }
    }

    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError> {
        let watcher = form::decode(VERSION, bytes, "no watcher")?;
        Ok(KeyState::Watch(Box::new(WatchState { watcher })))
    }

    fn describe(&self, state: &KeyState) -> serde_json::Value {
        match state {
            KeyState::Watch(state) => state.watcher.describe(),
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
