//! One value of a column as aggregates see it. `None` stands for NULL everywhere.

use super::StateDecodeError;
use super::bytes::{Reader, write_bytes, write_f64, write_i64};

/// A value that is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::operators) enum Value<'a> {
    /// int64; a timestamp in milliseconds; bool as 0 and 1.
    Int(i64),
    /// float64 or float32; finite.
    Float(f64),
    /// The bytes of a text, or bytes.
    Bytes(&'a [u8]),
}

/// A value that is kept.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operators) enum Scalar {
    Int(i64),
    Float(f64),
    Bytes(Box<[u8]>),
}

impl Value<'_> {
    /// As a number; bytes are none.
    pub(in crate::operators) fn number(self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "float64 is the documented type of aggregates of integers"
            )]
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Bytes(_) => None,
        }
    }

    pub(in crate::operators) fn to_scalar(self) -> Scalar {
        match self {
            Self::Int(value) => Scalar::Int(value),
            Self::Float(value) => Scalar::Float(value),
            Self::Bytes(bytes) => Scalar::Bytes(bytes.into()),
        }
    }

    /// Whether it comes before another value of its column; both zeros are equal.
    pub(in crate::operators) fn is_less(self, other: Value<'_>) -> bool {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) => a < b,
            (Self::Float(a), Value::Float(b)) => a < b,
            (Self::Bytes(a), Value::Bytes(b)) => a < b,
            // Values of one column are of one kind.
            (Self::Int(_) | Self::Float(_) | Self::Bytes(_), _) => false,
        }
    }
}

const INT: u8 = 0;
const FLOAT: u8 = 1;
const BYTES: u8 = 2;

impl Scalar {
    pub(in crate::operators) fn value(&self) -> Value<'_> {
        match self {
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }

    /// Bytes on the heap.
    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        match self {
            Self::Int(_) | Self::Float(_) => 0,
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => {
                out.push(INT);
                write_i64(out, *value);
            }
            Self::Float(value) => {
                out.push(FLOAT);
                write_f64(out, *value);
            }
            Self::Bytes(bytes) => {
                out.push(BYTES);
                write_bytes(out, bytes);
            }
        }
    }

    pub(in crate::operators) fn decode(reader: &mut Reader<'_>) -> Result<Self, StateDecodeError> {
        match reader.byte()? {
            INT => Ok(Self::Int(reader.i64()?)),
            FLOAT => Ok(Self::Float(reader.f64()?)),
            BYTES => Ok(Self::Bytes(reader.bytes()?.into())),
            _ => Err(StateDecodeError::Malformed("a value is of no known kind")),
        }
    }
}
