//! sensor-anomaly over the 35 series of the Numenta Anomaly Benchmark, against a recomputation from
//! the file that knows nothing of windows that slide or states that are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::log::Log;
use actors::log::memory::MemoryLog;
use actors::nodes::faults::Faults;
use serde_json::Value;
use tests::{inside, shared};

/// A reading: milliseconds and value.
type Reading = (i64, f64);

const HOUR_MS: i64 = 3_600_000;

/// Readings of each series in the order of the merged stream, and the stream as CSV.
fn stream(text: &str) -> (BTreeMap<String, Vec<Reading>>, String) {
    let mut rows: Vec<(String, String, f64)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (
                fields[3].to_owned(),
                fields[1].to_owned(),
                fields[4].parse().expect("a number"),
            )
        })
        .collect();
    // RFC 3339 with one zone sorts as text; the sort is stable, so each series keeps its order.
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let mut series: BTreeMap<String, Vec<Reading>> = BTreeMap::new();
    let mut csv = String::from("series,timestamp,value\n");
    for (time, name, value) in rows {
        csv.push_str(&format!("{name},{time},{value}\n"));
        series.entry(name).or_default().push((millis(&time), value));
    }
    (series, csv)
}

/// `2014-04-01T00:05:00Z` (with or without milliseconds) as milliseconds since 1970 (Howard
/// Hinnant, "chrono-compatible low-level date algorithms": `days_from_civil`).
fn millis(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let fraction = if text.len() > 20 { number(20..23) } else { 0 };
    ((days * 24 + number(11..13)) * 60 + number(14..16)) * 60_000 + number(17..19) * 1000 + fraction
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-9)
}

/// |value - mean| / max(deviation, 1e-6) over the 400 readings before.
fn surprise(readings: &[Reading], nth: usize) -> Option<f64> {
    let past: Vec<f64> = readings[nth.saturating_sub(400)..nth]
        .iter()
        .map(|r| r.1)
        .collect();
    if past.len() < 2 {
        return None;
    }
    let mean = past.iter().sum::<f64>() / past.len() as f64;
    let squares: f64 = past.iter().map(|v| (v - mean) * (v - mean)).sum();
    let deviation = (squares / (past.len() - 1) as f64).sqrt();
    Some((readings[nth].1 - mean).abs() / deviation.max(0.000_001))
}

/// Quantile with linear interpolation, as numpy's and pandas' default.
fn quantile(mut values: Vec<f64>, q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = q * (values.len() - 1) as f64;
    let low = at.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    values[low] + (values[high] - values[low]) * (at - low as f64)
}

fn check_surprises(log: &dyn Log, series: &BTreeMap<String, Vec<Reading>>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for text in inside::values(log, "surprises").into_iter().flatten() {
        let row: Value = serde_json::from_str(&text).expect("JSON");
        let name = row["series"].as_str().expect("a series").to_owned();
        let nth = seen.entry(name.clone()).or_default();
        let readings = &series[&name];
        assert_eq!(
            millis(row["timestamp"].as_str().expect("a time")),
            readings[*nth].0,
            "{text}"
        );
        // The first row has no past; the second none to have a deviation of.
        if let Some(expected) = surprise(readings, *nth) {
            let found = row["score"].as_f64().expect("a score");
            // A deviation of nearly nothing magnifies the rounding of what it is taken from.
            let close = near(found, expected) || (found - expected).abs() < 1e-6 * expected.abs();
            assert!(close, "{text}: {expected}");
        }
        *nth += 1;
    }
    let counts: BTreeMap<&String, usize> = series.iter().map(|(k, v)| (k, v.len())).collect();
    assert_eq!(
        seen.iter()
            .map(|(k, v)| (k, *v))
            .collect::<BTreeMap<_, _>>(),
        counts
    );
}

fn check_hours(log: &dyn Log, series: &BTreeMap<String, Vec<Reading>>) {
    let mut expected: BTreeMap<(String, i64), Vec<f64>> = BTreeMap::new();
    for (name, readings) in series {
        for (time, value) in readings {
            let hour = time.div_euclid(HOUR_MS) * HOUR_MS;
            expected
                .entry((name.clone(), hour))
                .or_default()
                .push(*value);
        }
    }
    for text in inside::values(log, "hourly").into_iter().flatten() {
        let row: Value = serde_json::from_str(&text).expect("JSON");
        let name = row["series"].as_str().expect("a series").to_owned();
        let hour = millis(row["window_start"].as_str().expect("a time"));
        let values = expected.remove(&(name, hour)).expect("each hour once");
        assert_eq!(row["n"].as_u64(), Some(values.len() as u64), "{text}");
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for (column, wanted) in [
            ("low", least),
            ("high", most),
            ("p95", quantile(values, 0.95)),
        ] {
            assert!(
                near(row[column].as_f64().expect("a number"), wanted),
                "{column} {wanted}: {text}"
            );
        }
    }
    assert!(expected.is_empty(), "{} hours are missing", expected.len());
}

#[test]
fn sensor_anomaly_gives_a_row_for_each_reading_and_the_hours_that_the_file_holds() {
    let test = "sensor-anomaly over NAB";
    let Some(data) = shared::file("data/nab/series.csv.gz", test) else {
        return;
    };
    let Some(topology) = shared::file("topologies/sensor-anomaly.toml", test) else {
        return;
    };
    let (series, csv) = stream(&shared::gunzip(&data).expect("readable"));
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("readings.csv");
    std::fs::write(&path, csv).expect("written");
    let text = std::fs::read_to_string(topology).expect("readable");
    let text = text.replace("readings.csv.gz", &path.display().to_string());
    let text = format!(
        "{text}\n[[sink]]\nid = \"all\"\ninput = \"surprise\"\ntopic = \"surprises\"\nformat = \"json\"\nkey = \"series\"\n"
    );
    let log: Arc<dyn Log> = Arc::new(MemoryLog::new());
    inside::run(
        inside::topology(&text),
        Arc::clone(&log),
        dir.path(),
        Faults::default(),
    );
    check_surprises(&*log, &series);
    check_hours(&*log, &series);
    let alerts: usize = inside::values(&*log, "alerts").iter().map(Vec::len).sum();
    assert!(alerts > 0, "some readings are surprising");
}
