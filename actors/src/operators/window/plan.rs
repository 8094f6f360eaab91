//! What a window operator does, worked out once.

use config::{Aggregate, DataType, Emit, Schema, Window};

use super::shape::Shape;
use crate::operators::aggregate::{Family, Growing, find_or_push, reading};
use crate::operators::keyed::Reading;

/// The plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) shape: Shape,
    /// Milliseconds that the watermark must pass a window's end by.
    pub(super) lateness: i64,
    /// Whether every row gives a row.
    pub(super) updates: bool,
    /// Columns read from a batch; the key's is the first.
    pub(super) inputs: Vec<(usize, Reading)>,
    pub(super) key_type: DataType,
    /// Accumulators of a window; without an input they see every row.
    pub(super) accumulators: Vec<(Family, Option<usize>)>,
    /// Output columns: aggregate and its accumulator.
    pub(super) outputs: Vec<(Aggregate, usize)>,
}

impl Plan {
    pub(super) fn new(window: &Window, schema: &Schema, key: Option<usize>) -> Self {
        let key = key.unwrap_or_default();
        let key_type = schema.columns().get(key).map(|c| c.data_type.clone());
        let mut inputs = vec![(key, Reading::Values)];
        let mut accumulators = Vec::new();
        let mut outputs = Vec::new();
        for column in &window.columns {
            let of = column
                .of
                .and_then(|at| Some((at, schema.columns().get(at)?)));
            let input =
                of.map(|(at, _)| find_or_push(&mut inputs, (at, reading(column.aggregate))));
            // Lag and delta have no family, and no window has them: `config` refuses them.
            let family = Family::of(column.aggregate, of.map(|(_, c)| &c.data_type));
            let family = family.unwrap_or(Family::Last);
            let at = find_or_push(&mut accumulators, (family, input));
            outputs.push((column.aggregate, at));
        }
        Self {
            shape: Shape::new(window.kind),
            lateness: window.allowed_lateness.0,
            updates: window.emit == Emit::Updates,
            inputs,
            key_type: key_type.unwrap_or(DataType::String),
            accumulators,
            outputs,
        }
    }

    /// Accumulators of nothing.
    pub(super) fn accumulators(&self) -> Box<[Growing]> {
        let families = self.accumulators.iter();
        families.map(|(family, _)| Growing::new(*family)).collect()
    }

    /// When a window that ends then is closed.
    pub(super) fn due(&self, end: i64) -> i64 {
        end.saturating_add(self.lateness)
    }

    /// Whether the bytes of a key are its value.
    pub(super) fn key_is_text(&self) -> bool {
        self.key_type == DataType::String
    }
}
