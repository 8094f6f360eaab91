//! RFC 3339 to milliseconds since 1970-01-01 UTC.

use toml::value::{Datetime, Offset};

/// Parses `2018-04-01T00:00:00Z`, with a space for the `T`, without seconds' fraction or with, or a
/// date alone (its midnight). Without an offset it is UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let parsed: Datetime = text.trim().parse().ok()?;
    let date = parsed.date?;
    let days = days_since_1970(i64::from(date.year), date.month.into(), date.day.into());
    let mut millis = days * 86_400_000;
    if let Some(time) = parsed.time {
        millis += i64::from(time.hour) * 3_600_000 + i64::from(time.minute) * 60_000;
        millis += i64::from(time.second.unwrap_or(0)) * 1_000;
        millis += i64::from(time.nanosecond.unwrap_or(0)) / 1_000_000;
    }
    match parsed.offset {
        Some(Offset::Custom { minutes }) => millis -= i64::from(minutes) * 60_000,
        Some(Offset::Z) | None => {}
    }
    Some(millis)
}

/// Days of the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`): years begin in March, so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn times_are_those_of_gnu_date() {
        // date -ud '…' +%s
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2018-04-01T00:00:31Z", 1_522_540_831),
            ("2000-02-29 12:00:00", 951_825_600),
            ("1969-12-31T23:59:59Z", -1),
            ("2024-03-01T01:00:00+02:00", 1_709_247_600),
            ("2026-11-24", 1_795_478_400),
        ] {
            assert_eq!(parse(text), Some(seconds * 1_000), "{text}");
        }
        assert_eq!(parse("2018-04-01T00:00:31.25Z"), Some(1_522_540_831_250));
        assert_eq!(parse("noon"), None);
        assert_eq!(parse("12:00:00"), None);
    }
}
