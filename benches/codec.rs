//! Decode, encode and the row codec, in records per second of one thread.
//!
//! Targets: decode 1.2 M/s of 200-byte JSON with five of eight fields used, encode 2 M/s of six
//! columns, the row codec 150 ns a row each way.

use std::sync::Arc;

use actors::batch::{Batch, Row};
use actors::codec::row::{RowDecoder, RowEncoder};
use actors::codec::{Decoder, Encoder};
use actors::log::LogRecord;
use config::{Column, DataType, Format, Schema, TimeUnit};
use divan::Bencher;
use divan::counter::ItemsCount;

const RECORDS: u32 = 1000;

fn main() {
    divan::main();
}

/// Card payments as the generator makes them, with three fields more.
fn payments() -> Schema {
    Schema::new(vec![
        Column::new("tx_id", DataType::Int64, false),
        Column::new("ts", DataType::Timestamp, false),
        Column::new("customer_id", DataType::String, false),
        Column::new("terminal_id", DataType::String, false),
        Column::new("amount", DataType::Float64, false),
    ])
}

/// What a payment's row has behind the customer's history.
fn history() -> Schema {
    let mut columns = payments().columns().to_vec();
    for name in ["count_1d", "count_7d", "count_30d"] {
        columns.push(Column::new(name, DataType::Int64, false));
    }
    for name in ["avg_1d", "avg_7d", "avg_30d"] {
        columns.push(Column::new(name, DataType::Float64, true));
    }
    Schema::new(columns)
}

fn record(number: u32, value: String) -> LogRecord {
    let mut record = LogRecord::new(None, Some(value.into()), 0);
    record.offset = i64::from(number);
    record
}

fn json(number: u32) -> String {
    let (amount, customer) = (f64::from(number % 9973) / 100.0, number % 5000);
    let (minute, second, terminal) = (number / 60 % 60, number % 60, number % 10000);
    format!(
        "{{\"tx_id\":{number},\"ts\":\"2018-04-01T07:{minute:02}:{second:02}.123Z\",\"customer_id\":\"c{customer}\",\
         \"terminal_id\":\"t{terminal}\",\"amount\":{amount},\"currency\":\"EUR\",\
         \"merchant\":\"a shop in the city of Zwolle\",\"location\":{{\"x\":51.25,\"y\":6.0625}}}}"
    )
}

fn json_records() -> Vec<LogRecord> {
    let records: Vec<LogRecord> = (0..RECORDS).map(|i| record(i, json(i))).collect();
    let bytes: usize = records
        .iter()
        .filter_map(|r| r.value.as_ref())
        .map(|v| v.len())
        .sum();
    assert!(
        (190..210).contains(&(bytes / records.len())),
        "{bytes} bytes"
    );
    records
}

fn decoder(format: Format) -> Decoder {
    Decoder::new(format, &payments(), &[0, 1, 2, 3, 4], TimeUnit::Millisecond)
}

fn batch() -> Batch {
    let schema = history();
    let all: Vec<usize> = (0..schema.columns().len()).collect();
    let value = |i: u32| {
        let rest = r#","count_1d":3,"count_7d":12,"count_30d":40,"avg_1d":12.25,"avg_7d":13.5,"avg_30d":null}"#;
        json(i).strip_suffix("}").unwrap_or_default().to_owned() + rest
    };
    let records: Vec<LogRecord> = (0..RECORDS).map(|i| record(i, value(i))).collect();
    let mut decoder = Decoder::new(Format::Json, &schema, &all, TimeUnit::Millisecond);
    let decoded = decoder.decode(&records);
    assert!(decoded.bad.is_empty(), "{:?}", decoded.bad);
    let row = |i: u32| Row {
        time: 1_522_540_831_000 + i64::from(i),
        watermark: i64::MIN,
        appended: 1_522_540_832_000,
        partition: 3,
        offset: i64::from(i),
        index: i,
    };
    Batch::new(
        decoded.columns,
        (0..RECORDS).map(row).collect(),
        Arc::new(records),
    )
}

#[divan::bench]
fn decode_json(bencher: Bencher<'_, '_>) {
    let records = json_records();
    let mut decoder = decoder(Format::Json);
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| decoder.decode(&records));
}

/// For comparison: a tree of values of the same text.
#[divan::bench]
fn json_to_value_tree(bencher: Bencher<'_, '_>) {
    let records = json_records();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let values = records.iter().filter_map(|r| r.value.as_deref());
        values
            .filter(|v| serde_json::from_slice::<serde_json::Value>(v).is_ok())
            .count()
    });
}

#[divan::bench]
fn decode_csv(bencher: Bencher<'_, '_>) {
    let mut encoder = Encoder::new(Format::Csv, &payments(), &[0, 1, 2, 3, 4], None);
    let lines = encoder.encode(&batch().columns).values;
    let records: Vec<LogRecord> = lines
        .into_iter()
        .map(|line| LogRecord::new(None, Some(line), 0))
        .collect();
    let mut decoder = decoder(Format::Csv);
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| decoder.decode(&records));
}

#[divan::bench]
fn encode_json(bencher: Bencher<'_, '_>) {
    let batch = batch();
    let columns = [0, 1, 2, 3, 4, 8];
    let mut encoder = Encoder::new(Format::Json, &history(), &columns, Some(2));
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| encoder.encode(&batch.columns));
}

#[divan::bench]
fn encode_rows(bencher: Bencher<'_, '_>) {
    let batch = batch();
    let encoder = RowEncoder::new(&history());
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| encoder.encode(&batch));
}

#[divan::bench]
fn decode_rows(bencher: Bencher<'_, '_>) {
    let values = RowEncoder::new(&history()).encode(&batch());
    let records: Vec<LogRecord> = values
        .into_iter()
        .map(|value| LogRecord::new(None, Some(value), 0))
        .collect();
    let mut decoder = RowDecoder::new(&history());
    bencher
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| decoder.decode(&records));
}
