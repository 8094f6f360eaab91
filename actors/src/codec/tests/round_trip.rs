//! What the encoder writes, the decoder reads back.

use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float64Builder};
use arrow_array::{
    Array as _, ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array,
    StringArray, TimestampMillisecondArray,
};
use arrow_schema::{DataType as ArrowType, Field};
use proptest::prelude::*;

use super::*;
use crate::codec::Encoder;
use crate::codec::timestamp::{FIRST, LAST};

/// One row: a value or NULL for each column of [`columns`].
type Row = (
    Option<i64>,
    Option<f64>,
    Option<f32>,
    Option<String>,
    Option<bool>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<[f64; 2]>,
);

pub(in crate::codec) fn columns() -> Schema {
    schema(&[
        ("i", "int64?"),
        ("f", "float64?"),
        ("g", "float32?"),
        ("s", "string?"),
        ("b", "bool?"),
        ("t", "timestamp?"),
        ("h", "bytes?"),
        ("v", "float64[2]?"),
    ])
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |f| f.is_finite()),
        (-1000i32..1000).prop_map(f64::from),
        (-100_000i32..100_000).prop_map(|i| f64::from(i) / 100.0),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::of(any::<i64>()),
        prop::option::of(finite()),
        prop::option::of(any::<f32>().prop_filter("finite", |f| f.is_finite())),
        prop::option::of("[a-z\"\\\\,\r\n\u{0}\u{1f}é𝄞 ]{0,8}"),
        prop::option::of(any::<bool>()),
        prop::option::of(FIRST..=LAST),
        prop::option::of(prop::collection::vec(any::<u8>(), 0..6)),
        prop::option::of([finite(), finite()]),
    )
}

pub(in crate::codec) fn batches(
    rows: impl Into<prop::collection::SizeRange>,
) -> impl Strategy<Value = RecordBatch> {
    prop::collection::vec(row(), rows).prop_map(|rows| batch(&rows))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let field = Field::new("item", ArrowType::Float64, false);
    let mut vectors = FixedSizeListBuilder::new(Float64Builder::new(), 2).with_field(field);
    for row in rows {
        vectors.values().append_slice(&row.7.unwrap_or_default());
        vectors.append(row.7.is_some());
    }
    let times: TimestampMillisecondArray = rows.iter().map(|r| r.5).collect();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| r.1).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|r| r.2).collect::<Float32Array>()),
        Arc::new(rows.iter().map(|r| r.3.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|r| r.4).collect::<BooleanArray>()),
        Arc::new(times.with_timezone("+00:00")),
        Arc::new(rows.iter().map(|r| r.6.as_deref()).collect::<BinaryArray>()),
        Arc::new(vectors.finish()),
    ];
    RecordBatch::try_new(columns().to_arrow(), arrays).unwrap()
}

/// Equal, floats to the bit.
pub(in crate::codec) fn same(a: &RecordBatch, b: &RecordBatch) -> bool {
    a.schema() == b.schema()
        && table(a) == table(b)
        && (0..a.num_columns()).all(|i| {
            a.column(i).nulls().map_or(0, |n| n.null_count())
                == b.column(i).nulls().map_or(0, |n| n.null_count())
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_format_reads_back_what_it_wrote(batch in batches(0..12)) {
        let all: Vec<usize> = (0..8).collect();
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            let encoded = Encoder::new(format, &columns(), &all, None).encode(&batch);
            let records: Vec<LogRecord> = encoded.values.iter().map(|v| record(v.clone())).collect();
            let decoded = decoder(format, &columns()).decode(&records);
            prop_assert_eq!(&decoded.bad, &[]);
            prop_assert!(same(&batch, &decoded.columns), "{:?}", encoded.values);
        }
    }

    #[test]
    fn json_lines_mean_the_same_to_serde_json(batch in batches(1..4)) {
        let encoded = Encoder::new(Format::Json, &columns(), &[0, 1, 3, 4], None).encode(&batch);
        for (row, value) in encoded.values.iter().enumerate() {
            let value: serde_json::Value = serde_json::from_slice(value).unwrap();
            let texts = table(&batch.slice(row, 1));
            let mut cells = texts[0].split(" | ");
            prop_assert_eq!(value["i"].to_string(), cells.next().unwrap());
            let f = batch.column(1).as_any().downcast_ref::<Float64Array>().unwrap();
            prop_assert_eq!(value["f"].as_f64().map(f64::to_bits), f.is_valid(row).then(|| f.value(row).to_bits()));
            let s = batch.column(3).as_any().downcast_ref::<StringArray>().unwrap();
            prop_assert_eq!(value["s"].as_str(), s.is_valid(row).then(|| s.value(row)));
            let line = serde_json::to_string(&value["s"]).unwrap();
            let bytes = String::from_utf8(encoded.values[row].to_vec()).unwrap();
            prop_assert!(bytes.contains(&line), "{} has not {}", bytes, line);
        }
    }
}
