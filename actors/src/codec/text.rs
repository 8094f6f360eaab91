//! Values of columns as text: for keys, JSON and CSV.
//!
//! The text of a value is the same in every run, for it is compared byte by byte, chooses
//! partitions and names sessions. Integers are decimal; floats are the shortest text that reads
//! back to the same float, with a point (`12.0`); times are RFC 3339 in UTC with milliseconds;
//! bytes are lower-case hexadecimal; vectors are `[1,2,3]`.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array,
    Int64Array, StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType as ArrowType, TimeUnit as ArrowUnit};

use super::timestamp;

/// A column with its type known.
pub(super) struct Cells<'a> {
    array: &'a dyn Array,
    has_nulls: bool,
    values: Values<'a>,
}

enum Values<'a> {
    Bool(&'a BooleanArray),
    Int64(&'a Int64Array),
    Float64(&'a Float64Array),
    Float32(&'a Float32Array),
    Timestamp(&'a TimestampMillisecondArray),
    String(&'a StringArray),
    Bytes(&'a BinaryArray),
    Vector(&'a FixedSizeListArray),
}

/// A value of a column.
#[derive(Debug)]
pub(super) enum Cell<'a> {
    Null,
    Bool(bool),
    Int64(i64),
    Float64(f64),
    Float32(f32),
    Timestamp(i64),
    String(&'a str),
    Bytes(&'a [u8]),
    Vector(ArrayRef),
}

/// Appends the text form of a key: what chooses a partition, names a session and goes in a
/// record's key. Texts as they are, the rest as in the module's head; NaN and the infinities are
/// `NaN`, `inf`, `-inf`; NULL is nothing.
///
/// # Panics
/// If the row is beyond the column, or the column is of no type of [`config::DataType`].
pub fn key_text(column: &dyn Array, row: usize, out: &mut Vec<u8>) {
    match Cells::of(column).cell(row) {
        Cell::Null => {}
        Cell::Float64(value) if !value.is_finite() => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
        Cell::Float32(value) if !value.is_finite() => {
            out.extend_from_slice(value.to_string().as_bytes());
        }
        Cell::String(text) => out.extend_from_slice(text.as_bytes()),
        other => other.write(out),
    }
}

impl<'a> Cells<'a> {
    /// # Panics
    /// If the column is of no type of [`config::DataType`].
    pub(super) fn of(array: &'a dyn Array) -> Self {
        let values = match array.data_type() {
            ArrowType::Boolean => Values::Bool(array.as_boolean()),
            ArrowType::Int64 => Values::Int64(array.as_primitive::<Int64Type>()),
            ArrowType::Float64 => Values::Float64(array.as_primitive::<Float64Type>()),
            ArrowType::Float32 => Values::Float32(array.as_primitive::<Float32Type>()),
            ArrowType::Timestamp(ArrowUnit::Millisecond, _) => {
                Values::Timestamp(array.as_primitive::<TimestampMillisecondType>())
            }
            ArrowType::Utf8 => Values::String(array.as_string()),
            ArrowType::Binary => Values::Bytes(array.as_binary()),
            ArrowType::FixedSizeList(_, _) => Values::Vector(array.as_fixed_size_list()),
            other => unreachable!("a checked topology has no columns of {other}"),
        };
        Self {
            array,
            has_nulls: array.null_count() > 0,
            values,
        }
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'a> {
        if self.has_nulls && self.array.is_null(row) {
            return Cell::Null;
        }
        match self.values {
            Values::Bool(values) => Cell::Bool(values.value(row)),
            Values::Int64(values) => Cell::Int64(values.value(row)),
            Values::Float64(values) => Cell::Float64(values.value(row)),
            Values::Float32(values) => Cell::Float32(values.value(row)),
            Values::Timestamp(values) => Cell::Timestamp(values.value(row)),
            Values::String(values) => Cell::String(values.value(row)),
            Values::Bytes(values) => Cell::Bytes(values.value(row)),
            Values::Vector(values) => Cell::Vector(values.value(row)),
        }
    }
}

impl Cell<'_> {
    /// Appends the text; nothing for NULL and for floats that JSON has no word for. Strings go in
    /// without quotes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int64(value) => write_integer(*value, out),
            Self::Float64(value) => write_float(*value, out),
            Self::Float32(value) => write_float(*value, out),
            Self::Timestamp(value) => timestamp::write(*value, out),
            Self::String(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bytes(bytes) => write_hexadecimal(bytes, out),
            Self::Vector(elements) => write_vector(elements, out),
        }
    }

    /// Whether [`Cell::write`] writes nothing because JSON has no word for the value.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Float64(value) => !value.is_finite(),
            Self::Float32(value) => !value.is_finite(),
            Self::Bool(_)
            | Self::Int64(_)
            | Self::Timestamp(_)
            | Self::String(_)
            | Self::Bytes(_)
            | Self::Vector(_) => false,
        }
    }
}

fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The shortest text that reads back to the same float (Ryū, Adams 2018).
fn write_float<F: ryu::Float>(value: F, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format(value);
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        out.extend_from_slice(text.as_bytes());
    }
}

fn write_hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// `[1,2,3]`; an element that is no number is `null`, which no decoder takes.
fn write_vector(elements: &ArrayRef, out: &mut Vec<u8>) {
    let cells = Cells::of(elements);
    out.push(b'[');
    for row in 0..elements.len() {
        if row > 0 {
            out.push(b',');
        }
        match cells.cell(row) {
            cell if cell.is_nothing() => out.extend_from_slice(b"null"),
            cell => cell.write(out),
        }
    }
    out.push(b']');
}

/// Appends a JSON string with its quotes, escaped as `serde_json` does: `\" \\ \b \f \n \r \t`, and
/// `\u00xx` for the other control characters.
pub(super) fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| needs_escape(*b)) {
        out.extend_from_slice(&rest[..at]);
        write_escaped(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escaped(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            write_hexadecimal(&[byte], out);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
