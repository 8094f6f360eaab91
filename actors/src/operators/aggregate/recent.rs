//! The last values of a column, for `lag` and `delta`: NULLs are not among them.

use std::collections::VecDeque;

use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, Scalar, Value, write_u64};

/// The last values, oldest first.
#[derive(Debug, Clone, Default)]
pub(in crate::operators) struct Recent {
    values: VecDeque<Scalar>,
}

impl Recent {
    /// The value so many rows before the one that comes next.
    pub(in crate::operators) fn before(&self, rows: usize) -> Option<Value<'_>> {
        let at = self.values.len().checked_sub(rows)?;
        self.values.get(at).map(Scalar::value)
    }

    /// Appends the newest and keeps at most `capacity`.
    pub(in crate::operators) fn add(&mut self, value: Value<'_>, capacity: usize) {
        while self.values.len() >= capacity.max(1) {
            self.values.pop_front();
        }
        self.values.push_back(value.to_scalar());
    }

    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        let texts: usize = self.values.iter().map(Scalar::heap_bytes).sum();
        self.values.capacity() * size_of::<Scalar>() + texts
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.values.len() as u64);
        self.values.iter().for_each(|value| value.encode(out));
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        let count = reader.count()?;
        let values = (0..count)
            .map(|_| Scalar::decode(reader))
            .collect::<Result<_, _>>()?;
        Ok(Self { values })
    }
}

/// `now - before`, of one kind; NULL where it overflows.
pub(in crate::operators) fn difference(
    now: Value<'_>,
    before: Value<'_>,
) -> Option<Value<'static>> {
    match (now, before) {
        (Value::Int(now), Value::Int(before)) => now.checked_sub(before).map(Value::Int),
        (Value::Float(now), Value::Float(before)) => Some(Value::Float(now - before)),
        (Value::Int(_) | Value::Float(_) | Value::Bytes(_), _) => None,
    }
}
