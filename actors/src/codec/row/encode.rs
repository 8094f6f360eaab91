//! Rows to bytes.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType as ArrowType;
use bytes::Bytes;
use config::Schema;

use super::{BODY, Layout, ROW_BYTES, VERSION};
use crate::batch::{Batch, Row};
use crate::codec::text::{Cell, Cells};

/// Encodes rows of one schema for a repartition topic.
#[derive(Debug)]
pub struct RowEncoder {
    layout: Layout,
}

impl RowEncoder {
    /// An encoder for batches of this schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self {
            layout: Layout::new(schema),
        }
    }

    /// One value for each row, in order; they share one buffer.
    ///
    /// # Panics
    /// If the batch is not of the encoder's schema, or has a NULL where that allows none.
    #[must_use]
    pub fn encode(&self, batch: &Batch) -> Vec<Bytes> {
        let arrays = batch.columns.columns();
        for (place, array) in self.layout.places.iter().zip(arrays) {
            assert!(
                place.null_bit.is_some() || array.null_count() == 0,
                "a column without NULLs has none"
            );
        }
        let cells: Vec<Cells<'_>> = arrays.iter().map(|array| Cells::of(array)).collect();
        let row_bytes = BODY + self.layout.fixed_end + 16 * self.layout.variable;
        let mut buffer = Vec::with_capacity(row_bytes * batch.len());
        let mut ends = Vec::with_capacity(batch.len());
        for (index, row) in batch.rows.iter().enumerate() {
            self.write(&cells, index, row, &mut buffer);
            ends.push(buffer.len());
        }
        let buffer = Bytes::from(buffer);
        let mut start = 0;
        let slice = |end| buffer.slice(std::mem::replace(&mut start, end)..end);
        ends.into_iter().map(slice).collect()
    }

    fn write(&self, cells: &[Cells<'_>], index: usize, row: &Row, out: &mut Vec<u8>) {
        let layout = &self.layout;
        let start = out.len();
        out.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
        let body = out.len();
        // The fixed part at once, zeroed: values and NULLs go where they belong.
        out.resize(body + layout.fixed_end, 0);
        write_row(&mut out[body..body + ROW_BYTES], row);
        for (place, column) in layout.places.iter().zip(cells) {
            let cell = column.cell(index);
            if let (Cell::Null, Some(bit)) = (&cell, place.null_bit) {
                out[body + ROW_BYTES + bit / 8] |= 1 << (bit % 8);
            }
            match place.fixed {
                Some(at) => write_fixed(&cell, &mut out[body + at..]),
                None => write_variable(&cell, out),
            }
        }
        let checksum = layout.checksum(&out[body..]);
        out[start + 1..body].copy_from_slice(&checksum.to_le_bytes());
    }
}

fn write_row(out: &mut [u8], row: &Row) {
    out[0..8].copy_from_slice(&row.time.to_le_bytes());
    out[8..16].copy_from_slice(&row.appended.to_le_bytes());
    out[16..24].copy_from_slice(&row.offset.to_le_bytes());
    out[24..28].copy_from_slice(&row.partition.to_le_bytes());
}

fn write_fixed(cell: &Cell<'_>, out: &mut [u8]) {
    match cell {
        Cell::Null | Cell::String(_) | Cell::Bytes(_) => {}
        Cell::Bool(value) => out[0] = u8::from(*value),
        Cell::Int64(value) | Cell::Timestamp(value) => {
            out[..8].copy_from_slice(&value.to_le_bytes());
        }
        Cell::Float64(value) => out[..8].copy_from_slice(&value.to_le_bytes()),
        Cell::Float32(value) => out[..4].copy_from_slice(&value.to_le_bytes()),
        Cell::Vector(elements) => write_elements(elements, out),
    }
}

fn write_elements(elements: &ArrayRef, out: &mut [u8]) {
    match elements.data_type() {
        ArrowType::Int64 => {
            let values = elements.as_primitive::<Int64Type>().values();
            for (slot, value) in out.chunks_exact_mut(8).zip(values) {
                slot.copy_from_slice(&value.to_le_bytes());
            }
        }
        ArrowType::Float64 => {
            let values = elements.as_primitive::<Float64Type>().values();
            for (slot, value) in out.chunks_exact_mut(8).zip(values) {
                slot.copy_from_slice(&value.to_le_bytes());
            }
        }
        ArrowType::Float32 => {
            let values = elements.as_primitive::<Float32Type>().values();
            for (slot, value) in out.chunks_exact_mut(4).zip(values) {
                slot.copy_from_slice(&value.to_le_bytes());
            }
        }
        other => unreachable!("a checked topology has no vectors of {other}"),
    }
}

fn write_variable(cell: &Cell<'_>, out: &mut Vec<u8>) {
    let bytes = match cell {
        Cell::String(text) => text.as_bytes(),
        Cell::Bytes(bytes) => bytes,
        _ => &[],
    };
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(low_seven_bits(length) | 0x80);
        length >>= 7;
    }
    out.push(low_seven_bits(length));
    out.extend_from_slice(bytes);
}

#[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
fn low_seven_bits(length: usize) -> u8 {
    (length & 0x7f) as u8
}
