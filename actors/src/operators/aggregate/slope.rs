//! Least-squares slope of the values over their row numbers 0, 1, 2 …
//!
//! With y as deviation from an origin, the slope is 12 (Σ i·y - (n - 1)/2 · Σ y) / (n (n² - 1)).
//! When the oldest value goes, every number falls by one: Σ i·y falls by Σ y of the others.

use super::double_double::DoubleDouble;
use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, write_f64, write_u64};

/// As for sums: 2^-30.
const WEAR: f64 = 1.0 / 1_073_741_824.0;

/// Sums of the deviations from `origin`, plain and times their row number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::operators) struct Slope {
    count: u64,
    origin: f64,
    sum: DoubleDouble,
    weighted: DoubleDouble,
    /// Sum of the absolute deviations, about, and the largest it was since the sums were built.
    magnitude: f64,
    peak: f64,
}

impl Slope {
    /// Appends the newest value.
    pub(in crate::operators) fn add(&mut self, value: f64) {
        if self.count == 0 {
            self.origin = value;
        }
        let deviation = DoubleDouble::difference(value, self.origin);
        self.sum = self.sum.add(deviation);
        self.weighted = self.weighted.add(deviation.times(self.counted()));
        self.magnitude += deviation.high.abs();
        self.peak = self.peak.max(self.magnitude);
        self.count += 1;
    }

    /// Gives the oldest value up.
    pub(in crate::operators) fn remove(&mut self, value: f64) {
        if self.count <= 1 {
            *self = Self::default();
            return;
        }
        let deviation = DoubleDouble::difference(value, self.origin);
        self.count -= 1;
        self.sum = self.sum.subtract(deviation);
        self.weighted = self.weighted.subtract(self.sum);
        self.magnitude -= deviation.high.abs();
    }

    /// Whether it must be built anew from its values before it is read.
    pub(in crate::operators) fn is_worn(&self) -> bool {
        self.magnitude < self.peak * WEAR || !self.weighted.is_finite()
    }

    /// Appends the values of another, which are newer.
    pub(in crate::operators) fn merge(&mut self, newer: &Self) {
        if self.count == 0 {
            *self = *newer;
            return;
        }
        let (before, count) = (self.counted(), newer.counted());
        let shift = DoubleDouble::difference(newer.origin, self.origin);
        // Row numbers before .. before + count, summed.
        let numbers = DoubleDouble::of(before)
            .times(count)
            .add(DoubleDouble::of(count).times((count - 1.0) / 2.0));
        let weighted = newer.weighted.add(newer.sum.times(before));
        self.weighted = self.weighted.add(weighted).add(shift.multiply(numbers));
        self.sum = self.sum.add(newer.sum).add(shift.times(count));
        self.count = self.count.saturating_add(newer.count);
        self.magnitude += newer.magnitude + shift.high.abs() * count;
        self.peak = self.peak.max(self.magnitude);
    }

    /// NULL below two values.
    pub(in crate::operators) fn slope(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let n = self.counted();
        let centred = self.weighted.subtract(self.sum.times((n - 1.0) / 2.0));
        let slope = 12.0 * centred.over(n).over(n * n - 1.0).high;
        slope.is_finite().then_some(slope)
    }

    #[expect(clippy::cast_precision_loss, reason = "no window holds 2^53 rows")]
    fn counted(&self) -> f64 {
        self.count as f64
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.count);
        write_f64(out, self.origin);
        self.sum.encode(out);
        self.weighted.encode(out);
        write_f64(out, self.magnitude);
        write_f64(out, self.peak);
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        Ok(Self {
            count: reader.u64()?,
            origin: reader.f64()?,
            sum: DoubleDouble::decode(reader)?,
            weighted: DoubleDouble::decode(reader)?,
            magnitude: reader.f64()?,
            peak: reader.f64()?,
        })
    }
}
