//! JSON and NDJSON: from objects to rows, and what is no object.

use super::*;
use crate::codec::{RECORD_BYTES_MAX, code};

#[test]
fn an_object_becomes_a_row_whatever_the_order_of_its_fields() {
    let schema = schema(&[
        ("id", "int64"),
        ("name", "string"),
        ("ok", "bool"),
        ("x", "float64?"),
    ]);
    accepted(
        Format::Json,
        &schema,
        r#"{"ok":true,"more":[1,{"id":7}],"x":1,"name":"a\u00e9\n","id":3}"#,
        &[r#"3 | "aé\n" | true | 1.0"#],
    );
    accepted(
        Format::Json,
        &schema,
        r#" {"id":3,"name":"","ok":false} "#,
        &["3 | \"\" | false | null"],
    );
}

#[test]
fn absent_and_null_are_null_where_they_may_be() {
    accepted(
        Format::Json,
        &schema(&[("a", "string?")]),
        "{\"a\":null}",
        &["null"],
    );
    accepted(Format::Json, &schema(&[("a", "int64?")]), "{}", &["null"]);
    refused(
        Format::Json,
        &schema(&[("a", "string")]),
        "{\"a\":null}",
        code::MISSING_VALUE,
        "column \"a\" has no value",
    );
    refused(
        Format::Json,
        &schema(&[("a", "int64")]),
        "{\"b\":1}",
        code::MISSING_VALUE,
        "column \"a\" has no value",
    );
}

#[test]
fn a_path_finds_a_value_inside() {
    let schema = schema(&[
        ("p.amount", "float64?"),
        ("p.card.id", "string?"),
        ("n", "int64"),
    ]);
    accepted(
        Format::Json,
        &schema,
        r#"{"p":{"x":0,"card":{"id":"c"},"amount":2},"n":1}"#,
        &["2.0 | \"c\" | 1"],
    );
    accepted(Format::Json, &schema, r#"{"n":1}"#, &["null | null | 1"]);
    accepted(
        Format::Json,
        &schema,
        r#"{"n":1,"p":null}"#,
        &["null | null | 1"],
    );
    refused(
        Format::Json,
        &schema,
        r#"{"p":7,"n":1}"#,
        code::NOT_AN_OBJECT,
        "column \"p.amount\" lies in the object \"p\", found number 7 at line 1 column 6",
    );
}

#[test]
fn of_a_field_given_twice_the_last_counts() {
    let schema = schema(&[("a", "string?"), ("p.x", "int64?"), ("v", "int64[2]?")]);
    accepted(
        Format::Json,
        &schema,
        r#"{"a":"long","p":{"x":1},"v":[1,2],"a":"s","p":{},"v":[3,4]}"#,
        &["\"s\" | null | [3,4]"],
    );
    accepted(
        Format::Json,
        &schema,
        r#"{"a":"x","a":null,"v":[1,2],"v":null}"#,
        &["null | null | null"],
    );
}

#[test]
fn two_columns_may_take_one_field() {
    let mut columns = schema(&[("a", "int64"), ("b", "float64"), ("c", "timestamp")])
        .columns()
        .to_vec();
    for column in &mut columns {
        column.path = vec!["ts".into()];
    }
    accepted(
        Format::Json,
        &Schema::new(columns),
        r#"{"ts":1000}"#,
        &["1000 | 1000.0 | 1970-01-01T00:00:01.000Z"],
    );
}

#[test]
fn what_is_no_record_is_refused_with_its_place() {
    let schema = schema(&[("a", "int64")]);
    let check =
        |value: &str, code, reason: &str| refused(Format::Json, &schema, value, code, reason);
    check("", code::EMPTY_VALUE, "the value is empty");
    check(" \n", code::EMPTY_VALUE, "the value is empty");
    check(
        "{\"a\":1",
        code::JSON_TRUNCATED,
        "the JSON text ends too early at line 1 column 6",
    );
    check(
        "{\"a\":\"",
        code::JSON_TRUNCATED,
        "the JSON text ends too early at line 1 column 6",
    );
    check(
        "{\"a\":1}}",
        code::JSON_TRAILING,
        "something follows the JSON object at line 1 column 8",
    );
    check(
        "{\"a\":1} {\"a\":2}",
        code::JSON_TRAILING,
        "something follows the JSON object at line 1 column 9",
    );
    check(
        "{\n \"a\" 1}",
        code::JSON_SYNTAX,
        "no JSON: expected `:` at line 2 column 6",
    );
    check(
        "[1]",
        code::NOT_AN_OBJECT,
        "a record is an object, found a list at line 1 column 1",
    );
    check(
        "null",
        code::NOT_AN_OBJECT,
        "a record is an object, found null at line 1 column 4",
    );
    check(
        "7",
        code::NOT_AN_OBJECT,
        "a record is an object, found number 7 at line 1 column 1",
    );
    let lone_surrogate = "{\"a\":\"\\ud800\"}";
    let reason = "no JSON: unexpected end of hex escape at line 1 column 13";
    check(lone_surrogate, code::JSON_SYNTAX, reason);
}

#[test]
fn tombstones_bad_utf8_and_giants_are_refused_unread() {
    let mut giant = b"{\"a\":1,\"b\":\"".to_vec();
    giant.resize(RECORD_BYTES_MAX - 1, b'x');
    giant.extend_from_slice(b"\"}");
    let records = [
        LogRecord::new(None, None, 0),
        record(&b"{\"a\":1,\"b\":\"\xff\"}"[..]),
        record(giant),
        record("{\"a\":1}"),
    ];
    let decoded = decoder(Format::Json, &schema(&[("a", "int64")])).decode(&records);
    assert_eq!(table(&decoded.columns), ["1"]);
    assert_eq!(decoded.origin, [3]);
    let codes: Vec<_> = decoded.bad.iter().map(|b| (b.index, b.code)).collect();
    assert_eq!(
        codes,
        [
            (0, code::NO_VALUE),
            (1, code::INVALID_UTF8),
            (2, code::RECORD_TOO_LARGE)
        ]
    );
}

#[test]
fn deep_nesting_costs_no_stack() {
    let deep = "[".repeat(1_000_000);
    let value = format!("{{\"b\":{deep}");
    refused(
        Format::Json,
        &schema(&[("a", "int64?")]),
        &value,
        code::JSON_TRUNCATED,
        "the JSON text ends too early at line 1 column 1000005",
    );
    let path: Vec<String> = vec!["x".into(); 1000];
    let mut column = schema(&[("a", "int64?")]).columns()[0].clone();
    column.path = path;
    let value = "{\"x\":".repeat(1000);
    let decoded = decode(Format::Json, &Schema::new(vec![column]), &[&value]);
    assert_eq!(decoded.bad[0].code, code::JSON_SYNTAX);
}

#[test]
fn many_wanted_fields_are_all_found() {
    let names: Vec<String> = (0..100).map(|i| format!("c{i}")).collect();
    let columns: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "int64")).collect();
    let fields: Vec<String> = (0..100)
        .rev()
        .map(|i| format!("\"c{i}\":{i},\"d{i}\":0"))
        .collect();
    let expect: Vec<String> = (0..100).map(|i| i.to_string()).collect();
    let value = format!("{{{}}}", fields.join(","));
    accepted(
        Format::Json,
        &schema(&columns),
        &value,
        &[&expect.join(" | ")],
    );
}

#[test]
fn ndjson_gives_a_row_for_each_line() {
    let schema = schema(&[("a", "int64")]);
    let good = "{\"a\":1}\n\n{\"a\":2}\r\n{\"a\":3}";
    let bad = "{\"a\":4}\n{\"a\":\"5\"}";
    let decoded = decode(Format::Ndjson, &schema, &[good, bad, "{\"a\":6}\n"]);
    assert_eq!(table(&decoded.columns), ["1", "2", "3", "6"]);
    assert_eq!(decoded.origin, [0, 0, 0, 2]);
    let [bad] = decoded.bad.as_slice() else {
        panic!("one is bad")
    };
    assert_eq!((bad.index, bad.code), (1, code::WRONG_TYPE));
    assert_eq!(
        bad.reason,
        "column \"a\" is int64, found string \"5\" at line 2 column 8"
    );
}
