//! Sums and means.

use super::double_double::DoubleDouble;
use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, write_f64, write_u64};

/// What is left must not be smaller than this part of what has been in it: 2^-30. Double-double then
/// keeps 106 - 30 - 53 = 23 bits for the rounding of some millions of additions.
const WEAR: f64 = 1.0 / 1_073_741_824.0;

/// Sum of integers, exact: 2^64 values of 64 bits fit into 128.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::operators) struct IntSum {
    count: u64,
    sum: i128,
}

impl IntSum {
    pub(in crate::operators) fn add(&mut self, value: i64) {
        self.count += 1;
        self.sum += i128::from(value);
    }

    pub(in crate::operators) fn remove(&mut self, value: i64) {
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(i128::from(value));
    }

    pub(in crate::operators) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// NULL of nothing, and beyond int64.
    pub(in crate::operators) fn sum(&self) -> Option<i64> {
        i64::try_from(self.sum).ok().filter(|_| self.count > 0)
    }

    #[expect(clippy::cast_precision_loss, reason = "the mean is a float64")]
    pub(in crate::operators) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.count);
        out.extend_from_slice(&self.sum.to_le_bytes());
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        let count = reader.u64()?;
        let sum = i128::from_le_bytes(reader.array()?);
        Ok(Self { count, sum })
    }
}

/// Compensated sum of floats.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::operators) struct FloatSum {
    count: u64,
    sum: DoubleDouble,
    /// Sum of the absolute values, about.
    magnitude: f64,
    /// The largest that `magnitude` was since the sum was built.
    peak: f64,
}

impl FloatSum {
    pub(in crate::operators) fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum = self.sum.plus(value);
        self.magnitude += value.abs();
        self.peak = self.peak.max(self.magnitude);
    }

    pub(in crate::operators) fn remove(&mut self, value: f64) {
        if self.count <= 1 {
            *self = Self::default();
            return;
        }
        self.count -= 1;
        self.sum = self.sum.plus(-value);
        self.magnitude -= value.abs();
    }

    /// Whether it must be built anew from its values before it is read.
    pub(in crate::operators) fn is_worn(&self) -> bool {
        self.magnitude < self.peak * WEAR || !self.sum.is_finite()
    }

    pub(in crate::operators) fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.add(other.sum);
        self.magnitude += other.magnitude;
        self.peak = self.peak.max(self.magnitude);
    }

    /// NULL of nothing, and beyond float64.
    pub(in crate::operators) fn sum(&self) -> Option<f64> {
        (self.count > 0 && self.sum.is_finite()).then_some(self.sum.high)
    }

    #[expect(clippy::cast_precision_loss, reason = "no window holds 2^53 rows")]
    pub(in crate::operators) fn mean(&self) -> Option<f64> {
        let mean = self.sum.over(self.count as f64);
        (self.count > 0 && mean.is_finite()).then_some(mean.high)
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.count);
        self.sum.encode(out);
        write_f64(out, self.magnitude);
        write_f64(out, self.peak);
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        Ok(Self {
            count: reader.u64()?,
            sum: DoubleDouble::decode(reader)?,
            magnitude: reader.f64()?,
            peak: reader.f64()?,
        })
    }
}
