//! Numbers of 106 bits as the unevaluated sum of two float64: sums of a million values, of which
//! large ones come and go, stay right to the last digit of a float64.
//!
//! Sources: T. J. Dekker, "A floating-point technique for extending the available precision" (1971);
//! D. E. Knuth, TAOCP 2, 4.2.2 (two-sum); Y. Hida, X. Li, D. Bailey, "Algorithms for quad-double
//! precision" (2001). Only + - * / of float64, correctly rounded: the same bits on every machine.

use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, write_f64};

/// `high + low`, where `high` is the sum rounded to float64.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct DoubleDouble {
    pub(super) high: f64,
    low: f64,
}

impl DoubleDouble {
    /// `a - b`, exactly.
    pub(super) fn difference(a: f64, b: f64) -> Self {
        let (high, low) = two_sum(a, -b);
        Self { high, low }
    }

    pub(super) fn of(value: f64) -> Self {
        Self {
            high: value,
            low: 0.0,
        }
    }

    pub(super) fn plus(self, value: f64) -> Self {
        let (sum, error) = two_sum(self.high, value);
        normalised(sum, error + self.low)
    }

    pub(super) fn add(self, other: Self) -> Self {
        let (sum, error) = two_sum(self.high, other.high);
        let (low, low_error) = two_sum(self.low, other.low);
        let partial = normalised(sum, error + low);
        normalised(partial.high, partial.low + low_error)
    }

    pub(super) fn subtract(self, other: Self) -> Self {
        self.add(Self {
            high: -other.high,
            low: -other.low,
        })
    }

    pub(super) fn times(self, factor: f64) -> Self {
        self.multiply(Self::of(factor))
    }

    pub(super) fn multiply(self, other: Self) -> Self {
        let (product, error) = two_product(self.high, other.high);
        normalised(
            product,
            error + (self.high * other.low + self.low * other.high),
        )
    }

    pub(super) fn square(self) -> Self {
        self.multiply(self)
    }

    pub(super) fn over(self, divisor: f64) -> Self {
        let quotient = self.high / divisor;
        let rest = self.subtract(Self::of(quotient).times(divisor));
        normalised(quotient, rest.high / divisor)
    }

    pub(super) fn is_finite(self) -> bool {
        self.high.is_finite() && self.low.is_finite()
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        write_f64(out, self.high);
        write_f64(out, self.low);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        let high = reader.f64()?;
        let low = reader.f64()?;
        Ok(Self { high, low })
    }
}

/// The sum rounded, and what rounding took (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let error = (a - (sum - b_part)) + (b - b_part);
    (sum, error)
}

/// The same where `|high| >= |low|` (Dekker).
fn normalised(high: f64, low: f64) -> DoubleDouble {
    let sum = high + low;
    DoubleDouble {
        high: sum,
        low: low - (sum - high),
    }
}

/// The product rounded, and what rounding took (Dekker, with Veltkamp's splitting): not by fused
/// multiply-add, which is a library call where the processor is not known to have it.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let (a_high, a_low) = split(a);
    let (b_high, b_low) = split(b);
    let error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    (product, error)
}

/// Two halves of 26 bits.
fn split(value: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2^27 + 1
    let scaled = SPLITTER * value;
    let high = scaled - (scaled - value);
    (high, value - high)
}
