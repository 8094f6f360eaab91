//! A value as an input format has it, and what each column type takes it for.
//!
//! Strict but sensible: an integral float is an integer, an integer is a float, a text is never a
//! number, and nothing is cut or wrapped to fit. Conversions that fail give the [`code`] of the
//! fault; [`refusal`] makes the sentence.

use std::fmt;

use config::{Column, TimeUnit};

use super::fault::{Fault, code, quoted};
use super::timestamp;

/// A value of an input, before the type of its column is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
    Bytes(&'a [u8]),
    Numbers(&'a [Number]),
    /// A list that is not taken for numbers.
    List,
    Object,
}

/// A finite number as an input has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Float(f64),
}

/// 2^63, the first float past the integers.
const INTEGERS_END: f64 = 9_223_372_036_854_775_808.0;

impl Number {
    /// An unsigned number; past the integers it is a float, out of range for an integer column.
    #[expect(
        clippy::cast_precision_loss,
        reason = "out of range for whom it matters"
    )]
    pub(super) fn from_u64(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Float(value as f64), Self::Integer)
    }

    /// The same number if it is integral and in range.
    pub(super) fn to_i64(self) -> Result<i64, &'static str> {
        match self {
            Self::Integer(value) => Ok(value),
            Self::Float(value) if value.fract() != 0.0 => Err(code::WRONG_TYPE),
            Self::Float(value) => rounded(value),
        }
    }

    /// The nearest float.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a float column takes the nearest"
    )]
    pub(super) fn to_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// A time in this unit as milliseconds: the one that the time lies in, or, for fractions, that
    /// is nearest (a fraction of a second in binary lies beside the decimal meant).
    fn to_timestamp(self, unit: TimeUnit) -> Result<i64, &'static str> {
        let milliseconds = match (self, unit) {
            (Self::Integer(value), TimeUnit::Second) => value.checked_mul(1000),
            (Self::Integer(value), TimeUnit::Millisecond) => Some(value),
            (Self::Integer(value), TimeUnit::Microsecond) => Some(value.div_euclid(1000)),
            (Self::Integer(value), TimeUnit::Nanosecond) => Some(value.div_euclid(1_000_000)),
            (Self::Float(value), TimeUnit::Second) => rounded(value * 1e3).ok(),
            (Self::Float(value), TimeUnit::Millisecond) => rounded(value).ok(),
            (Self::Float(value), TimeUnit::Microsecond) => rounded(value / 1e3).ok(),
            (Self::Float(value), TimeUnit::Nanosecond) => rounded(value / 1e6).ok(),
        };
        // Also catches the usual mistake: a unit too fine lands beyond the year 9999.
        milliseconds
            .filter(|ms| (timestamp::FIRST..=timestamp::LAST).contains(ms))
            .ok_or(code::OUT_OF_RANGE)
    }
}

impl<'a> Value<'a> {
    pub(super) fn to_bool(self) -> Result<bool, &'static str> {
        match self {
            Self::Bool(value) => Ok(value),
            _ => Err(code::WRONG_TYPE),
        }
    }

    pub(super) fn to_i64(self) -> Result<i64, &'static str> {
        self.to_number()?.to_i64()
    }

    pub(super) fn to_f64(self) -> Result<f64, &'static str> {
        self.to_number().map(Number::to_f64)
    }

    pub(super) fn to_text(self) -> Result<&'a str, &'static str> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(code::WRONG_TYPE),
        }
    }

    pub(super) fn to_timestamp(self, unit: TimeUnit) -> Result<i64, &'static str> {
        match self {
            Self::Text(text) => timestamp::parse(text).ok_or(code::BAD_TIMESTAMP),
            other => other.to_number()?.to_timestamp(unit),
        }
    }

    /// The numbers of a vector of this length.
    pub(super) fn to_numbers(self, length: usize) -> Result<&'a [Number], &'static str> {
        match self {
            Self::Numbers(numbers) if numbers.len() == length => Ok(numbers),
            Self::Numbers(_) => Err(code::WRONG_LENGTH),
            _ => Err(code::WRONG_TYPE),
        }
    }

    fn to_number(self) -> Result<Number, &'static str> {
        match self {
            Self::Number(number) => Ok(number),
            _ => Err(code::WRONG_TYPE),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(Number::Integer(value)) => write!(f, "number {value}"),
            Self::Number(Number::Float(value)) => write!(f, "number {value:?}"),
            Self::Text(text) => write!(f, "string {}", quoted(text)),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Numbers(numbers) => write!(f, "{} numbers", numbers.len()),
            Self::List => f.write_str("a list"),
            Self::Object => f.write_str("an object"),
        }
    }
}

/// The fault of a column that does not take a value.
pub(super) fn refusal(column: &Column, found: Value<'_>, code: &'static str) -> Fault {
    let Column {
        name, data_type, ..
    } = column;
    let reason = format!("column \"{name}\" is {data_type}, found {found}");
    Fault::new(code, reason)
}

/// The nearest float of half the width; none for what is beyond it.
#[expect(clippy::cast_possible_truncation, reason = "the nearest is meant")]
pub(super) fn to_f32(value: f64) -> Result<f32, &'static str> {
    let narrow = value as f32;
    (narrow.is_finite() || !value.is_finite())
        .then_some(narrow)
        .ok_or(code::OUT_OF_RANGE)
}

/// The bytes that hexadecimal digits of either case stand for.
pub(super) fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| Some(nibble(pair[0])? << 4 | nibble(pair[1])?);
    odd.is_empty()
        .then(|| pairs.iter().map(byte).collect::<Option<Vec<u8>>>())?
}

/// The nearest integer, if it is one of 64 bits.
fn rounded(value: f64) -> Result<i64, &'static str> {
    let value = value.round();
    #[expect(clippy::cast_possible_truncation, reason = "integral and in range")]
    (-INTEGERS_END..INTEGERS_END)
        .contains(&value)
        .then_some(value as i64)
        .ok_or(code::OUT_OF_RANGE)
}
