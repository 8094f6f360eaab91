//! Files: what their lines become.

use super::*;
use crate::feeds::FeedError;

/// Records of a file with this name and text for this source.
fn read(name: &str, text: &[u8], source: &Source) -> Result<Vec<FeedRecord>, FeedError> {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = write(folder.path(), name, text);
    let mut feed = FileFeed::open(&settings, source, 0)?;
    let mut records = Vec::new();
    while !feed.ended() {
        records.extend(feed.next(3)?);
    }
    Ok(records)
}

fn check(name: &str, text: &str, source: &Source, expected: &[&str]) {
    let records = read(name, text.as_bytes(), source).expect("readable");
    assert_eq!(values(&records), expected);
}

fn refusal(name: &str, text: &[u8], source: &Source) -> String {
    let error = read(name, text, source).expect_err("refused").to_string();
    let at = error.find("\", line").or_else(|| error.find("\" does"));
    error[at.expect("the file is named") + 1..].to_owned()
}

#[test]
fn rows_become_json_objects_with_bare_numbers_under_the_schemas_paths() {
    let mut source = readings(Format::Json);
    let mut columns = source.schema.columns().to_vec();
    columns[0].path = vec!["sensor".into(), "name".into()];
    columns[1].path = vec!["time".into()];
    columns[2].path = vec!["sensor".into(), "reading".into()];
    columns.push(Column::new("note", DataType::String, true));
    source.schema = Schema::new(columns);
    let text = "reading,note,extra,time,name\n\
        20.0,,x,2014-04-01T00:00:00Z,a\n\
        -1e5,\"say \"\"hi\"\", b\\c\",x,1396310400000,a b\n\
        ,n/a,x,,\n\
        .5,+1,x,01,7\n";
    let expected = [
        r#"{"sensor":{"name":"a","reading":20.0},"time":"2014-04-01T00:00:00Z","note":null}"#,
        r#"{"sensor":{"name":"a b","reading":-1e5},"time":1396310400000,"note":"say \"hi\", b\\c"}"#,
        r#"{"sensor":{"name":"","reading":null},"time":null,"note":"n/a"}"#,
        r#"{"sensor":{"name":"7","reading":".5"},"time":"01","note":"+1"}"#,
    ];
    for name in ["a.csv", "a.csv.gz", "a.csv.zst"] {
        check(name, text, &source, &expected);
    }
    let records = read("a.csv", text.as_bytes(), &source).expect("readable");
    let a = |text: &str| Some(text.to_owned());
    assert_eq!(keys(&records), [a("a"), a("a b"), a(""), a("7")]);
    for value in expected {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(value);
        assert!(parsed.is_ok(), "{value}");
    }
}

#[test]
fn columns_of_every_type_are_written_as_the_source_decodes_them() {
    let column = |name, data_type| Column::new(name, data_type, true);
    let vector = DataType::Vector {
        element: config::VectorElement::Float32,
        length: 2,
    };
    let source = source(
        Format::Json,
        vec![
            column("i", DataType::Int64),
            column("b", DataType::Bool),
            column("v", vector),
            column("y", DataType::Bytes),
        ],
    );
    let text = "i,b,v,y\n0042,true,\"[1,2.5]\",é\n-7,yes,1,\t\n";
    let expected = [
        r#"{"i":"0042","b":true,"v":[1,2.5],"y":"é"}"#,
        r#"{"i":-7,"b":"yes","v":"1","y":"\u0009"}"#,
    ];
    check("a.csv", text, &source, &expected);
    let records = read("a.csv", text.as_bytes(), &source).expect("readable");
    assert_eq!(
        keys(&records),
        [Some("42".to_owned()), Some("-7".to_owned())]
    );
}

#[test]
fn rows_for_a_csv_source_are_put_into_the_schemas_order() {
    let text = "value,series,timestamp\n1.5,\"a,\"\"b\"\"\",0\n\r\n2,c,1\r\n3,d,2";
    let expected = ["\"a,\"\"b\"\"\",0,1.5", "c,1,2", "d,2,3"];
    check("a.csv", text, &readings(Format::Csv), &expected);
}

#[test]
fn a_row_for_a_raw_source_is_its_one_field() {
    let raw = source(
        Format::Raw,
        vec![Column::new("body", DataType::String, false)],
    );
    check("a.csv", "id,body\n1,\"a \"\"b\"\"\"\n", &raw, &["a \"b\""]);
}

