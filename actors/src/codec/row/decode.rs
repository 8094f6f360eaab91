//! Bytes to rows: each record is checked whole first, then the good ones are read column by column.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeListArray, Float32Array, Float64Array,
    Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType as ArrowType, SchemaRef};
use config::{DataType, Schema, VectorElement};

use super::{BODY, Layout, Place, ROW_BYTES, VERSION};
use crate::batch::Row;
use crate::codec::columns::Blob;
use crate::codec::fault::{BadRecord, Fault, code};
use crate::log::LogRecord;

/// Decodes what [`super::RowEncoder`] wrote under the same schema.
#[derive(Debug)]
pub struct RowDecoder {
    layout: Layout,
    arrow: SchemaRef,
    types: Vec<DataType>,
}

/// What became of some records of a repartition topic.
#[derive(Debug)]
pub struct DecodedRows {
    /// The columns of the good rows.
    pub columns: RecordBatch,
    /// What each remembers: time, appended, partition and offset as they were written; `index` is
    /// its record's position among those given; `watermark` is `i64::MIN`.
    pub rows: Vec<Row>,
    /// The records set aside, in order.
    pub bad: Vec<BadRecord>,
}

/// Strings and bytes of the rows read so far: one blob for each column of variable width.
struct Blobs<'a> {
    blobs: Vec<Blob>,
    /// Whether the column's values are UTF-8.
    text: Vec<bool>,
    /// The values of the row being read.
    parts: Vec<&'a [u8]>,
}

impl RowDecoder {
    /// A decoder for rows of this schema.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self {
            layout: Layout::new(schema),
            arrow: schema.to_arrow(),
            types: schema
                .columns()
                .iter()
                .map(|c| c.data_type.clone())
                .collect(),
        }
    }

    /// Decodes rows. What cannot be decoded is in [`DecodedRows::bad`]; it never fails as a whole.
    ///
    /// # Panics
    /// Never on account of what the records hold; only on more than 2^32 records.
    #[must_use]
    pub fn decode(&mut self, records: &[LogRecord]) -> DecodedRows {
        let mut bodies = Vec::with_capacity(records.len());
        let mut rows = Vec::with_capacity(records.len());
        let mut bad = Vec::new();
        let mut blobs = self.blobs(records.len());
        for (index, record) in (0u32..).zip(records) {
            match self.check(record.value.as_deref(), &mut blobs) {
                Ok(body) => {
                    rows.push(read_row(body, index));
                    bodies.push(body);
                }
                Err(fault) => bad.push(fault.of_record(index)),
            }
        }
        DecodedRows {
            columns: self.columns(&bodies, blobs.blobs),
            rows,
            bad,
        }
    }

    fn blobs<'a>(&self, rows: usize) -> Blobs<'a> {
        let variable = self.types.iter().zip(&self.layout.places);
        let variable = variable.filter(|(_, place)| place.fixed.is_none());
        let text: Vec<bool> = variable.map(|(t, _)| *t == DataType::String).collect();
        Blobs {
            blobs: text.iter().map(|_| Blob::new(rows, rows * 8)).collect(),
            parts: Vec::with_capacity(text.len()),
            text,
        }
    }

    /// The body of a row that is whole; its strings and bytes are then in the blobs.
    fn check<'a>(&self, value: Option<&'a [u8]>, blobs: &mut Blobs<'a>) -> Result<&'a [u8], Fault> {
        let bad = |reason: &str| Fault::new(code::BAD_ROW, reason);
        let value = value.ok_or_else(|| Fault::new(code::NO_VALUE, "the record has no value"))?;
        let (head, body) = value
            .split_first_chunk::<BODY>()
            .ok_or_else(|| bad("the row is cut off"))?;
        let [version, checksum @ ..] = *head;
        if version != VERSION {
            let reason = format!("the row has format version {version}, known is {VERSION}");
            return Err(bad(&reason));
        }
        if self.layout.checksum(body) != u32::from_le_bytes(checksum) {
            return Err(bad(
                "the row is damaged, or was written under another schema",
            ));
        }
        // The checksum vouches for the rest; it is checked all the same, for 32 bits are not proof.
        let variable = body.get(self.layout.fixed_end..);
        let variable = variable.ok_or_else(|| bad("the row is cut off"))?;
        blobs
            .push(variable)
            .ok_or_else(|| bad("the row is no row"))?;
        Ok(body)
    }

    fn columns(&self, bodies: &[&[u8]], blobs: Vec<Blob>) -> RecordBatch {
        let mut blobs = blobs.into_iter();
        let mut arrays = Vec::with_capacity(self.types.len());
        for (place, data_type) in self.layout.places.iter().zip(&self.types) {
            let nulls = place.null_bit.and_then(|bit| nulls(bodies, bit));
            arrays.push(match place {
                Place {
                    fixed: Some(at), ..
                } => fixed_array(data_type, bodies, *at, nulls),
                Place { fixed: None, .. } => {
                    let blob = blobs.next().expect("a blob for each column in the rest");
                    variable_array(data_type, blob, nulls)
                }
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(bodies.len()));
        RecordBatch::try_new_with_options(Arc::clone(&self.arrow), arrays, &options)
            .expect("every column has the type of its field and a value for each row")
    }
}

impl<'a> Blobs<'a> {
    /// Adds the strings and bytes of one row, or, if they are not exactly what `rest` holds, none.
    fn push(&mut self, mut rest: &'a [u8]) -> Option<()> {
        self.parts.clear();
        for (blob, is_text) in self.blobs.iter().zip(&self.text) {
            let length = read_length(&mut rest)?;
            let (part, tail) = rest.split_at_checked(length)?;
            rest = tail;
            if (*is_text && std::str::from_utf8(part).is_err()) || !blob.has_room(length) {
                return None;
            }
            self.parts.push(part);
        }
        if !rest.is_empty() {
            return None;
        }
        for (blob, part) in self.blobs.iter_mut().zip(&self.parts) {
            blob.append(part);
        }
        Some(())
    }
}

/// Reads an unsigned LEB128 of at most 32 bits.
fn read_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

fn read_row(body: &[u8], index: u32) -> Row {
    Row {
        time: i64::from_le_bytes(array_at(body, 0)),
        watermark: i64::MIN,
        appended: i64::from_le_bytes(array_at(body, 8)),
        partition: u32::from_le_bytes(array_at(body, 24)),
        offset: i64::from_le_bytes(array_at(body, 16)),
        index,
    }
}

/// The bytes at a place of the fixed part, which every checked body has.
fn array_at<const N: usize>(body: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&body[at..at + N]);
    bytes
}

