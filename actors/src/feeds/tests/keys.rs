//! Keys of records that are already in the source's format.

use super::*;
use crate::feeds::key::KeyReader;

fn check(format: Format, data_type: DataType, path: &[&str], value: &str, key: Option<&str>) {
    let mut column = Column::new("id", data_type, false);
    column.path = path.iter().map(|s| (*s).to_owned()).collect();
    let reader = KeyReader::new(&source(format, vec![column]));
    let found = reader.key(value.as_bytes());
    assert_eq!(found.as_deref(), key.map(str::as_bytes), "{value}");
}

#[test]
fn a_json_key_is_found_at_its_path_whatever_stands_around_it() {
    let string =
        |path: &[&str], value, key| check(Format::Json, DataType::String, path, value, key);
    string(&["id"], r#"{"x":[1,{"id":"no"}],"id":"a"}"#, Some("a"));
    string(&["id"], r#"{"id":"é\n","y":{}}"#, Some("é\n"));
    string(
        &["a", "id"],
        r#"{"id":"no","a":{"b":2,"id":"yes"}}"#,
        Some("yes"),
    );
    string(&["id"], r#"{"id":""}"#, Some(""));
    string(&["id"], r#"{"other":1}"#, None);
    string(&["id"], r#"{"id":null}"#, None);
    string(&["id"], r#"{"id":{"x":1}}"#, None);
    string(&["id"], r#"{"id":"a""#, None);
    string(&["id"], r"[]", None);
    string(&["id"], "", None);
    check(
        Format::Json,
        DataType::Int64,
        &["id"],
        r#"{"id":-7}"#,
        Some("-7"),
    );
    let large = r#"{"id":9223372036854775807}"#;
    check(
        Format::Json,
        DataType::Int64,
        &["id"],
        large,
        Some("9223372036854775807"),
    );
}

#[test]
fn a_csv_key_is_the_text_of_its_field_and_an_integer_is_decimal() {
    let csv = |data_type, value, key| check(Format::Csv, data_type, &["id"], value, key);
    csv(DataType::String, "007,b", Some("007"));
    csv(DataType::Int64, "+007,b", Some("7"));
    csv(DataType::Int64, "x,b", Some("x"));
    csv(DataType::String, "\"a,\"\"b\"\"\",c", Some("a,\"b\""));
    csv(DataType::String, "\"a,b", None);
}

#[test]
fn a_raw_value_is_its_own_key() {
    check(
        Format::Raw,
        DataType::String,
        &["id"],
        "any thing",
        Some("any thing"),
    );
}

#[test]
fn a_source_without_key_has_no_keys() {
    let mut keyless = readings(Format::Json);
    keyless.key = None;
    assert_eq!(KeyReader::new(&keyless).key(br#"{"series":"a"}"#), None);
}