#[test]
fn a_row_that_is_not_as_wide_as_the_header_is_passed_on_as_it_is_without_key() {
    let text = "series,timestamp,value\na,0\nb,1,2,3\nc,\"1,2\nd,1,2\n";
    let json = [
        "a,0",
        "b,1,2,3",
        "c,\"1,2",
        r#"{"series":"d","timestamp":1,"value":2}"#,
    ];
    check("a.csv", text, &readings(Format::Json), &json);
    let records = read("a.csv", text.as_bytes(), &readings(Format::Csv)).expect("readable");
    assert_eq!(keys(&records), [None, None, None, Some("d".to_owned())]);
}

#[test]
fn a_row_cut_short_never_passes_for_a_row_of_a_narrower_source() {
    // Three of the four fields are left: as many as the source has columns.
    let text = "extra,series,timestamp,value\n1,2,3\nx,a,0,1\n";
    check("a.csv", text, &readings(Format::Csv), &["1,2,3,", "a,0,1"]);
}

#[test]
fn json_lines_go_on_verbatim_with_their_keys() {
    let text = "{ \"series\" : \"a\", \"x\": 1 }\n\n{\"series\":\"b\"\n{\"series\":\"c\"}";
    for name in ["a.ndjson", "a.ndjson.gz", "a.ndjson.zst"] {
        let records = read(name, text.as_bytes(), &readings(Format::Json)).expect("readable");
        let expected = [
            "{ \"series\" : \"a\", \"x\": 1 }",
            "{\"series\":\"b\"",
            "{\"series\":\"c\"}",
        ];
        assert_eq!(values(&records), expected);
        let key = |text: &str| Some(text.to_owned());
        assert_eq!(keys(&records), [key("a"), None, key("c")]);
        assert!(records.iter().all(|r| r.record.timestamp < 0));
    }
}

#[test]
fn a_column_that_the_header_lacks_is_named_with_what_is_there() {
    let text = b"series,time_stamp,value\n";
    assert_eq!(
        refusal("a.csv", text, &readings(Format::Json)),
        ", line 1: column \"timestamp\" is not in the header (series, time_stamp, value); \
         did you mean \"time_stamp\"?"
    );
    let unlike = refusal("a.csv", b"a,b\n", &readings(Format::Json));
    assert_eq!(
        unlike,
        ", line 1: column \"series\" is not in the header (a, b)"
    );
    let empty = refusal("a.csv", b"", &readings(Format::Json));
    assert_eq!(
        empty,
        ", line 1: it is empty; a CSV file begins with a header line"
    );
}

#[test]
fn json_lines_do_not_fit_a_csv_source() {
    let message = refusal("a.ndjson", b"{}", &readings(Format::Csv));
    assert!(
        message.contains("set format = \"json\" on the source"),
        "{message}"
    );
}

#[test]
fn a_damaged_archive_is_an_error_after_the_lines_before_the_damage() {
    let text: String = (0..50_000)
        .map(|i| format!("a,{i},{}\n", i * 7919))
        .collect();
    let text = format!("series,timestamp,value\n{text}");
    for name in ["a.csv.gz", "a.csv.zst"] {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = write(folder.path(), name, text.as_bytes());
        let whole = std::fs::read(&settings.path).expect("read");
        std::fs::write(&settings.path, &whole[..whole.len() / 2]).expect("written");
        let mut feed = FileFeed::open(&settings, &readings(Format::Json), 0).expect("opened");
        let mut records = 0u64;
        let error = loop {
            match feed.next(1) {
                Ok(more) => records += more.len() as u64,
                Err(error) => break error,
            }
        };
        let FeedError::Malformed { line, message, .. } = error else {
            panic!("{error}");
        };
        assert!(records > 1_000, "{records}");
        assert_eq!(line, records + 2, "behind the header and the records");
        assert!(message.contains("cut short or damaged"), "{message}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let settings = FileFeedSettings {
        path: "/nowhere/a.csv".into(),
        format: FileFormat::Csv,
        compression: FileCompression::None,
        repeat: false,
    };
    let error = FileFeed::open(&settings, &readings(Format::Json), 0).err();
    let error = error.expect("refused").to_string();
    assert_eq!(error, "feed cannot read \"/nowhere/a.csv\"");
}

#[test]
fn a_file_without_records_ends_though_it_repeats() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = write(folder.path(), "a.csv", b"series,timestamp,value\n");
    settings.repeat = true;
    let mut feed = FileFeed::open(&settings, &readings(Format::Json), 5).expect("opened");
    assert!(take(&mut feed, 10, 10).is_empty());
    assert!(feed.ended());
}
