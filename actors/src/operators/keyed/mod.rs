//! Operators with state per key: rolling and window. Rows of one key go in one by one, in order; the
//! caller (a session host) owns the states and calls from one thread per key.
//!
//! The way of a batch: [`KeyedOperator::bind`] once, [`KeyedOperator::row`] for each row of each key,
//! [`KeyedOperator::fire`] for keys whose timer the watermark has passed, [`KeyedOperator::finish`] once.
//! What comes out depends on the rows, their order and their watermarks alone, never on how they were
//! cut into batches nor on where a state was encoded and decoded again.

mod value;
mod show;
mod bound;
mod buffer;
mod emitted;
mod bytes;
pub(super) mod form;

use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use config::{Operator, OperatorKind};

use super::OperatorError;
use super::alert::AlertKernel;
use super::detect::DetectKernel;
use super::label::LabelKernel;
use super::rolling::RollingKernel;
use super::sketch::{Profiles, SketchKernel};
use super::steward::StewardKernel;
use super::watch::WatchKernel;
use super::window::WindowKernel;
use crate::batch::{Batch, Row};

pub use super::alert::AlertState;
pub use super::detect::DetectState;
pub use super::label::LabelState;
pub use super::rolling::RollingState;
pub use super::sketch::SketchState;
pub use super::steward::StewardState;
pub use super::watch::WatchState;
pub use super::window::WindowState;
pub use bound::Bound;
pub(super) use bound::Reading;
pub(super) use buffer::Buffer;
pub(super) use bytes::{Reader, write_bytes, write_f64, write_i64, write_u64};
pub use emitted::{Emitted, Mark};
pub(super) use show::{column, time};
pub(super) use value::{Scalar, Value};

/// [`Row::index`] of a row that no single input record made: a fired window.
pub const NO_RECORD: u32 = u32::MAX;

/// The arithmetic of one keyed operator; the state of each key is kept by the caller.
pub trait KeyedOperator: Send + Sync + fmt::Debug {
    /// Finds the needed columns in a batch, once for all its rows.
    ///
    /// # Errors
    /// If the columns are not those of the operator's input schema.
    fn bind(&self, columns: &RecordBatch) -> Result<Bound, OperatorError>;

    /// The state of a key that no row has come for.
    fn new_state(&self) -> KeyState;

    /// Buffers for what the rows of one batch will give.
    fn emitted(&self) -> Emitted;

    /// Takes one row of a key, in the key's order. `row` is its position in the bound batch.
    fn row(&self, bound: &Bound, row: usize, meta: &Row, state: &mut KeyState, out: &mut Emitted);

    /// Gives what is due at this watermark; when nothing is, it changes nothing. `key` is the text of
    /// the key column. Keys are fired in the order of (timer, key).
    fn fire(&self, key: &[u8], watermark: i64, state: &mut KeyState, out: &mut Emitted);

    /// When [`KeyedOperator::fire`] is next wanted: at the first watermark at or past this time.
    fn timer(&self, state: &KeyState) -> Option<i64>;

    /// Whether the state says no more than a new one: it may be forgotten.
    fn is_empty(&self, state: &KeyState) -> bool;

    /// Appends the state's bytes, which begin with the version of their form.
    fn encode(&self, state: &KeyState, out: &mut Vec<u8>);

    /// The state that these bytes were made of; it behaves as the encoded one, bit for bit.
    ///
    /// # Errors
    /// If the bytes are cut short, too long, or of another form.
    fn decode(&self, bytes: &[u8]) -> Result<KeyState, StateDecodeError>;

    /// What the state says, for people: the value of each column by its name, and what waits.
    fn describe(&self, state: &KeyState) -> serde_json::Value;

    /// About how many bytes the state takes in memory.
    fn state_bytes(&self, state: &KeyState) -> usize;

    /// Makes batches of what was emitted: (port, batch), only ports with rows. `input` is the batch
    /// that was bound; when only [`KeyedOperator::fire`] was called, any batch of the input schema.
    ///
    /// # Errors
    /// If the columns do not fit the operator's output schema.
    fn finish(&self, input: &Batch, out: Emitted) -> Result<Vec<(usize, Batch)>, OperatorError>;
}

/// State of one key.
#[derive(Debug, Clone)]
pub enum KeyState {
    /// Of a rolling operator.
    Rolling(Box<RollingState>),
    /// Of a window operator.
    Window(Box<WindowState>),
    /// Of a detect operator.
    Detect(Box<DetectState>),
    /// Of a label operator.
    Label(Box<LabelState>),
    /// Of a steward.
    Steward(Box<StewardState>),
    /// Of a sketch operator.
    Sketch(Box<SketchState>),
    /// Of a watch operator.
    Watch(Box<WatchState>),
    /// Of an alert.
    Alert(Box<AlertState>),
}

/// Bytes are not a state of this operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateDecodeError {
    /// The first byte names a form that this version does not read.
    #[error("state of form {found}: this version reads form {expected}")]
    Version {
        /// What the bytes say.
        found: u8,
        /// What is understood.
        expected: u8,
    },
    /// They end too early.
    #[error("state is cut short")]
    Truncated,
    /// They go on after the end.
    #[error("state has {0} bytes too many")]
    TooLong(usize),
    /// They contradict themselves or the operator's settings.
    #[error("state is malformed: {0}")]
    Malformed(&'static str),
}

/// The kernel of an operator that keeps state per key; `None` for the other kinds.
#[must_use]
pub fn keyed(operator: &Operator) -> Option<Arc<dyn KeyedOperator>> {
    match &operator.kind {
        OperatorKind::Rolling(rolling) => Some(Arc::new(RollingKernel::new(operator, rolling))),
        OperatorKind::Window(window) => Some(Arc::new(WindowKernel::new(operator, window))),
        OperatorKind::Detect(detect) => Some(Arc::new(DetectKernel::new(operator, detect))),
        OperatorKind::Label(label) => Some(Arc::new(LabelKernel::new(operator, *label))),
        OperatorKind::Steward(steward) => Some(Arc::new(StewardKernel::new(operator, steward))),
        OperatorKind::Alert(columns) => Some(Arc::new(AlertKernel::new(operator, *columns))),
        OperatorKind::Filter { .. }
        | OperatorKind::Select { .. }
        | OperatorKind::KeyBy { .. }
        | OperatorKind::Infer(_)
        | OperatorKind::Route(_)
        | OperatorKind::Union
        // These need the profiles of a model's versions: `watching` makes them.
        | OperatorKind::Sketch(_)
        | OperatorKind::Watch(_) => None,
    }
}

/// The kernel of an operator that compares windows of a model of this id; `None` for the other kinds.
#[must_use]
pub fn watching(
    operator: &Operator,
    model: &str,
    profiles: Arc<Profiles>,
) -> Option<Arc<dyn KeyedOperator>> {
    match &operator.kind {
        OperatorKind::Sketch(sketch) => Some(Arc::new(SketchKernel::new(
            operator, sketch, model, profiles,
        ))),
        OperatorKind::Watch(watch) => Some(Arc::new(WatchKernel::new(operator, watch, profiles))),
        _ => None,
    }
}
