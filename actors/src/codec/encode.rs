//! Columns to record values and keys.

use std::ops::Range;

use arrow_array::RecordBatch;
use bytes::Bytes;
use config::{Format, Schema};

use super::text::{Cell, Cells, key_text, write_json_string};

/// Encodes rows into record values and keys. The same rows give the same bytes.
///
/// JSON has the columns in the order given; texts are escaped as `serde_json` does; floats are the
/// shortest text that reads back the same, integral ones with `.0`; NaN and the infinities are
/// `null` (in CSV: nothing); times are RFC 3339 with milliseconds in UTC; bytes are lower-case
/// hexadecimal. A CSV value is one line without its end. A raw value is the bytes or text itself.
#[derive(Debug)]
pub struct Encoder {
    format: Format,
    columns: Vec<usize>,
    key: Option<usize>,
    /// For each column, what stands before its value in JSON: `{"name":` or `,"name":`.
    prefixes: Vec<Vec<u8>>,
    /// Bytes of the last batch's values, to reserve for the next.
    expected: usize,
}

/// Values and keys, one of each for a row; they share one buffer each.
#[derive(Debug)]
pub struct Encoded {
    /// Values.
    pub values: Vec<Bytes>,
    /// Keys; none at all if the encoder has no key column. A NULL is an empty key.
    pub keys: Vec<Option<Bytes>>,
}

impl Encoder {
    /// An encoder for batches of `schema`: the columns at `columns` in that order go into the
    /// value, the one at `key` becomes the record's key, as [`key_text`] has it.
    ///
    /// # Panics
    /// If a position is beyond the schema.
    #[must_use]
    pub fn new(format: Format, schema: &Schema, columns: &[usize], key: Option<usize>) -> Self {
        let prefix = |(number, column): (usize, &usize)| {
            let mut prefix = vec![if number == 0 { b'{' } else { b',' }];
            write_json_string(&schema.columns()[*column].name, &mut prefix);
            prefix.push(b':');
            prefix
        };
        Self {
            format,
            columns: columns.to_vec(),
            key,
            prefixes: columns.iter().enumerate().map(prefix).collect(),
            expected: 0,
        }
    }

    /// Encodes all rows of a batch.
    ///
    /// # Panics
    /// If the batch is not of the encoder's schema.
    #[must_use]
    pub fn encode(&mut self, batch: &RecordBatch) -> Encoded {
        let cells = self.columns.iter().map(|i| Cells::of(batch.column(*i)));
        let cells: Vec<Cells<'_>> = cells.collect();
        let mut buffer = Vec::with_capacity(self.expected + self.expected / 8);
        let values = slices(batch.num_rows(), &mut buffer, |row, out| {
            match self.format {
                Format::Json | Format::Ndjson => self.write_json(&cells, row, out),
                Format::Csv => write_csv(&cells, row, out),
                Format::Raw => write_raw(&cells, row, out),
            }
        });
        self.expected = buffer.len();
        Encoded {
            values: share(buffer, values).collect(),
            keys: self.keys(batch),
        }
    }

    fn write_json(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
        if cells.is_empty() {
            out.push(b'{');
        }
        for (prefix, column) in self.prefixes.iter().zip(cells) {
            out.extend_from_slice(prefix);
            match column.cell(row) {
                Cell::String(text) => write_json_string(text, out),
                cell @ Cell::Timestamp(_) | cell @ Cell::Bytes(_) => {
                    out.push(b'"');
                    cell.write(out);
                    out.push(b'"');
                }
                cell if cell.is_nothing() => out.extend_from_slice(b"null"),
                cell => cell.write(out),
            }
        }
        out.push(b'}');
    }

    fn keys(&self, batch: &RecordBatch) -> Vec<Option<Bytes>> {
        let Some(key) = self.key else {
            return vec![None; batch.num_rows()];
        };
        let column = batch.column(key);
        let mut buffer = Vec::with_capacity(batch.num_rows() * 16);
        let keys = slices(batch.num_rows(), &mut buffer, |row, out| {
            key_text(column, row, out);
        });
        share(buffer, keys).map(Some).collect()
    }
}

fn write_csv(cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
    for (number, column) in cells.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        match column.cell(row) {
            Cell::String(text) => write_csv_text(text, out),
            // An empty value is not NULL, and the commas of a vector are its own.
            cell @ Cell::Bytes(_) | cell @ Cell::Vector(_) => {
                out.push(b'"');
                cell.write(out);
                out.push(b'"');
            }
            cell => cell.write(out),
        }
    }
}

/// A text in quotes where it needs them; an empty one too, which is not NULL.
fn write_csv_text(text: &str, out: &mut Vec<u8>) {
    let needs_quotes = |b: u8| matches!(b, b',' | b'"' | b'\n' | b'\r');
    if !text.is_empty() && !text.bytes().any(needs_quotes) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for (number, part) in text.split('"').enumerate() {
        if number > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

/// The first column's bytes or text; NULL is nothing.
fn write_raw(cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) {
    match cells.first().map(|column| column.cell(row)) {
        Some(Cell::Bytes(bytes)) => out.extend_from_slice(bytes),
        Some(cell) => cell.write(out),
        None => {}
    }
}

/// Writes one piece for each row and gives their places in the buffer.
fn slices(
    rows: usize,
    buffer: &mut Vec<u8>,
    mut write: impl FnMut(usize, &mut Vec<u8>),
) -> Vec<Range<usize>> {
    let mut places = Vec::with_capacity(rows);
    for row in 0..rows {
        let start = buffer.len();
        write(row, buffer);
        places.push(start..buffer.len());
    }
    places
}

/// Pieces of a buffer that share it.
fn share(buffer: Vec<u8>, places: Vec<Range<usize>>) -> impl Iterator<Item = Bytes> {
    let buffer = Bytes::from(buffer);
    places.into_iter().map(move |place| buffer.slice(place))
}
