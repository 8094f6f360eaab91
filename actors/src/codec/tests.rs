//! Tests of decoding and encoding, by subject; what they share.

mod decode_csv;
mod decode_json;
mod decode_oracle;
mod decode_types;
mod encode;
mod neighbours;
pub(super) mod round_trip;

use arrow_array::RecordBatch;
use bytes::Bytes;
use config::{Column, DataType, Format, Schema, TimeUnit, VectorElement};

use super::{Decoded, Decoder};
use crate::log::LogRecord;

/// A schema from names and types as users write them: `("amount", "float64?")`; a dot in a name
/// makes it a path.
pub(super) fn schema(columns: &[(&str, &str)]) -> Schema {
    let column = |(path, text): &(&str, &str)| {
        let nullable = text.ends_with('?');
        let mut column = Column::new(path, data_type(text.trim_end_matches('?')), nullable);
        column.path = path.split('.').map(Into::into).collect();
        column
    };
    Schema::new(columns.iter().map(column).collect())
}

fn data_type(text: &str) -> DataType {
    if let Some((element, rest)) = text.split_once('[') {
        return DataType::Vector {
            element: match element {
                "int64" => VectorElement::Int64,
                "float64" => VectorElement::Float64,
                "float32" => VectorElement::Float32,
                other => panic!("no vectors of {other}"),
            },
            length: rest.trim_end_matches(']').parse().unwrap(),
        };
    }
    match text {
        "bool" => DataType::Bool,
        "int64" => DataType::Int64,
        "float64" => DataType::Float64,
        "float32" => DataType::Float32,
        "string" => DataType::String,
        "timestamp" => DataType::Timestamp,
        "bytes" => DataType::Bytes,
        other => panic!("no type {other}"),
    }
}

pub(super) fn record(value: impl Into<Bytes>) -> LogRecord {
    LogRecord::new(None, Some(value.into()), 0)
}

/// All columns of a schema, numbers in timestamps being milliseconds.
fn decoder(format: Format, schema: &Schema) -> Decoder {
    let all: Vec<usize> = (0..schema.columns().len()).collect();
    Decoder::new(format, schema, &all, TimeUnit::Millisecond)
}

fn decode(format: Format, schema: &Schema, values: &[&str]) -> Decoded {
    let records: Vec<LogRecord> = values.iter().map(|v| record(v.to_string())).collect();
    decoder(format, schema).decode(&records)
}

/// A batch as text, a line a row: `1 | null | "x"`.
fn table(batch: &RecordBatch) -> Vec<String> {
    let cell = |column: usize, row: usize| {
        use super::text::{Cell, Cells};
        match Cells::of(batch.column(column)).cell(row) {
            Cell::Null => "null".to_owned(),
            Cell::String(text) => format!("{text:?}"),
            other => {
                let mut text = Vec::new();
                other.write(&mut text);
                String::from_utf8(text).unwrap()
            }
        }
    };
    let row = |row| {
        (0..batch.num_columns())
            .map(|c| cell(c, row))
            .collect::<Vec<_>>()
    };
    (0..batch.num_rows()).map(|r| row(r).join(" | ")).collect()
}

/// The one value must be refused so.
fn refused(format: Format, schema: &Schema, value: &str, code: &str, reason: &str) {
    let decoded = decode(format, schema, &[value]);
    assert_eq!(decoded.columns.num_rows(), 0, "{value}");
    let [bad] = decoded.bad.as_slice() else {
        panic!("{value}: {:?}", decoded.bad)
    };
    assert_eq!(
        (bad.index, bad.code, bad.reason.as_str()),
        (0, code, reason),
        "{value}"
    );
}

/// The one value must give these rows.
fn accepted(format: Format, schema: &Schema, value: &str, rows: &[&str]) {
    let decoded = decode(format, schema, &[value]);
    assert_eq!(decoded.bad, [], "{value}");
    assert_eq!(table(&decoded.columns), rows, "{value}");
    assert_eq!(decoded.origin, vec![0; rows.len()], "{value}");
}
