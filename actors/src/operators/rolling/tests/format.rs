//! The bytes of a state, committed: a change of form shows here before it meets a store.

use config::{Aggregate, Millis, Over, RollingColumn};

use super::reference::expected;
use super::{column, kernel};
use crate::operators::fixture::{self, FLOAT, INT, Input, TEXT, cell};
use crate::operators::keyed::StateDecodeError;

/// One column of each family, so that each part of the form is in the file.
fn columns() -> Vec<RollingColumn> {
    let time = Over::Time(Millis(60_000));
    vec![
        column(Aggregate::Sum, Some(INT), time, false),
        column(Aggregate::Avg, Some(FLOAT), time, false),
        column(Aggregate::StdDev, Some(FLOAT), time, false),
        column(Aggregate::Count, Some(TEXT), time, false),
        column(Aggregate::Last, Some(TEXT), time, false),
        column(Aggregate::Slope, Some(FLOAT), Over::Count(5), false),
        column(Aggregate::Max, Some(FLOAT), Over::All, false),
        column(Aggregate::First, Some(TEXT), Over::All, false),
        column(Aggregate::CountDistinct, Some(INT), Over::All, false),
        column(Aggregate::Quantile(0.5), Some(FLOAT), Over::All, false),
        column(Aggregate::Ewma(0.5), Some(FLOAT), Over::All, false),
        column(Aggregate::Lag(3), Some(FLOAT), Over::All, false),
    ]
}

fn rows() -> Vec<Input> {
    let row = |n: i64| Input {
        time: 1_700_000_000_000 + n * 7_000,
        watermark: 1_700_000_000_000 + n * 7_000 - 5_000,
        float: (n % 4 != 0).then_some(n as f64 / 8.0),
        int: (n % 5 != 0).then_some(n * 1_000),
        text: (n % 3 != 0).then(|| format!("text {n}")),
    };
    (0..25).map(row).collect()
}

#[test]
fn the_form_of_a_state_is_the_committed_one() {
    let kernel = kernel(&columns());
    let rows = rows();
    let (before, last) = rows.split_at(24);
    let mut state = kernel.new_state();
    fixture::run(&*kernel, &fixture::batch(before), &mut state);
    let mut bytes = Vec::new();
    kernel.encode(&state, &mut bytes);
    let golden = fixture::golden("rolling/tests/state-1.bin", &bytes);
    assert_eq!(bytes, golden, "a new form needs a new version byte");

    let mut state = kernel.decode(&golden).unwrap();
    let batch = fixture::batch(last);
    let out = fixture::run(&*kernel, &batch, &mut state);
    let got = kernel.finish(&batch, out).unwrap().remove(0).1.columns;
    for (at, column) in columns().iter().enumerate() {
        let got = cell(got.column(4 + at).as_ref(), 0);
        let want = expected(column, &rows);
        assert!(
            got.agrees(&want),
            "{}: {got:?}, expected {want:?}",
            column.name
        );
    }
}

#[test]
fn a_state_of_another_form_or_length_is_refused() {
    let kernel = kernel(&columns());
    let mut state = kernel.new_state();
    fixture::run(&*kernel, &fixture::batch(&rows()), &mut state);
    let mut bytes = Vec::new();
    kernel.encode(&state, &mut bytes);
    let refused = |bytes: &[u8]| kernel.decode(bytes).unwrap_err();
    assert_eq!(refused(&[]), StateDecodeError::Truncated);
    assert_eq!(
        refused(&[bytes.as_slice(), &[0]].concat()),
        StateDecodeError::TooLong(1)
    );
    bytes[0] = 2;
    let version = StateDecodeError::Version {
        found: 2,
        expected: 1,
    };
    assert_eq!(refused(&bytes), version);
}
