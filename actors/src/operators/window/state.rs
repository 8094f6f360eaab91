//! The windows of one key: open ones that take rows, closed ones that wait to be fetched.

mod shown;

use std::collections::VecDeque;

use super::plan::Plan;
use super::shape::{Shape, end_from, last_end, stretch};
use crate::batch::Row;
use crate::operators::aggregate::Growing;
use crate::operators::keyed::{
    Bound, Emitted, NO_RECORD, Reader, Scalar, StateDecodeError, Value, write_i64, write_u64,
};

/// Form of the encoded state: this byte, the key if it is no text, up to which end windows
/// are closed, the closed windows, the open ones; of each its begin, length, `appended`, accumulators.
const FORM: u8 = 1;

/// Columns before the aggregates: key, begin, end.
pub(super) const LEADING: usize = 3;

/// State of one key.
#[derive(Debug, Clone)]
pub struct WindowState {
    /// The key, unless its bytes are its value.
    key: Option<Scalar>,
    /// Windows (sliding: panes) that take rows, by begin; they do not overlap.
    open: VecDeque<Slot>,
    /// Windows that take no more, by end.
    closed: VecDeque<Slot>,
    /// Windows that end by then are closed.
    closed_to: i64,
}

/// A window or a pane of one.
#[derive(Debug, Clone)]
struct Slot {
    start: i64,
    /// Exclusive.
    end: i64,
    /// The largest of its rows.
    appended: i64,
    accumulators: Box<[Growing]>,
}

impl Default for WindowState {
    fn default() -> Self {
        Self {
            key: None,
            open: VecDeque::new(),
            closed: VecDeque::new(),
            closed_to: i64::MIN,
        }
    }
}

impl WindowState {
    /// Takes one row, or finds it late.
    pub(super) fn row(
        &mut self,
        plan: &Plan,
        bound: &Bound,
        row: usize,
        meta: &Row,
        out: &mut Emitted,
    ) {
        self.close(plan, meta.watermark);
        // Windows that were empty when they closed are closed all the same.
        let closed_to = meta.watermark.saturating_sub(plan.lateness);
        self.closed_to = self.closed_to.max(closed_to);
        let Some(at) = self.slot_for(plan, meta) else {
            out.late.push(u32::try_from(row).unwrap_or(u32::MAX));
            return;
        };
        let key = bound.value(0, row);
        if self.key.is_none() && !plan.key_is_text() {
            self.key = key.map(Value::to_scalar);
        }
        self.open[at].add(plan, bound, row, meta);
        if !plan.updates {
            return;
        }
        match plan.shape {
            Shape::Tumbling { .. } | Shape::Gap { .. } => {
                self.open[at].emit(plan, key, *meta, out);
            }
            Shape::Sliding { size, slide, .. } => {
                let mut end = self.next_end(self.open[at].end, size, slide);
                while end <= last_end(meta.time, size, slide) {
                    self.window(plan, size, end).emit(plan, key, *meta, out);
                    end = end.saturating_add(slide);
                }
            }
        }
    }

    /// Gives the windows that are due, by end.
    pub(super) fn fire(&mut self, plan: &Plan, key: &[u8], watermark: i64, out: &mut Emitted) {
        if let Shape::Sliding { .. } = plan.shape {
            self.close(plan, watermark);
        }
        while let Some(slot) = self.next_due(plan, watermark) {
            let key = match &self.key {
                Some(key) => Some(key.value()),
                None => plan.key_is_text().then_some(Value::Bytes(key)),
            };
            let last = slot.end.saturating_sub(1);
            let meta = Row {
                time: last,
                watermark: last,
                appended: slot.appended,
                partition: 0,
                offset: 0,
                index: NO_RECORD,
            };
            slot.emit(plan, key, meta, out);
        }
    }

    /// Takes the first window that is due: of the closed ones, and behind them of those that need
    /// not be put together.
    fn next_due(&mut self, plan: &Plan, watermark: i64) -> Option<Slot> {
        let due = |slot: &mut Slot| plan.due(slot.end) <= watermark;
        if !self.closed.is_empty() {
            return self.closed.pop_front_if(due);
        }
        match plan.shape {
            Shape::Tumbling { .. } | Shape::Gap { .. } => self.open.pop_front_if(due),
            Shape::Sliding { .. } => None,
        }
    }

