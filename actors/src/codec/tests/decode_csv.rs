//! CSV lines, against rules written by hand and against the `csv` crate.

use proptest::prelude::*;

use super::*;
use crate::codec::code;

fn readings() -> Schema {
    schema(&[
        ("series", "string"),
        ("ts", "timestamp"),
        ("value", "float64?"),
        ("note", "string?"),
    ])
}

#[test]
fn a_line_has_the_columns_in_the_schemas_order() {
    let check = |line: &str, row: &str| accepted(Format::Csv, &readings(), line, &[row]);
    check(
        "a,2014-07-01 00:00:00,1.5,x",
        "\"a\" | 2014-07-01T00:00:00.000Z | 1.5 | \"x\"",
    );
    check(
        "a,31000, 2 ,x\r\n",
        "\"a\" | 1970-01-01T00:00:31.000Z | 2.0 | \"x\"",
    );
    check(",0,,", "\"\" | 1970-01-01T00:00:00.000Z | null | null");
    check(
        "\"a,\"\"b\"\"\n\",\"0\",\"3\",\"\"",
        "\"a,\\\"b\\\"\\n\" | 1970-01-01T00:00:00.000Z | 3.0 | \"\"",
    );
    check(
        "a\"b,0,1, c ",
        "\"a\\\"b\" | 1970-01-01T00:00:00.000Z | 1.0 | \" c \"",
    );
}

#[test]
fn every_type_has_a_form_in_a_field() {
    let schema = schema(&[
        ("b", "bool"),
        ("i", "int64"),
        ("f", "float32"),
        ("h", "bytes"),
        ("v", "float64[2]"),
    ]);
    accepted(
        Format::Csv,
        &schema,
        "true,12.0,0.5,00ff,\"[1, 2.5]\"",
        &["true | 12 | 0.5 | 00ff | [1.0,2.5]"],
    );
}

#[test]
fn only_used_columns_are_read() {
    let mut decoder = Decoder::new(Format::Csv, &readings(), &[0, 3], TimeUnit::Millisecond);
    let decoded = decoder.decode(&[record("a,no time,no number,x")]);
    assert_eq!(table(&decoded.columns), ["\"a\" | \"x\""]);
}

#[test]
fn what_is_no_line_is_refused_with_its_place() {
    let check =
        |line: &str, code, reason: &str| refused(Format::Csv, &readings(), line, code, reason);
    check("", code::EMPTY_VALUE, "the value is empty");
    check(
        "a,0,1",
        code::CSV_FIELDS,
        "the schema has 4 columns, found 3 fields",
    );
    check(
        "a,0,1,x,",
        code::CSV_FIELDS,
        "the schema has 4 columns, found more fields",
    );
    check(
        "a,0,1,\"x",
        code::CSV_SYNTAX,
        "a quote stays open at line 1 column 7",
    );
    check(
        "\"a\"b,0,1,x",
        code::CSV_SYNTAX,
        "text follows a closing quote at line 1 column 1",
    );
    check(
        "a,0,1,x\na,0,1,x",
        code::CSV_SYNTAX,
        "line break outside quotes at line 1 column 7",
    );
    check(
        "a,,1,x",
        code::MISSING_VALUE,
        "column \"ts\" has no value at line 1 column 3",
    );
    check(
        "a,0,1 2,x",
        code::WRONG_TYPE,
        "column \"value\" is float64, found string \"1 2\" at line 1 column 5",
    );
    check(
        "a,0,NaN,x",
        code::WRONG_TYPE,
        "column \"value\" is float64, found string \"NaN\" at line 1 column 5",
    );
    check(
        "a,soon,1,x",
        code::BAD_TIMESTAMP,
        "column \"ts\" is timestamp, found string \"soon\" at line 1 column 3",
    );
}

#[test]
fn a_raw_value_is_the_one_column() {
    accepted(
        Format::Raw,
        &schema(&[("line", "string")]),
        "a \"b\"\n",
        &["\"a \\\"b\\\"\\n\""],
    );
    accepted(Format::Raw, &schema(&[("line", "bytes")]), "", &[""]);
    let decoded =
        decoder(Format::Raw, &schema(&[("line", "string")])).decode(&[record(&b"\xff"[..])]);
    assert_eq!(decoded.bad[0].code, code::INVALID_UTF8);
    let mut unused = Decoder::new(
        Format::Raw,
        &schema(&[("line", "bytes")]),
        &[],
        TimeUnit::Second,
    );
    assert_eq!(unused.decode(&[record(&b"\xff"[..])]).columns.num_rows(), 1);
}

proptest! {
    /// What the `csv` crate writes reads back, and what we accept it reads the same way.
    #[test]
    fn lines_read_as_the_csv_crate_reads_them(
        fields in prop::collection::vec("[a\", \r\né]{0,6}", 3),
        line in "[a\",\r\n]{1,12}",
    ) {
        let schema = schema(&[("a", "string"), ("b", "string"), ("c", "string")]);
        let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
        writer.write_record(&fields).unwrap();
        let written = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let expect = fields.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>().join(" | ");
        prop_assert_eq!(table(&decode(Format::Csv, &schema, &[&written]).columns), [expect]);

        let ours = table(&decode(Format::Csv, &schema, &[&line]).columns);
        if let [ours] = ours.as_slice() {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let theirs = reader.records().next().unwrap().unwrap();
            let theirs = theirs.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>().join(" | ");
            prop_assert_eq!(ours, &theirs);
        }
    }
}
