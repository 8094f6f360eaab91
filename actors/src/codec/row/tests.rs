//! Rows come back as they were, and damage does not come back as rows.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use proptest::prelude::*;

use super::{RowDecoder, RowEncoder};
use crate::batch::{Batch, Row};
use crate::codec::code;
use crate::codec::tests::round_trip::{batches, columns, same};
use crate::codec::tests::{record, schema};
use crate::log::LogRecord;

fn rows(count: usize) -> Vec<Row> {
    let row = |i: u32| Row {
        time: 1000 - i64::from(i),
        watermark: i64::MIN,
        appended: i64::MAX - i64::from(i),
        partition: u32::MAX - i,
        offset: i64::from(i) << 40,
        index: i,
    };
    (0u32..).take(count).map(row).collect()
}

fn batch(columns: RecordBatch) -> Batch {
    let rows = rows(columns.num_rows());
    Batch::new(columns, rows, Arc::new(Vec::new()))
}

fn one_row() -> (config::Schema, Batch) {
    let schema = schema(&[
        ("id", "int64"),
        ("name", "string"),
        ("x", "float64?"),
        ("y", "float64?"),
    ]);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![0x0102])),
        Arc::new(StringArray::from(vec!["né"])),
        Arc::new(Float64Array::from(vec![1.0])),
        Arc::new(Float64Array::from(vec![None])),
    ];
    let columns = RecordBatch::try_new(schema.to_arrow(), arrays).unwrap();
    (schema, batch(columns))
}

fn records(values: &[Bytes]) -> Vec<LogRecord> {
    values.iter().map(|value| record(value.clone())).collect()
}

#[test]
fn a_row_lies_as_the_table_says() {
    let (schema, batch) = one_row();
    let values = RowEncoder::new(&schema).encode(&batch);
    let body: Vec<u8> = [
        &1000i64.to_le_bytes()[..],
        &i64::MAX.to_le_bytes(),
        &0i64.to_le_bytes(),
        &u32::MAX.to_le_bytes(),
        &[0b10],
        &[2, 1, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
        &[0; 8],
        &[3, b'n', 0xc3, 0xa9],
    ]
    .concat();
    let text =
        "\"id\" int64 false\n\"name\" string false\n\"x\" float64 true\n\"y\" float64 true\n";
    let checksum = crc32c::crc32c(&[text.as_bytes(), &body].concat());
    assert_eq!(
        values,
        [[&[1][..], &checksum.to_le_bytes(), &body].concat()]
    );
}

#[test]
fn each_kind_of_damage_is_told() {
    let (schema, batch) = one_row();
    let good = RowEncoder::new(&schema).encode(&batch).remove(0);
    let mut future = good.to_vec();
    future[0] = 2;
    let records = [
        LogRecord::new(None, None, 0),
        record(""),
        record(future),
        record(good.slice(..good.len() - 1)),
        record(good),
    ];
    let decoded = RowDecoder::new(&schema).decode(&records);
    assert_eq!(
        decoded.rows.iter().map(|r| r.index).collect::<Vec<_>>(),
        [4]
    );
    let told: Vec<_> = decoded
        .bad
        .iter()
        .map(|b| (b.index, b.code, b.reason.as_str()))
        .collect();
    let damaged = "the row is damaged, or was written under another schema";
    assert_eq!(
        told,
        [
            (0, code::NO_VALUE, "the record has no value"),
            (1, code::BAD_ROW, "the row is cut off"),
            (2, code::BAD_ROW, "the row has format version 2, known is 1"),
            (3, code::BAD_ROW, damaged),
        ]
    );
}

#[test]
fn a_row_of_another_schema_is_refused() {
    let (schema, batch) = one_row();
    let values = RowEncoder::new(&schema).encode(&batch);
    let mut columns = schema.columns().to_vec();
    columns.swap(2, 3);
    let decoded = RowDecoder::new(&config::Schema::new(columns)).decode(&records(&values));
    assert_eq!(
        (decoded.rows.len(), decoded.bad[0].code),
        (0, code::BAD_ROW)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn rows_come_back_as_they_were(columns_batch in batches(0..20)) {
        let batch = batch(columns_batch);
        let values = RowEncoder::new(&columns()).encode(&batch);
        let decoded = RowDecoder::new(&columns()).decode(&records(&values));
        prop_assert_eq!(&decoded.bad, &[]);
        prop_assert_eq!(&decoded.rows, &batch.rows);
        prop_assert!(same(&batch.columns, &decoded.columns));
    }

    #[test]
    fn a_damaged_row_is_set_aside_and_its_neighbours_are_not(
        columns_batch in batches(3),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
        random in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let batch = batch(columns_batch);
        let mut values = RowEncoder::new(&columns()).encode(&batch);
        let mut damaged = values[1].to_vec();
        let at = at.index(damaged.len());
        damaged[at] ^= flip;
        values[1] = damaged.into();
        values.push(random.into());
        let decoded = RowDecoder::new(&columns()).decode(&records(&values));
        prop_assert_eq!(decoded.bad.iter().map(|b| b.index).collect::<Vec<_>>(), [1, 3]);
        prop_assert!(same(&batch.take(&[0, 2]).unwrap().columns, &decoded.columns));
    }

    /// A body that the checksum vouches for and that is no row all the same.
    #[test]
    fn a_checksum_is_not_believed_blindly(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let schema = columns();
        let checksum = super::Layout::new(&schema).checksum(&body);
        let value = [&[super::VERSION][..], &checksum.to_le_bytes(), &body].concat();
        let decoded = RowDecoder::new(&schema).decode(&[record(value)]);
        prop_assert_eq!(decoded.rows.len() + decoded.bad.len(), 1);
    }
}