    /// When the next window is due.
    pub(super) fn timer(&self, plan: &Plan) -> Option<i64> {
        if let Some(slot) = self.closed.front() {
            return Some(plan.due(slot.end));
        }
        let first = self.open.front()?;
        let end = match plan.shape {
            Shape::Tumbling { .. } | Shape::Gap { .. } => first.end,
            Shape::Sliding { size, slide, .. } => self.next_end(first.end, size, slide),
        };
        Some(plan.due(end))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.closed.is_empty()
    }

    /// Takes the windows that are due at this watermark from the open ones.
    fn close(&mut self, plan: &Plan, watermark: i64) {
        match plan.shape {
            Shape::Tumbling { .. } | Shape::Gap { .. } => {
                while let Some(slot) = self.open.front()
                    && plan.due(slot.end) <= watermark
                {
                    self.closed.extend(self.open.pop_front());
                }
            }
            Shape::Sliding { size, slide, .. } => {
                while let Some(pane) = self.open.front() {
                    let end = self.next_end(pane.end, size, slide);
                    if plan.due(end) > watermark {
                        break;
                    }
                    let window = self.window(plan, size, end);
                    self.closed.push_back(window);
                    self.closed_to = end;
                    let gone = |pane: &Slot| last_end(pane.start, size, slide) <= end;
                    while self.open.front().is_some_and(gone) {
                        self.open.pop_front();
                    }
                }
            }
        }
    }

    /// Position of the open slot for a row, made if need be; `None` if the row is late.
    fn slot_for(&mut self, plan: &Plan, meta: &Row) -> Option<usize> {
        let time = meta.time;
        let is_late = |end: i64| plan.due(end) <= meta.watermark;
        let (start, end) = match plan.shape {
            Shape::Tumbling { size } => {
                let (start, end) = stretch(time, size);
                (!is_late(end)).then_some((start, end))?
            }
            Shape::Sliding { size, slide, pane } => {
                let last = last_end(time, size, slide);
                (!is_late(last)).then(|| stretch(time, pane))?
            }
            Shape::Gap { gap } => return self.session_for(plan, time, gap, is_late),
        };
        let at = self.open.partition_point(|slot| slot.start < start);
        if self.open.get(at).is_none_or(|slot| slot.start != start) {
            self.make_room();
            self.open.insert(at, Slot::new(plan, start, end));
        }
        Some(at)
    }

    /// Most keys have one window at a time: the first takes no room for more.
    fn make_room(&mut self) {
        if self.open.capacity() == 0 {
            self.open.reserve_exact(1);
        }
    }

    /// The open session that takes a row, with those joined that it connects.
    fn session_for(
        &mut self,
        plan: &Plan,
        time: i64,
        gap: i64,
        is_late: impl Fn(i64) -> bool,
    ) -> Option<usize> {
        let end = time.saturating_add(gap);
        let at = self.open.partition_point(|slot| slot.end <= time);
        if self.open.get(at).is_none_or(|slot| slot.start >= end) {
            if is_late(end) {
                return None;
            }
            self.make_room();
            self.open.insert(at, Slot::new(plan, time, end));
            return Some(at);
        }
        let next = |open: &VecDeque<Slot>| open.get(at + 1).is_some_and(|slot| slot.start < end);
        while next(&self.open) {
            if let Some(newer) = self.open.remove(at + 1) {
                self.open[at].merge(&newer);
            }
        }
        let session = &mut self.open[at];
        session.start = session.start.min(time);
        session.end = session.end.max(end);
        Some(at)
    }

    /// Sliding: end of the first window not closed yet that holds a pane which ends here.
    fn next_end(&self, pane_end: i64, size: i64, slide: i64) -> i64 {
        end_from(pane_end.max(self.closed_to.saturating_add(1)), size, slide)
    }

