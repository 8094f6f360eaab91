//! Fields of comma-separated lines, against the csv crate.

use bytes::BytesMut;

use super::*;
use crate::feeds::fields;
use crate::feeds::layout::{put_csv_field, put_json_string};

/// The line's fields as the csv crate reads them.
fn reference(line: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(line);
    let record = reader.byte_records().next().expect("a record");
    record
        .expect("readable")
        .iter()
        .map(<[u8]>::to_vec)
        .collect()
}

fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    let texts = |all: &[fields::Field]| all.iter().map(|f| f.text(line).into_owned()).collect();
    fields::split(line, &mut all).then(|| texts(&all))
}

proptest! {
    #[test]
    fn written_fields_are_read_back_by_us_and_by_the_csv_crate(
        texts in proptest::collection::vec("[a-z0-9é,\"' ]{0,6}", 1..6),
    ) {
        let mut line = BytesMut::new();
        for (i, text) in texts.iter().enumerate() {
            if i > 0 {
                line.extend_from_slice(b",");
            }
            put_csv_field(&mut line, text.as_bytes());
        }
        let texts: Vec<_> = texts.into_iter().map(String::into_bytes).collect();
        prop_assert_eq!(split(&line), Some(texts.clone()));
        // The csv crate takes a line without any content for no record.
        if !line.is_empty() {
            prop_assert_eq!(reference(&line), texts);
        }
    }

    #[test]
    fn any_line_that_is_well_formed_has_the_fields_that_the_csv_crate_finds(
        line in "[a,\" ]{1,12}",
    ) {
        if let Some(found) = split(line.as_bytes()) {
            prop_assert_eq!(found, reference(line.as_bytes()));
        }
    }

    #[test]
    fn json_strings_are_read_back_by_serde(text in "\\PC{0,8}[\u{0}-\u{7f}]{0,8}") {
        let mut out = BytesMut::new();
        put_json_string(&mut out, text.as_bytes());
        let back: String = serde_json::from_slice(&out).expect("a JSON string");
        prop_assert_eq!(back, text);
    }
}
