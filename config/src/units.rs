//! Durations and sizes as users write them: `"10s"`, `"64MiB"`.

use std::fmt;
use std::time::Duration;

/// Why a text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a {what}: write a number and a unit ({units})")]
pub struct UnitError {
    text: String,
    what: &'static str,
    units: &'static str,
}

/// A span of time in whole milliseconds; event time is counted in it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub i64);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

const TIME_UNITS: [(&str, f64); 6] = [
    ("ms", 1.0),
    ("s", 1e3),
    ("min", 60e3),
    ("h", 3_600e3),
    ("d", 86_400e3),
    ("w", 604_800e3),
];
const SIZE_UNITS: [(&str, f64); 7] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KiB", 1024.0),
    ("MB", 1e6),
    ("MiB", 1_048_576.0),
    ("GB", 1e9),
    ("GiB", 1_073_741_824.0),
];

impl Millis {
    /// Parses `"250ms"`, `"10s"`, `"5min"`, `"1h"`, `"7d"`, `"2w"`.
    ///
    /// # Errors
    /// If the text is no number with one of these units, or not within 0 to 100,000 days.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError {
            text: text.into(),
            what: "duration",
            units: "ms, s, min, h, d, w",
        };
        let value = quantity(text, &TIME_UNITS).ok_or_else(error)?;
        if value > 100_000.0 * 86_400e3 {
            return Err(error());
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded above, and not negative"
        )]
        Ok(Self(value.round() as i64))
    }

    /// As a standard duration; a negative span is zero.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl ByteSize {
    /// Parses `"512MiB"`, `"10kB"`.
    ///
    /// # Errors
    /// If the text is no number with a unit of size, or above 2^53.
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        let error = || UnitError {
            text: text.into(),
            what: "size",
            units: "B, kB, KiB, MB, MiB, GB, GiB",
        };
        let value = quantity(text, &SIZE_UNITS).ok_or_else(error)?;
        if value > 9.0e15 {
            return Err(error());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded above, and not negative"
        )]
        Ok(Self(value.round() as u64))
    }
}

/// A non-negative decimal number directly followed by one of `units`.
fn quantity(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')?;
    let (number, unit) = text.split_at(split);
    let number: f64 = number.replace('_', "").parse().ok()?;
    let (_, scale) = units.iter().find(|(name, _)| *name == unit.trim())?;
    Some(number * scale)
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, scale) in [
            ("w", 604_800_000),
            ("d", 86_400_000),
            ("h", 3_600_000),
            ("min", 60_000),
            ("s", 1_000),
        ] {
            if self.0 != 0 && self.0 % scale == 0 {
                return write!(f, "{}{unit}", self.0 / scale);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
            if self.0 != 0 && self.0.is_multiple_of(1 << shift) {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}B", self.0)
    }
}
