//! What a rolling operator knows of one key.

use config::DataType;
use serde_json::json;

use super::plan::{Order, Output, Plan, Source};
use super::track::{Place, Track};
use crate::batch::Row;
use crate::operators::aggregate::{Growing, Recent, difference};
use crate::operators::keyed::{Bound, Emitted, Reader, StateDecodeError, Value, column};

/// Form of the encoded state: this byte, the track by time, the track by arrival, the growing
/// accumulators, the last values; each part only where the operator has it.
const FORM: u8 = 1;

/// State of one key.
#[derive(Debug, Clone)]
pub struct RollingState {
    by_time: Track,
    by_arrival: Track,
    growing: Box<[Growing]>,
    recent: Box<[Recent]>,
    /// Whether a row has come.
    used: bool,
}

impl RollingState {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            by_time: Track::new(&plan.by_time),
            by_arrival: Track::new(&plan.by_arrival),
            growing: plan
                .growing
                .iter()
                .map(|(family, _)| Growing::new(*family))
                .collect(),
            recent: plan.recent.iter().map(|_| Recent::default()).collect(),
            used: false,
        }
    }

    /// Takes one row and emits its columns.
    pub(super) fn row(
        &mut self,
        plan: &Plan,
        bound: &Bound,
        row: usize,
        meta: &Row,
        out: &mut Emitted,
    ) {
        self.used = true;
        let time = meta.time;
        // What the operator does not have is not looked at: a key's state is seldom in the cache.
        let (by_time, by_arrival) = (&plan.by_time, &plan.by_arrival);
        let place = match by_time.windows.is_empty() {
            true => Place::Newest,
            false => self.by_time.open(by_time, time),
        };
        self.emit(plan, bound, row, true, out);
        if !by_time.windows.is_empty() {
            self.by_time.admit(by_time, place, time, bound, row);
        }
        if !by_arrival.windows.is_empty() {
            self.by_arrival
                .admit(by_arrival, Place::Newest, time, bound, row);
        }
        if !plan.growing.is_empty() || !plan.recent.is_empty() {
            self.grow(plan, bound, row, time);
        }
        self.emit(plan, bound, row, false, out);
        if !by_time.windows.is_empty() {
            // A row that is not late comes at or after the watermark.
            self.by_time
                .settle(by_time, place, meta.watermark.min(time));
        }
        if !by_arrival.windows.is_empty() {
            self.by_arrival.settle(by_arrival, Place::Newest, 0);
        }
    }

    /// Takes the row into what has no ring.
    fn grow(&mut self, plan: &Plan, bound: &Bound, row: usize, time: i64) {
        for (growing, (_, input)) in self.growing.iter_mut().zip(&plan.growing) {
            let value = match input {
                Some(input) => bound.value(*input, row),
                None => Some(Value::Int(1)),
            };
            if let Some(value) = value {
                growing.add(value, time);
            }
        }
        for (recent, (input, capacity)) in self.recent.iter_mut().zip(&plan.recent) {
            if let Some(value) = bound.value(*input, row) {
                recent.add(value, *capacity);
            }
        }
    }

    fn emit(&self, plan: &Plan, bound: &Bound, row: usize, before: bool, out: &mut Emitted) {
        for (column, output) in plan.outputs.iter().enumerate() {
            if output.before == before {
                let current = output.input.and_then(|input| bound.value(input, row));
                out.push(column, self.value(plan, output, current));
            }
        }
    }

    fn value<'a>(
        &'a self,
        plan: &'a Plan,
        output: &Output,
        current: Option<Value<'a>>,
    ) -> Option<Value<'a>> {
        match output.source {
            Source::Rows(order, window) => {
                let rows = self.track(order).rows(window);
                Some(Value::Int(i64::try_from(rows).unwrap_or(i64::MAX)))
            }
            Source::Sliding(order, at) => {
                let (sliding, view) = self.track(order).sliding(plan.track(order), at);
                sliding.value(view, output.aggregate, current)
            }
            Source::Growing(at) => self.growing[at].value(output.aggregate, current),
            Source::Lag(at, rows) => self.recent[at].before(rows),
            Source::Delta(at, rows) => difference(current?, self.recent[at].before(rows)?),
        }
    }

    fn track(&self, order: Order) -> &Track {
        match order {
            Order::Time => &self.by_time,
            Order::Arrival => &self.by_arrival,
        }
    }

    /// Whether no row has come.
    pub(super) fn is_new(&self) -> bool {
        !self.used && self.by_time.is_empty() && self.by_arrival.is_empty()
    }

    /// Each column as of the newest row, without one of its own: what needs a current value is null.
    pub(super) fn describe<'c>(
        &self,
        plan: &Plan,
        columns: impl Iterator<Item = (&'c str, &'c DataType)>,
    ) -> serde_json::Value {
        let values = plan.outputs.iter().zip(columns);
        let values: serde_json::Map<_, _> = values
            .map(|(output, (name, data_type))| {
                let value = column(self.value(plan, output, None), data_type);
                (name.to_owned(), value)
            })
            .collect();
        json!({
            "columns": values,
            "rows_kept": self.by_time.len() + self.by_arrival.len(),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let growing: usize = self.growing.iter().map(Growing::heap_bytes).sum();
        let recent: usize = self.recent.iter().map(Recent::heap_bytes).sum();
        size_of::<Self>()
            + self.by_time.heap_bytes()
            + self.by_arrival.heap_bytes()
            + size_of_val(&*self.growing)
            + growing
            + size_of_val(&*self.recent)
            + recent
    }

    pub(super) fn encode(&self, plan: &Plan, out: &mut Vec<u8>) {
        out.push(FORM);
        self.by_time.encode(&plan.by_time, out);
        self.by_arrival.encode(&plan.by_arrival, out);
        self.growing.iter().for_each(|growing| growing.encode(out));
        self.recent.iter().for_each(|recent| recent.encode(out));
    }

    pub(super) fn decode(plan: &Plan, bytes: &[u8]) -> Result<Self, StateDecodeError> {
        let mut reader = Reader::new(bytes);
        let form = reader.byte()?;
        if form != FORM {
            return Err(StateDecodeError::Version {
                found: form,
                expected: FORM,
            });
        }
        let state = Self {
            by_time: Track::decode(&plan.by_time, &mut reader)?,
            by_arrival: Track::decode(&plan.by_arrival, &mut reader)?,
            growing: plan
                .growing
                .iter()
                .map(|(family, _)| Growing::decode(*family, &mut reader))
                .collect::<Result<_, _>>()?,
            recent: plan
                .recent
                .iter()
                .map(|_| Recent::decode(&mut reader))
                .collect::<Result<_, _>>()?,
            used: true,
        };
        reader.end()?;
        Ok(state)
    }
}
