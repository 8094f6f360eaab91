//! Points in time as text: RFC 3339, read and written without allocation.
//!
//! Read: `2018-04-01T00:00:31Z`, with `+02:00` for `Z`, a fraction of a second (cut after
//! milliseconds), a blank for `T`, or without zone (UTC). Written: `2018-04-01T00:00:31.000Z`.
//! A leap second reads as the second after it. The calendar is the proleptic Gregorian one;
//! days are counted with Howard Hinnant's `days_from_civil` and `civil_from_days`
//! (<https://howardhinnant.github.io/date_algorithms.html>).

/// `0000-01-01T00:00:00.000Z` in milliseconds: the first time that RFC 3339 can write.
pub(super) const FIRST: i64 = -62_167_219_200_000;
/// `9999-12-31T23:59:59.999Z` in milliseconds: the last.
pub(super) const LAST: i64 = 253_402_300_799_999;

const DAY_MS: i64 = 86_400_000;
/// Days from 0000-03-01, where a 400-year cycle begins, to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;
/// Days of 400 years.
const DAYS_PER_ERA: i64 = 146_097;

/// Milliseconds since 1970-01-01 UTC of a time in text, if it is one.
pub(super) fn parse(text: &str) -> Option<i64> {
    let (head, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let separators = (head[4], head[7], head[13], head[16]);
    if separators != (b'-', b'-', b':', b':') || !matches!(head[10], b'T' | b't' | b' ') {
        return None;
    }
    let year = pair(head, 0)? * 100 + pair(head, 2)?;
    let days = days_from_civil(year, pair(head, 5)?, pair(head, 8)?)?;
    let (hour, minute, second) = (pair(head, 11)?, pair(head, 14)?, pair(head, 17)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction, zone) = split_fraction(rest)?;
    let seconds = (hour * 60 + minute) * 60 + second;
    Some(days * DAY_MS + seconds * 1000 + fraction - offset(zone)?)
}

/// Appends a time in text. Beyond the years 0000 to 9999 the year has a sign and more digits.
pub(super) fn write(milliseconds: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(milliseconds.div_euclid(DAY_MS));
    let rest = milliseconds.rem_euclid(DAY_MS);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    if (0..=9999).contains(&year) {
        put_pair(&mut text, 0, year / 100);
        put_pair(&mut text, 2, year % 100);
    } else {
        out.extend_from_slice(format!("{year:+05}").as_bytes());
    }
    put_pair(&mut text, 5, month);
    put_pair(&mut text, 8, day);
    put_pair(&mut text, 11, rest / 3_600_000);
    put_pair(&mut text, 14, rest / 60_000 % 60);
    put_pair(&mut text, 17, rest / 1000 % 60);
    put_pair(&mut text, 20, rest % 1000 / 10);
    text[22] = digit(rest % 10);
    let from = if (0..=9999).contains(&year) { 0 } else { 4 };
    out.extend_from_slice(&text[from..]);
}

/// The number of two digits at a position.
fn pair(text: &[u8; 19], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

fn put_pair(text: &mut [u8; 24], at: usize, value: i64) {
    text[at] = digit(value / 10);
    text[at + 1] = digit(value % 10);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "callers pass 0 to 9"
)]
fn digit(value: i64) -> u8 {
    b'0' + value as u8
}

/// `.123` and what follows: the milliseconds, further digits cut, and the rest.
fn split_fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (fraction, zone) = digits.split_at(count);
    let digit_at = |i: usize| fraction.get(i).map_or(0, |b| i64::from(b - b'0'));
    let milliseconds = digit_at(0) * 100 + digit_at(1) * 10 + digit_at(2);
    (count > 0).then_some((milliseconds, zone))
}

/// Milliseconds that a zone is ahead of UTC: nothing, `Z`, `+hh:mm` or `-hh:mm`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, digits) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let &[h1, h2, b':', m1, m2] = digits else {
        return None;
    };
    if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (hours, minutes) = (number(h1, h2), number(m1, m2));
    (hours <= 23 && minutes <= 59).then(|| sign * (hours * 60 + minutes) * 60_000)
}

/// Days from 1970-01-01 to a date, if there is such a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // The year begins in March, so that the leap day is its last.
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH)
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_EPOCH;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests;
