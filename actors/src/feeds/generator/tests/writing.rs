//! Values in the source's format, under its names.

use bytes::BytesMut;
use config::{Column, DataType, TimeUnit};

use super::*;
use crate::feeds::generator::record::put_decimal;

/// Value and key of the first payment, and its timestamp.
fn first(source: &config::Source) -> (String, Option<String>, i64) {
    let mut feed = crate::feeds::generator::generator(STEADY, 7, None, source, 0);
    let records = feed.next(1).expect("made");
    let key = crate::feeds::tests::keys(&records).remove(0);
    (values(&records).remove(0), key, records[0].record.timestamp)
}

#[test]
fn a_json_value_has_the_schemas_paths_and_types_and_the_unit_of_its_source() {
    let (plain, key, _) = first(&payments(Format::Json));
    let plain: Value = serde_json::from_str(&plain).expect("JSON");
    let mut source = payments(Format::Json);
    source.time.unit = TimeUnit::Second;
    let mut columns = source.schema.columns().to_vec();
    for (column, path) in columns
        .iter_mut()
        .zip(["who", "id", "when", "where", "much"])
    {
        column.path = vec!["payment".into(), path.into()];
    }
    columns[0].data_type = DataType::Int64;
    columns[1].data_type = DataType::String;
    source.schema = config::Schema::new(columns);
    let (nested, nested_key, _) = first(&source);
    let nested: Value = serde_json::from_str(&nested).expect("JSON");
    let customer = text(&plain, "customer_id");
    assert_eq!(key.as_deref(), Some(customer));
    assert_eq!(nested_key, key);
    let expected = serde_json::json!({ "payment": {
        "who": customer.parse::<i64>().expect("digits"),
        "id": "0",
        "when": integer(&plain, "ts") / 1_000,
        "where": plain["terminal_id"],
        "much": plain["amount"],
    }});
    assert_eq!(nested, expected);
}

#[test]
fn a_csv_value_has_the_schemas_columns_in_their_order() {
    let (json, ..) = first(&payments(Format::Json));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let columns = ["amount", "country", "tx_id"];
    let columns = columns.map(|name| Column::new(name, DataType::String, true));
    let (line, key, _) = first(&source(Format::Csv, columns.into()));
    let fields: Vec<&str> = line.split(',').collect();
    assert_eq!(fields.len(), 3);
    assert_eq!(fields[0].parse::<f64>().ok(), json["amount"].as_f64());
    assert_eq!(fields[0].split('.').nth(1).map(str::len), Some(2), "{line}");
    assert_eq!(fields[1..], ["", "0"]);
    assert_eq!(key.as_deref(), Some(fields[0]));
}

#[test]
fn records_carry_their_event_time_only_where_the_source_takes_it_from_there() {
    let mut source = payments(Format::Json);
    assert_eq!(first(&source).2, -1);
    source.time.column = None;
    let (value, _, timestamp) = first(&source);
    let value: Value = serde_json::from_str(&value).expect("JSON");
    assert_eq!(timestamp, integer(&value, "ts"));
}

#[test]
fn decimals_keep_their_places() {
    for (scaled, places, expected) in [
        (5716, 2, "57.16"),
        (7, 2, "0.07"),
        (0, 3, "0.000"),
        (-1, 3, "-0.001"),
        (-12_050, 3, "-12.050"),
    ] {
        let mut out = BytesMut::new();
        put_decimal(scaled, places, &mut out);
        assert_eq!(&out[..], expected.as_bytes());
    }
}
