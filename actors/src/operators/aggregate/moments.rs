//! Mean and variance from sums of deviations from an origin near the values, in double-double.
//!
//! The plain sum of squares loses all digits where the mean is large against the deviation; Welford's
//! update does not, but cannot give a large value up again without keeping its rounding. Deviations
//! from an origin do both: the origin is a value of the window, or its mean once the sums are worn.

use super::FloatSum;
use super::double_double::DoubleDouble;
use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, write_f64, write_u64};

/// What is left of the squared deviations must not be smaller than this part of the largest sum of
/// squares since the sums were built: 2^-40. Double-double then keeps 106 - 40 - 53 = 13 bits for
/// rounding, and 1e-9 even after 2^36 additions.
const WEAR: f64 = 1.0 / 1_099_511_627_776.0;

/// Sums of the deviations from `origin` and of their squares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::operators) struct Moments {
    count: u64,
    origin: f64,
    first: DoubleDouble,
    second: DoubleDouble,
    /// The largest that `second` was since the sums were built.
    peak: f64,
}

impl Moments {
    /// Of these values, around their mean.
    pub(in crate::operators) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let mut sum = FloatSum::default();
        values.clone().for_each(|value| sum.add(value));
        let origin = sum.mean().unwrap_or_default();
        let mut moments = Self {
            origin,
            ..Self::default()
        };
        values.for_each(|value| moments.take(value));
        moments
    }

    pub(in crate::operators) fn add(&mut self, value: f64) {
        if self.count == 0 {
            self.origin = value;
        }
        self.take(value);
    }

    fn take(&mut self, value: f64) {
        self.count += 1;
        let deviation = DoubleDouble::difference(value, self.origin);
        self.first = self.first.add(deviation);
        self.second = self.second.add(deviation.square());
        self.peak = self.peak.max(self.second.high);
    }

    pub(in crate::operators) fn remove(&mut self, value: f64) {
        if self.count <= 1 {
            *self = Self::default();
            return;
        }
        self.count -= 1;
        let deviation = DoubleDouble::difference(value, self.origin);
        self.first = self.first.subtract(deviation);
        self.second = self.second.subtract(deviation.square());
    }

    /// Whether it must be built anew from its values, around their mean, before it is read.
    pub(in crate::operators) fn is_worn(&self) -> bool {
        let mean_part = self.first.high * self.first.high / self.counted();
        self.second.high - mean_part < self.peak * WEAR || !self.second.is_finite()
    }

    /// Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample
    /// variances" (1979), for sums around two origins.
    pub(in crate::operators) fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
            return;
        }
        let shift = DoubleDouble::difference(other.origin, self.origin);
        let count = other.counted();
        let cross = shift.multiply(other.first).times(2.0);
        let shifted = other.second.add(cross).add(shift.square().times(count));
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.add(other.first).add(shift.times(count));
        self.second = self.second.add(shifted);
        self.peak = self.peak.max(self.second.high);
    }

    /// Sample variance (n - 1); NULL below two values.
    pub(in crate::operators) fn variance(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let mean_part = self.first.square().over(self.counted());
        let squares = self.second.subtract(mean_part);
        let variance = squares.over(self.counted() - 1.0).high.max(0.0);
        variance.is_finite().then_some(variance)
    }

    pub(in crate::operators) fn deviation(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// (value - mean) / deviation; NULL where the deviation is 0 or NULL.
    pub(in crate::operators) fn z_score(&self, value: f64) -> Option<f64> {
        let deviation = self.deviation().filter(|deviation| *deviation > 0.0)?;
        let mean_part = self.first.over(self.counted());
        let distance = DoubleDouble::difference(value, self.origin).subtract(mean_part);
        Some(distance.high / deviation)
    }

    #[expect(clippy::cast_precision_loss, reason = "no window holds 2^53 rows")]
    fn counted(&self) -> f64 {
        self.count as f64
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        write_u64(out, self.count);
        write_f64(out, self.origin);
        self.first.encode(out);
        self.second.encode(out);
        write_f64(out, self.peak);
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        Ok(Self {
            count: reader.u64()?,
            origin: reader.f64()?,
            first: DoubleDouble::decode(reader)?,
            second: DoubleDouble::decode(reader)?,
            peak: reader.f64()?,
        })
    }
}
