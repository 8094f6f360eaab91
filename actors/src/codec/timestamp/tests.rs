//! Against chrono, which reads and writes RFC 3339 on its own.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use proptest::prelude::*;

use super::{FIRST, LAST, parse, write};

/// What chrono makes of a text: RFC 3339, or the same without zone.
fn by_chrono(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_millis());
    }
    // Without zone chrono has no T-or-blank; it is made T. A leap second reads as the next.
    let text = text.replacen([' ', 't'], "T", 1);
    let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    Some(time.and_utc().timestamp_millis())
}

fn written(milliseconds: i64) -> String {
    let mut text = Vec::new();
    write(milliseconds, &mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn known_times_read_as_they_should() {
    let check = |text: &str, expect: Option<i64>| assert_eq!(parse(text), expect, "{text}");
    check("1970-01-01T00:00:00Z", Some(0));
    check("2018-04-01T00:00:31Z", Some(1_522_540_831_000));
    check("2018-04-01t00:00:31z", Some(1_522_540_831_000));
    check("2018-04-01 00:00:31", Some(1_522_540_831_000));
    check(
        "2018-04-01T02:00:31.1234567899+02:00",
        Some(1_522_540_831_123),
    );
    check("2018-03-31T23:59:31-00:01", Some(1_522_540_831_000));
    check("1969-12-31T23:59:59.999Z", Some(-1));
    check("2016-12-31T23:59:60Z", Some(1_483_228_800_000));
    check("2000-02-29T00:00:00Z", Some(951_782_400_000));
    check("0000-01-01T00:00:00Z", Some(FIRST));
    check("9999-12-31T23:59:59.999Z", Some(LAST));
    for text in [
        "",
        "2018-04-01",
        "2018-04-01T00:00",
        "2018-04-01T00:00:31.Z",
        "2018-04-01T00:00:31+2",
        "2018-04-01T00:00:31+02",
        "2018-04-01T00:00:31ZZ",
        "2018-04-31T00:00:00Z",
        "2018-13-01T00:00:00Z",
        "2018-00-01T00:00:00Z",
        "2018-04-00T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2018-04-01T24:00:00Z",
        "2018-04-01T00:60:00Z",
        "2018-04-01T00:00:61Z",
        "2018-04-01T00:00:00+24:00",
        "2018-04-01T00:00:00+00:60",
        "2018-04-01_00:00:00Z",
        "+018-04-01T00:00:00Z",
        "2018-04-01T00:00:0éZ",
        "2018-4-01T00:00:00.Z",
        " 2018-04-01T00:00:00Z",
        "2018-04-01T00:00:00Z ",
    ] {
        check(text, None);
    }
}

#[test]
fn years_beyond_rfc_3339_have_a_sign() {
    assert_eq!(written(LAST + 1), "+10000-01-01T00:00:00.000Z");
    assert_eq!(written(FIRST - 1), "-0001-12-31T23:59:59.999Z");
    assert!(written(i64::MIN).starts_with('-'));
    assert!(written(i64::MAX).starts_with('+'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn times_are_written_as_chrono_writes_them_and_read_back(ms in FIRST..=LAST) {
        let chrono = DateTime::from_timestamp_millis(ms).unwrap();
        let text = written(ms);
        prop_assert_eq!(&text, &chrono.to_rfc3339_opts(SecondsFormat::Millis, true));
        prop_assert_eq!(parse(&text), Some(ms));
    }

    #[test]
    fn what_has_the_form_of_a_time_reads_as_chrono_reads_it(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,12})?(Z|z|[+-][0-2][0-9]:[0-6][0-9])?"
    ) {
        prop_assert_eq!(parse(&text), by_chrono(&text), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", cut in 0usize..24, with in "[0-9+:. Z-]{0,3}") {
        parse(&text);
        let mut text = "2018-04-01T00:00:31.123Z".to_owned();
        text.replace_range(cut..(cut + with.len()).min(24), &with);
        prop_assert!(parse(&text).is_none_or(|ms| Some(ms) == by_chrono(&text)));
    }
}
