//! The customer features of `card-fraud` on real rows, against a brute-force computation.

use std::collections::HashMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use config::{Aggregate, Millis, Over};

use super::{column, kernel};
use crate::operators::fixture::{self, FLOAT, Input};
use crate::operators::keyed::KeyState;

const DAY: i64 = 86_400_000;
const ROWS: usize = 50_000;

#[test]
fn card_fraud_features_equal_brute_force_on_fifty_thousand_rows() {
    let Some(records) = fixture::shared_csv("fraud/transactions-2018-04.csv.gz") else {
        return;
    };
    let mut columns = Vec::new();
    for days in [1, 7, 30] {
        let over = Over::Time(Millis(days * DAY));
        columns.push(column(Aggregate::Count, None, over, false));
        columns.push(column(Aggregate::Avg, Some(FLOAT), over, false));
    }
    let kernel = kernel(&columns);
    let mut states: HashMap<String, KeyState> = HashMap::new();
    let mut histories: HashMap<String, Vec<(i64, f64)>> = HashMap::new();
    assert!(
        records.len() >= ROWS,
        "the month has {} rows",
        records.len()
    );
    for record in &records[..ROWS] {
        let time = record[1].parse::<i64>().unwrap() * 1_000;
        let amount: f64 = record[4].parse().unwrap();
        let batch = fixture::batch(&[Input {
            time,
            watermark: time - 10_000,
            float: Some(amount),
            int: None,
            text: None,
        }]);
        let customer = record[2].to_owned();
        let state = states
            .entry(customer.clone())
            .or_insert_with(|| kernel.new_state());
        let out = fixture::run(&*kernel, &batch, state);
        let got = kernel.finish(&batch, out).unwrap().remove(0).1.columns;

        let history = histories.entry(customer).or_default();
        history.push((time, amount));
        for (nth, days) in [1, 7, 30].into_iter().enumerate() {
            let window = history.iter().filter(|(t, _)| *t > time - days * DAY);
            let amounts: Vec<f64> = window.map(|(_, amount)| *amount).collect();
            let mean = amounts.iter().sum::<f64>() / amounts.len() as f64;
            let count = got.column(4 + 2 * nth).as_primitive::<Int64Type>().value(0);
            let average = got
                .column(5 + 2 * nth)
                .as_primitive::<Float64Type>()
                .value(0);
            assert_eq!(count, amounts.len() as i64);
            assert!(
                (average - mean).abs() <= 1e-9 * mean.abs(),
                "{average} {mean}"
            );
        }
    }
}
