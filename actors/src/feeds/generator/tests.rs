//! What the made worlds look like, and how their records are written.

mod cards;
mod sensors;
mod writing;

use std::collections::HashMap;
use std::time::Instant;

use config::{Format, Profile};
use serde_json::Value;

use super::DAY_MS;
use crate::feeds::tests::{payments, readings, source, take, values};
use crate::feeds::{FeedRecord, FeedTarget};

/// Payments among which thieves never change.
pub(crate) const STEADY: Profile = Profile::CardFraud { drift: None };

/// Records of a world as JSON with their labels: rows, then labels.
fn world(profile: Profile, seed: u64, rows: u64) -> (Vec<Value>, Vec<Value>) {
    let source = match profile {
        Profile::CardFraud { .. } => payments(Format::Json),
        Profile::Sensor => readings(Format::Json),
    };
    let mut feed = super::generator(profile, seed, Some(rows), &source, 0);
    let records = take(&mut *feed, usize::MAX, 10_000);
    let (rows, labels): (Vec<_>, Vec<_>) = records
        .into_iter()
        .partition(|r| r.target == FeedTarget::Source);
    let parsed = |records: Vec<FeedRecord>| {
        let value = |r: FeedRecord| r.record.value.expect("a value");
        let json = |r| serde_json::from_slice(&value(r)).expect("JSON");
        records.into_iter().map(json).collect()
    };
    (parsed(rows), parsed(labels))
}

fn integer(row: &Value, name: &str) -> i64 {
    row[name].as_i64().expect("an integer")
}

fn number(row: &Value, name: &str) -> f64 {
    row[name].as_f64().expect("a number")
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().expect("a string")
}

fn mean(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    sum / count
}

#[track_caller]
fn assert_near(found: f64, expected: f64, relative: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs();
    assert!(error <= relative, "{what}: {found}, not {expected}");
}

#[test]
fn rows_and_labels_come_in_the_order_of_time_and_each_row_has_one_label() {
    for (profile, source, time, delay) in [
        (STEADY, payments(Format::Json), "ts", 7),
        (Profile::Sensor, readings(Format::Json), "timestamp", 1),
    ] {
        let mut feed = super::generator(profile, 3, Some(90_000), &source, 0);
        let records = take(&mut *feed, usize::MAX, 999);
        assert_eq!(records.len(), 180_000);
        let mut last = i64::MIN;
        let mut pending = std::collections::VecDeque::new();
        for (record, value) in records.iter().zip(values(&records)) {
            let row: Value = serde_json::from_str(&value).expect("JSON");
            let now = integer(&row, time);
            assert!(now >= last, "{now} after {last}");
            last = now;
            match record.target {
                FeedTarget::Source => pending.push_back((now, record.record.key.clone())),
                FeedTarget::Labels => {
                    let (then, key) = pending.pop_front().expect("its row went before");
                    assert_eq!(now, then + delay * DAY_MS);
                    assert_eq!(record.record.key, key);
                }
            }
        }
        assert!(pending.is_empty());
    }
}

#[test]
fn another_seed_makes_another_world() {
    for profile in [STEADY, Profile::Sensor] {
        assert_eq!(world(profile, 1, 100), world(profile, 1, 100));
        assert_ne!(world(profile, 1, 100).0, world(profile, 2, 100).0);
    }
}

#[test]
#[ignore = "a measurement: run it with --release --nocapture"]
fn speed() {
    for (profile, source) in [
        (STEADY, payments(Format::Json)),
        (Profile::Sensor, readings(Format::Csv)),
    ] {
        let begun = Instant::now();
        let mut feed = super::generator(profile, 7, None, &source, 0);
        println!("{profile:?}: opened in {:?}", begun.elapsed());
        let (begun, mut made) = (Instant::now(), 0);
        while made < 4_000_000 {
            made += feed.next(1_000).expect("made").len();
        }
        let rate = made as f64 / begun.elapsed().as_secs_f64();
        println!("{profile:?}: {rate:.0} records a second");
        let begun = Instant::now();
        let mut feed = super::generator(profile, 7, None, &source, 10_000_000);
        assert_eq!(feed.next(1).expect("made").len(), 1);
        println!("{profile:?}: at 10 M in {:?}", begun.elapsed());
    }
}
