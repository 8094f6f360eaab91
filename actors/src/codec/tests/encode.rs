//! Golden lines, written by hand.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
    TimestampMillisecondArray,
};

use super::*;
use crate::codec::{Encoder, key_text};

fn batch(schema: &Schema, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema.to_arrow(), columns).unwrap()
}

fn times(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(values).with_timezone("+00:00"))
}

fn payments() -> (Schema, RecordBatch) {
    let schema = schema(&[
        ("tx_id", "int64"),
        ("ts", "timestamp?"),
        ("customer", "string?"),
        ("amount", "float64?"),
        ("fraud", "bool?"),
        ("mac", "bytes?"),
        ("ratio", "float32?"),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, -2, 3])),
        times(vec![Some(1_522_540_831_000), Some(-1), None]),
        Arc::new(StringArray::from(vec![
            Some("a \"b\"\\\n\u{1}é,"),
            Some(""),
            None,
        ])),
        Arc::new(Float64Array::from(vec![Some(12.0), Some(f64::NAN), None])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
        Arc::new(BinaryArray::from_opt_vec(vec![
            Some(&b"\x00\xfe"[..]),
            Some(&b""[..]),
            None,
        ])),
        Arc::new(Float32Array::from(vec![
            Some(0.1),
            Some(f32::INFINITY),
            None,
        ])),
    ];
    let batch = batch(&schema, columns);
    (schema, batch)
}

fn lines(format: Format, columns: &[usize]) -> Vec<String> {
    let (schema, batch) = payments();
    let encoded = Encoder::new(format, &schema, columns, None).encode(&batch);
    assert_eq!(encoded.keys, vec![None; 3]);
    let text = |value: &Bytes| String::from_utf8(value.to_vec()).unwrap();
    encoded.values.iter().map(text).collect()
}

#[test]
fn json_lines_are_as_written_by_hand() {
    let expect = [
        r#"{"tx_id":1,"ts":"2018-04-01T00:00:31.000Z","customer":"a \"b\"\\\n\u0001é,","amount":12.0,"fraud":true,"mac":"00fe","ratio":0.1}"#,
        r#"{"tx_id":-2,"ts":"1969-12-31T23:59:59.999Z","customer":"","amount":null,"fraud":false,"mac":"","ratio":null}"#,
        r#"{"tx_id":3,"ts":null,"customer":null,"amount":null,"fraud":null,"mac":null,"ratio":null}"#,
    ];
    assert_eq!(lines(Format::Json, &[0, 1, 2, 3, 4, 5, 6]), expect);
    assert_eq!(lines(Format::Ndjson, &[0, 1, 2, 3, 4, 5, 6]), expect);
}

#[test]
fn columns_are_written_in_the_order_asked_for() {
    assert_eq!(
        lines(Format::Json, &[4, 0])[0],
        r#"{"fraud":true,"tx_id":1}"#
    );
    assert_eq!(lines(Format::Json, &[])[0], "{}");
}

#[test]
fn csv_lines_are_as_written_by_hand() {
    let expect = [
        "1,2018-04-01T00:00:31.000Z,\"a \"\"b\"\"\\\n\u{1}é,\",12.0,true,\"00fe\",0.1",
        "-2,1969-12-31T23:59:59.999Z,\"\",,false,\"\",",
        "3,,,,,,",
    ];
    assert_eq!(lines(Format::Csv, &[0, 1, 2, 3, 4, 5, 6]), expect);
}

#[test]
fn a_raw_value_is_the_bytes_themselves() {
    let (schema, batch) = payments();
    let values = Encoder::new(Format::Raw, &schema, &[5], None)
        .encode(&batch)
        .values;
    assert_eq!(values, [&b"\x00\xfe"[..], b"", b""]);
    assert_eq!(lines(Format::Raw, &[2]), ["a \"b\"\\\n\u{1}é,", "", ""]);
}

#[test]
fn floats_are_the_shortest_text_that_reads_back() {
    let check = |value: f64, expect: &str| {
        let mut text = Vec::new();
        key_text(&Float64Array::from(vec![value]), 0, &mut text);
        assert_eq!(String::from_utf8(text).unwrap(), expect);
    };
    check(0.0, "0.0");
    check(-0.0, "-0.0");
    check(0.1 + 0.2, "0.30000000000000004");
    check(1e15, "1000000000000000.0");
    check(1e16, "1e16");
    check(5e-324, "5e-324");
    check(f64::NAN, "NaN");
    check(f64::NEG_INFINITY, "-inf");
}

#[test]
fn a_key_is_the_text_of_its_value() {
    let (schema, batch) = payments();
    let keys = |key| {
        let keys = Encoder::new(Format::Json, &schema, &[0], Some(key))
            .encode(&batch)
            .keys;
        let text = |key: Option<Bytes>| String::from_utf8(key.unwrap().to_vec()).unwrap();
        keys.into_iter().map(text).collect::<Vec<String>>()
    };
    assert_eq!(keys(0), ["1", "-2", "3"]);
    assert_eq!(
        keys(1),
        ["2018-04-01T00:00:31.000Z", "1969-12-31T23:59:59.999Z", ""]
    );
    assert_eq!(keys(2), ["a \"b\"\\\n\u{1}é,", "", ""]);
    assert_eq!(keys(3), ["12.0", "NaN", ""]);
    assert_eq!(keys(4), ["true", "false", ""]);
    assert_eq!(keys(5), ["00fe", "", ""]);
    assert_eq!(keys(6), ["0.1", "inf", ""]);
}
