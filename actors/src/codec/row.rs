//! Rows in repartition topics: compact, exact, fast; written and read by one version of Thalweg.
//!
//! One log record holds one row. Its value, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format version, 1 |
//! | 4 | CRC-32C of the schema's text (names, types, nullability), continued over all that follows |
//! | 8, 8, 8, 4 | the row's time, time of appending, offset and partition, as in [`Row`] |
//! | ⌈nullable columns / 8⌉ | bit i set: the i-th nullable column is NULL; lowest bit first |
//! | fixed | columns of fixed width in the schema's order: bool 1, numbers 8 or 4, times 8, vectors their elements; zeros under a NULL |
//! | rest | string and bytes columns in the schema's order: length as unsigned LEB128, then the bytes; length 0 under a NULL |
//!
//! Floats keep their bits. A row that is damaged, or was written under another schema, does not
//! match its checksum and becomes a [`BadRecord`]. The key of such a record is
//! [`super::key_text`] of the key column; its caller sets it. Called by the partition actors on
//! both sides of a key-by.

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use config::{Column, DataType, Schema, VectorElement};

pub use decode::{DecodedRows, RowDecoder};
pub use encode::RowEncoder;

#[cfg(doc)]
use super::BadRecord;
#[cfg(doc)]
use crate::batch::Row;

const VERSION: u8 = 1;
/// Where the checksummed part begins: behind version and checksum.
const BODY: usize = 5;
/// Bytes of time, time of appending, offset and partition.
const ROW_BYTES: usize = 28;

/// Where each column lies in a row's body.
#[derive(Debug)]
struct Layout {
    /// CRC-32C of the schema's text; every row's checksum goes on from it.
    schema_checksum: u32,
    places: Vec<Place>,
    /// Columns that lie in the rest.
    variable: usize,
    /// Where the fixed part ends and the rest begins.
    fixed_end: usize,
}

#[derive(Debug)]
struct Place {
    /// Which bit tells that it is NULL; none if it cannot be.
    null_bit: Option<usize>,
    /// Where its value begins, if its width is fixed.
    fixed: Option<usize>,
}

impl Layout {
    fn new(schema: &Schema) -> Self {
        let columns = schema.columns();
        let nullable = columns.iter().filter(|c| c.nullable).count();
        let mut null_bits = 0..nullable;
        let mut fixed_end = ROW_BYTES + nullable.div_ceil(8);
        let mut places = Vec::with_capacity(columns.len());
        for column in columns {
            let width = width(&column.data_type);
            places.push(Place {
                null_bit: if column.nullable {
                    null_bits.next()
                } else {
                    None
                },
                fixed: width.map(|_| fixed_end),
            });
            fixed_end += width.unwrap_or(0);
        }
        Self {
            schema_checksum: crc32c::crc32c(schema_text(columns).as_bytes()),
            variable: places.iter().filter(|p| p.fixed.is_none()).count(),
            places,
            fixed_end,
        }
    }

    fn checksum(&self, body: &[u8]) -> u32 {
        crc32c::crc32c_append(self.schema_checksum, body)
    }
}

/// Bytes of a value, if all values of the type have as many.
fn width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Bool => Some(1),
        DataType::Int64 | DataType::Float64 | DataType::Timestamp => Some(8),
        DataType::Float32 => Some(4),
        DataType::String | DataType::Bytes => None,
        DataType::Vector { element, length } => match element {
            VectorElement::Int64 | VectorElement::Float64 => Some(8 * length),
            VectorElement::Float32 => Some(4 * length),
        },
    }
}

fn schema_text(columns: &[Column]) -> String {
    let describe = |c: &Column| format!("{:?} {} {}\n", c.name, c.data_type, c.nullable);
    columns.iter().map(describe).collect()
}