    /// Sliding: the window that ends here, put together from its panes.
    fn window(&self, plan: &Plan, size: i64, end: i64) -> Slot {
        let start = end.saturating_sub(size);
        let mut window = Slot::new(plan, start, end);
        let panes = self.open.iter();
        for pane in panes.filter(|pane| pane.start >= start && pane.end <= end) {
            window.merge(pane);
        }
        (window.start, window.end) = (start, end);
        window
    }

    pub(super) fn bytes(&self) -> usize {
        let slots = self.open.iter().chain(&self.closed).map(Slot::heap_bytes);
        let places = self.open.capacity() + self.closed.capacity();
        let key = self.key.as_ref().map_or(0, Scalar::heap_bytes);
        size_of::<Self>() + places * size_of::<Slot>() + slots.sum::<usize>() + key
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORM);
        out.push(u8::from(self.key.is_some()));
        if let Some(key) = &self.key {
            key.encode(out);
        }
        write_i64(out, self.closed_to);
        for slots in [&self.closed, &self.open] {
            write_u64(out, slots.len() as u64);
            slots.iter().for_each(|slot| slot.encode(out));
        }
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
        let key = match reader.byte()? {
            0 => None,
            _ => Some(Scalar::decode(&mut reader)?),
        };
        let closed_to = reader.i64()?;
        let closed = slots(plan, &mut reader)?;
        let open = slots(plan, &mut reader)?;
        reader.end()?;
        if !open.iter().is_sorted_by(|a, b| a.end <= b.start) {
            return Err(StateDecodeError::Malformed("open windows overlap"));
        }
        Ok(Self {
            key,
            open,
            closed,
            closed_to,
        })
    }
}

impl Slot {
    fn new(plan: &Plan, start: i64, end: i64) -> Self {
        Self {
            start,
            end,
            appended: i64::MIN,
            accumulators: plan.accumulators(),
        }
    }

    fn add(&mut self, plan: &Plan, bound: &Bound, row: usize, meta: &Row) {
        self.appended = self.appended.max(meta.appended);
        for (accumulator, (_, input)) in self.accumulators.iter_mut().zip(&plan.accumulators) {
            let value = match input {
                Some(input) => bound.value(*input, row),
                None => Some(Value::Int(1)),
            };
            if let Some(value) = value {
                accumulator.add(value, meta.time);
            }
        }
    }

    /// Takes in one that begins later.
    fn merge(&mut self, newer: &Self) {
        self.start = self.start.min(newer.start);
        self.end = self.end.max(newer.end);
        self.appended = self.appended.max(newer.appended);
        for (mine, theirs) in self.accumulators.iter_mut().zip(&newer.accumulators) {
            mine.merge(theirs);
        }
    }

    fn emit(&self, plan: &Plan, key: Option<Value<'_>>, meta: Row, out: &mut Emitted) {
        out.push(0, key);
        out.push(1, Some(Value::Int(self.start)));
        out.push(2, Some(Value::Int(self.end)));
        for (column, (aggregate, at)) in plan.outputs.iter().enumerate() {
            let value = self.accumulators[*at].value(*aggregate, None);
            out.push(LEADING + column, value);
        }
        out.rows.push(meta);
    }

    fn heap_bytes(&self) -> usize {
        let accumulators = self.accumulators.iter().map(Growing::heap_bytes);
        size_of_val(&*self.accumulators) + accumulators.sum::<usize>()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        write_i64(out, self.start);
        write_u64(out, self.end.wrapping_sub(self.start).cast_unsigned());
        write_i64(out, self.appended);
        self.accumulators
            .iter()
            .for_each(|accumulator| accumulator.encode(out));
    }

    fn decode(plan: &Plan, reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        let start = reader.i64()?;
        let end = start.wrapping_add(reader.u64()?.cast_signed());
        if end < start {
            return Err(StateDecodeError::Malformed(
                "a window ends before it begins",
            ));
        }
        Ok(Self {
            start,
            end,
            appended: reader.i64()?,
            accumulators: plan
                .accumulators
                .iter()
                .map(|(family, _)| Growing::decode(*family, reader))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn slots(plan: &Plan, reader: &mut Reader<'_>) -> Result<VecDeque<Slot>, StateDecodeError> {
    let count = reader.count()?;
    (0..count).map(|_| Slot::decode(plan, reader)).collect()
}
