//! Parts of timestamps, in UTC on the proleptic Gregorian calendar.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_schema::ArrowError;
use chrono::{DateTime, Datelike, NaiveDate};

use super::value::{Input, Value, downcast, unary};

/// Time zone of every timestamp column.
pub(super) const UTC: &str = "+00:00";

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1969-12-29, the Monday before the epoch, which was a Thursday.
const MONDAY: i64 = -3 * DAY;

/// What is read off a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Hour,
    Minute,
    DayOfWeek,
    Epoch,
}

/// What `date_trunc` rounds down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Steps of one length, in milliseconds, beginning at an instant.
    Fixed {
        step: i64,
        origin: i64,
    },
    Month,
    Year,
}

impl Unit {
    pub(super) fn parse(name: &str) -> Option<Self> {
        let fixed = |step| Some(Self::Fixed { step, origin: 0 });
        match name {
            "second" => fixed(SECOND),
            "minute" => fixed(MINUTE),
            "hour" => fixed(HOUR),
            "day" => fixed(DAY),
            "week" => Some(Self::Fixed {
                step: WEEK,
                origin: MONDAY,
            }),
            "month" => Some(Self::Month),
            "year" => Some(Self::Year),
            _ => None,
        }
    }
}

/// `hour(ts)`, `minute(ts)`, `day_of_week(ts)` (ISO 8601: Monday is 1), `epoch(ts)` in seconds.
pub(super) fn part(part: Part, time: &Value, input: &Input<'_>) -> Result<Value, ArrowError> {
    type T = TimestampMillisecondType;
    match part {
        Part::Hour => unary::<T, Int64Type>(time, input, |t| Some(t.rem_euclid(DAY) / HOUR)),
        Part::Minute => unary::<T, Int64Type>(time, input, |t| Some(t.rem_euclid(HOUR) / MINUTE)),
        Part::DayOfWeek => unary::<T, Int64Type>(time, input, |t| {
            let days_since_monday = t.div_euclid(DAY) - MONDAY / DAY;
            Some(days_since_monday.rem_euclid(7) + 1)
        }),
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact for 285,000 years around the epoch"
        )]
        Part::Epoch => unary::<T, Float64Type>(time, input, |t| Some(t as f64 / 1e3)),
    }
}

/// `date_trunc(unit, ts)`: the begin of the unit that the instant is in.
pub(super) fn truncate(unit: Unit, time: &Value, input: &Input<'_>) -> Result<Value, ArrowError> {
    type T = TimestampMillisecondType;
    let result = match unit {
        Unit::Fixed { step, origin } => unary::<T, T>(time, input, |t| {
            t.checked_sub(t.checked_sub(origin)?.rem_euclid(step))
        }),
        Unit::Month => unary::<T, T>(time, input, |t| begin(t, |date| date.with_day(1))),
        Unit::Year => unary::<T, T>(time, input, |t| begin(t, |date| date.with_ordinal(1))),
    }?;
    result.map(|array| {
        let times = downcast::<arrow_array::TimestampMillisecondArray>(array)?;
        debug_assert_eq!(times.len(), array.len());
        Ok(Arc::new(times.clone().with_timezone(UTC)))
    })
}

/// Midnight of the date that `f` makes of the instant's; `None` beyond the calendar (±262,000 years).
fn begin(time: i64, f: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Option<i64> {
    let date = f(DateTime::from_timestamp_millis(time)?.date_naive())?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}