fn nulls(bodies: &[&[u8]], bit: usize) -> Option<NullBuffer> {
    let (at, mask) = (ROW_BYTES + bit / 8, 1 << (bit % 8));
    let valid = BooleanBuffer::collect_bool(bodies.len(), |i| bodies[i][at] & mask == 0);
    let nulls = NullBuffer::new(valid);
    (nulls.null_count() > 0).then_some(nulls)
}

fn fixed_array(
    data_type: &DataType,
    bodies: &[&[u8]],
    at: usize,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    match data_type {
        DataType::Bool => {
            let values = BooleanBuffer::collect_bool(bodies.len(), |i| bodies[i][at] != 0);
            Arc::new(BooleanArray::new(values, nulls))
        }
        DataType::Int64 => {
            let values: Vec<i64> = column(bodies, at, 1, i64::from_le_bytes);
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        DataType::Timestamp => {
            let values: Vec<i64> = column(bodies, at, 1, i64::from_le_bytes);
            let array = TimestampMillisecondArray::new(values.into(), nulls);
            Arc::new(array.with_timezone("+00:00"))
        }
        DataType::Float64 => {
            let values: Vec<f64> = column(bodies, at, 1, f64::from_le_bytes);
            Arc::new(Float64Array::new(values.into(), nulls))
        }
        DataType::Float32 => {
            let values: Vec<f32> = column(bodies, at, 1, f32::from_le_bytes);
            Arc::new(Float32Array::new(values.into(), nulls))
        }
        DataType::Vector { element, length } => {
            let elements = elements(*element, bodies, at, *length);
            let ArrowType::FixedSizeList(field, size) = data_type.to_arrow() else {
                unreachable!("vectors are lists of fixed size in Arrow")
            };
            Arc::new(FixedSizeListArray::new(field, size, elements, nulls))
        }
        DataType::String | DataType::Bytes => unreachable!("lies in the rest"),
    }
}

fn elements(element: VectorElement, bodies: &[&[u8]], at: usize, length: usize) -> ArrayRef {
    match element {
        VectorElement::Int64 => {
            let values = column(bodies, at, length, i64::from_le_bytes);
            Arc::new(Int64Array::new(values.into(), None))
        }
        VectorElement::Float64 => {
            let values = column(bodies, at, length, f64::from_le_bytes);
            Arc::new(Float64Array::new(values.into(), None))
        }
        VectorElement::Float32 => {
            let values = column(bodies, at, length, f32::from_le_bytes);
            Arc::new(Float32Array::new(values.into(), None))
        }
    }
}

/// `count` numbers of `N` bytes from each body.
fn column<const N: usize, T>(
    bodies: &[&[u8]],
    at: usize,
    count: usize,
    convert: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let mut values = Vec::with_capacity(bodies.len() * count);
    for body in bodies {
        let numbers = &body[at..at + N * count];
        values.extend(numbers.as_chunks::<N>().0.iter().map(|n| convert(*n)));
    }
    values
}

fn variable_array(data_type: &DataType, blob: Blob, nulls: Option<NullBuffer>) -> ArrayRef {
    let (offsets, bytes) = blob.finish();
    if *data_type == DataType::String {
        let array = StringArray::try_new(offsets, bytes, nulls);
        return Arc::new(array.expect("each string was checked"));
    }
    Arc::new(BinaryArray::new(offsets, bytes, nulls))
}
