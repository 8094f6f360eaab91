//! What each type takes from JSON, and what it refuses why.

use super::*;
use crate::codec::code;

fn takes(column: &str, value: &str, cell: &str) {
    let schema = schema(&[("a", column)]);
    accepted(
        Format::Json,
        &schema,
        &format!("{{\"a\":{value}}}"),
        &[cell],
    );
}

fn refuses(column: &str, value: &str, code: &str, reason: &str) {
    let schema = schema(&[("a", column)]);
    refused(
        Format::Json,
        &schema,
        &format!("{{\"a\":{value}}}"),
        code,
        reason,
    );
}

#[test]
fn integers_take_integral_numbers_in_range() {
    takes("int64", "-9223372036854775808", "-9223372036854775808");
    takes("int64", "9223372036854775807", "9223372036854775807");
    takes("int64", "12.0", "12");
    takes("int64", "1.2e1", "12");
    takes("int64", "-0", "0");
    refuses(
        "int64",
        "1.5",
        code::WRONG_TYPE,
        "column \"a\" is int64, found number 1.5 at line 1 column 8",
    );
    refuses(
        "int64",
        "9223372036854775808",
        code::OUT_OF_RANGE,
        "column \"a\" is int64, found number 9.223372036854776e18 at line 1 column 24",
    );
    refuses(
        "int64",
        "\"1\"",
        code::WRONG_TYPE,
        "column \"a\" is int64, found string \"1\" at line 1 column 8",
    );
    refuses(
        "int64",
        "true",
        code::WRONG_TYPE,
        "column \"a\" is int64, found true at line 1 column 9",
    );
}

#[test]
fn floats_take_numbers_only() {
    takes("float64", "1", "1.0");
    takes("float64", "0.1", "0.1");
    takes(
        "float64",
        "1.7976931348623157e308",
        "1.7976931348623157e308",
    );
    takes("float32", "0.1", "0.1");
    refuses(
        "float64",
        "\"0.1\"",
        code::WRONG_TYPE,
        "column \"a\" is float64, found string \"0.1\" at line 1 column 10",
    );
    refuses(
        "float32",
        "1e39",
        code::OUT_OF_RANGE,
        "column \"a\" is float32, found number 1e39 at line 1 column 9",
    );
    refuses(
        "float64",
        "1e999",
        code::JSON_SYNTAX,
        "no JSON: number out of range at line 1 column 10",
    );
    refuses(
        "float64",
        "NaN",
        code::JSON_SYNTAX,
        "no JSON: expected value at line 1 column 6",
    );
}

#[test]
fn times_take_rfc_3339_and_numbers_in_the_sources_unit() {
    takes(
        "timestamp",
        "\"2018-04-01T00:00:31Z\"",
        "2018-04-01T00:00:31.000Z",
    );
    takes(
        "timestamp",
        "\"2018-04-01 00:00:31.5\"",
        "2018-04-01T00:00:31.500Z",
    );
    takes("timestamp", "1522540831000", "2018-04-01T00:00:31.000Z");
    refuses(
        "timestamp",
        "\"yesterday\"",
        code::BAD_TIMESTAMP,
        "column \"a\" is timestamp, found string \"yesterday\" at line 1 column 16",
    );
    refuses(
        "timestamp",
        "1522540831000000",
        code::OUT_OF_RANGE,
        "column \"a\" is timestamp, found number 1522540831000000 at line 1 column 21",
    );

    let check = |unit, value: &str, expect: &str| {
        let schema = schema(&[("a", "timestamp")]);
        let mut decoder = Decoder::new(Format::Json, &schema, &[0], unit);
        let decoded = decoder.decode(&[record(format!("{{\"a\":{value}}}"))]);
        assert_eq!(table(&decoded.columns), [expect], "{value} {unit:?}");
    };
    check(TimeUnit::Second, "31", "1970-01-01T00:00:31.000Z");
    check(
        TimeUnit::Second,
        "1522540831.123",
        "2018-04-01T00:00:31.123Z",
    );
    check(TimeUnit::Microsecond, "-1", "1969-12-31T23:59:59.999Z");
    check(
        TimeUnit::Nanosecond,
        "1522540831123999999",
        "2018-04-01T00:00:31.123Z",
    );
}

#[test]
fn vectors_take_exactly_their_number_of_numbers() {
    takes("float32[3]", "[1,2.5,-3]", "[1.0,2.5,-3.0]");
    takes("int64[2]", "[1,2.0]", "[1,2]");
    takes("float64[1]?", "null", "null");
    refuses(
        "float32[3]",
        "[1,2]",
        code::WRONG_LENGTH,
        "column \"a\" is float32[3], found 2 numbers at line 1 column 10",
    );
    refuses(
        "float32[3]",
        "[1,2,3,4,5]",
        code::WRONG_LENGTH,
        "column \"a\" is float32[3], found more numbers at line 1 column 14",
    );
    refuses(
        "float32[3]",
        "[1,\"2\",3]",
        code::WRONG_TYPE,
        "column \"a\" is float32[3], found string \"2\" as element 1 at line 1 column 11",
    );
    refuses(
        "int64[1]",
        "[1.5]",
        code::WRONG_TYPE,
        "column \"a\" is int64[1], found 1 numbers at line 1 column 10",
    );
    refuses(
        "float32[3]",
        "3",
        code::WRONG_TYPE,
        "column \"a\" is float32[3], found number 3 at line 1 column 6",
    );
}

#[test]
fn strings_bools_and_bytes_take_their_own() {
    takes("string", "\"\"", "\"\"");
    takes("bytes", "\"00fFa1\"", "00ffa1");
    takes("bool", "false", "false");
    refuses(
        "string",
        "1",
        code::WRONG_TYPE,
        "column \"a\" is string, found number 1 at line 1 column 6",
    );
    refuses(
        "string",
        "[1]",
        code::WRONG_TYPE,
        "column \"a\" is string, found a list at line 1 column 6",
    );
    refuses(
        "string",
        "{\"b\":1}",
        code::WRONG_TYPE,
        "column \"a\" is string, found an object at line 1 column 6",
    );
    refuses(
        "bytes",
        "\"0\"",
        code::BAD_BYTES,
        "column \"a\" is bytes, found string \"0\" at line 1 column 8",
    );
    refuses(
        "bool",
        "0",
        code::WRONG_TYPE,
        "column \"a\" is bool, found number 0 at line 1 column 6",
    );
}
