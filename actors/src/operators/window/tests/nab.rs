//! Hourly windows of the Numenta Anomaly Benchmark's series against a computation by sorting.

use std::collections::BTreeMap;

use chrono::DateTime;
use config::{Aggregate, Emit, Millis, Window, WindowKind};

use super::{column, kernel, run};
use crate::operators::fixture::reference::Cell;
use crate::operators::fixture::{self, FLOAT, Input, cell};

const HOUR: i64 = 3_600_000;

#[test]
fn hourly_windows_of_nab_equal_a_computation_by_sorting() {
    let Some(records) = fixture::shared_csv("nab/series.csv.gz") else {
        return;
    };
    let mut series: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    for record in &records {
        let time = DateTime::parse_from_rfc3339(&record[3])
            .unwrap()
            .timestamp_millis();
        let value = record[4].parse().unwrap();
        series
            .entry(record[1].to_owned())
            .or_default()
            .push((time, value));
    }
    let window = Window {
        kind: WindowKind::Tumbling { size: Millis(HOUR) },
        columns: vec![
            column(Aggregate::Count, None),
            column(Aggregate::Min, Some(FLOAT)),
            column(Aggregate::Max, Some(FLOAT)),
            column(Aggregate::Quantile(0.95), Some(FLOAT)),
        ],
        emit: Emit::Final,
        // Where clocks went back the series repeat up to an hour: nothing is late here.
        allowed_lateness: Millis(1_000 * HOUR),
    };
    let kernel = kernel(&window);
    for (name, rows) in &series {
        let input = |(time, value): &(i64, f64)| Input {
            time: *time,
            watermark: i64::MIN,
            float: Some(*value),
            int: None,
            text: None,
        };
        let inputs: Vec<Input> = rows.iter().map(input).collect();
        let got = run(&*kernel, &inputs, &[100, 1_000]).remove(0).1.columns;
        let mut hours: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for (time, value) in rows {
            hours.entry(time - time % HOUR).or_default().push(*value);
        }
        assert_eq!(got.num_rows(), hours.len(), "{name}");
        for (row, (hour, values)) in hours.iter_mut().enumerate() {
            values.sort_by(f64::total_cmp);
            let rank = 0.95 * (values.len() - 1) as f64;
            let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
            let want = [
                Cell::Int(*hour),
                Cell::Int(hour + HOUR),
                Cell::Int(values.len() as i64),
                Cell::Float(values[0]),
                Cell::Float(values[values.len() - 1]),
                Cell::Float(low * (1.0 - rank.fract()) + high * rank.fract()),
            ];
            for (at, want) in want.iter().enumerate() {
                let got = cell(got.column(1 + at).as_ref(), row);
                assert!(
                    got.agrees(want),
                    "{name} {hour}: {got:?}, expected {want:?}"
                );
            }
        }
    }
}
