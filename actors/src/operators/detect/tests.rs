//! The operator around the detectors: rows in, rows out, states written and read anywhere.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use config::{Column, DataType, Detect, DetectMethod, OperatorKind, Schema};
use proptest::prelude::*;

use crate::batch::Batch;
use crate::operators::fixture::reference::Cell;
use crate::operators::fixture::{self, FLOAT, INT, Input, cell, restored, run};
use crate::operators::keyed::{Emitted, KeyState, KeyedOperator, StateDecodeError, keyed};

fn detect(methods: Vec<DetectMethod>) -> Detect {
    Detect {
        columns: vec![FLOAT, INT],
        methods,
        threshold: 0.05,
        quiet: 5,
        warm_up: 30,
        memory: 100,
        added: ["score", "probability", "anomaly"].map(Into::into),
    }
}

fn methods() -> Vec<DetectMethod> {
    vec![
        DetectMethod::Ewma { alpha: 0.1 },
        DetectMethod::Knn {
            window: 2,
            neighbours: 1,
            history: 50,
        },
    ]
}

fn kernel(settings: Detect) -> Arc<dyn KeyedOperator> {
    let mut columns = fixture::schema().columns().to_vec();
    columns.push(Column::new("score", DataType::Float64, true));
    columns.push(Column::new("probability", DataType::Float64, true));
    columns.push(Column::new("anomaly", DataType::Bool, false));
    let kind = OperatorKind::Detect(settings);
    keyed(&fixture::operator(kind, vec![Schema::new(columns)])).unwrap()
}

/// Score, probability, anomaly of each row.
type Found = Vec<(Cell, Cell, bool)>;

fn found(kernel: &dyn KeyedOperator, batch: &Batch, out: Emitted) -> Found {
    let ports = kernel.finish(batch, out).unwrap();
    let mut all = Found::new();
    for (port, rows) in ports {
        assert_eq!(port, 0);
        let columns = rows.columns.columns();
        let anomalies = columns[6].as_boolean();
        all.extend((0..rows.len()).map(|row| {
            let at = |column: usize| cell(&columns[column], row);
            (at(4), at(5), anomalies.value(row))
        }));
    }
    all
}

fn input(float: Option<f64>, int: Option<i64>) -> Input {
    Input {
        time: 0,
        watermark: 0,
        float,
        int,
        text: None,
    }
}

proptest! {
    #[test]
    fn however_rows_are_cut_and_states_restored_the_same_comes_out(
        inputs in fixture::history(200, 0, 0), cuts in prop::collection::vec(1usize..40, 1..20),
    ) {
        let kernel = kernel(detect(methods()));
        let whole = fixture::batch(&inputs);
        let mut state = kernel.new_state();
        let expected = found(&*kernel, &whole, run(&*kernel, &whole, &mut state));
        let mut rest = inputs.as_slice();
        let mut cut_state = kernel.new_state();
        let mut got = Found::new();
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*cut));
            if now.is_empty() {
                break;
            }
            rest = later;
            let batch = fixture::batch(now);
            got.extend(found(&*kernel, &batch, run(&*kernel, &batch, &mut cut_state)));
            if !kernel.is_empty(&cut_state) {
                cut_state = restored(&*kernel, &cut_state);
            }
        }
        prop_assert_eq!(got, expected);
        let bytes = |state: &KeyState| {
            let mut bytes = Vec::new();
            kernel.encode(state, &mut bytes);
            bytes
        };
        prop_assert_eq!(bytes(&cut_state), bytes(&state));
    }

    #[test]
    fn no_bytes_from_outside_end_the_actor(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let kernel = kernel(detect(methods()));
        let mut all = vec![1];
        all.extend(bytes);
        if let Ok(mut state) = kernel.decode(&all) {
            run(&*kernel, &fixture::batch(&[input(Some(1.0), Some(1))]), &mut state);
        }
    }
}

#[test]
fn rows_with_a_null_leave_with_nulls_and_teach_nothing() {
    let kernel = kernel(detect(methods()));
    let mut state = kernel.new_state();
    let batch = fixture::batch(&[input(None, Some(1)), input(Some(f64::NAN), Some(1))]);
    let out = run(&*kernel, &batch, &mut state);
    let expected = (Cell::Null, Cell::Null, false);
    assert_eq!(found(&*kernel, &batch, out), [expected.clone(), expected]);
    assert!(kernel.is_empty(&state));
}

#[test]
fn a_jump_of_any_column_is_an_anomaly() {
    let kernel = kernel(detect(methods()));
    let mut state = kernel.new_state();
    let mut inputs: Vec<Input> = (0..100)
        .map(|n| input(Some(f64::from(n % 7)), Some(i64::from(n % 5))))
        .collect();
    inputs.push(input(Some(3.0), Some(900)));
    let batch = fixture::batch(&inputs);
    let found = found(&*kernel, &batch, run(&*kernel, &batch, &mut state));
    let anomalies: Vec<usize> = (0..found.len()).filter(|row| found[*row].2).collect();
    assert_eq!(anomalies, [100]);
}

#[test]
fn a_state_of_other_settings_is_refused() {
    let one = kernel(detect(methods()));
    let mut state = one.new_state();
    run(
        &*one,
        &fixture::batch(&[input(Some(1.0), Some(1))]),
        &mut state,
    );
    let mut bytes = Vec::new();
    one.encode(&state, &mut bytes);
    let other = kernel(detect(vec![DetectMethod::Ewma { alpha: 0.1 }]));
    let refused = StateDecodeError::Malformed("a detector of other settings");
    assert_eq!(other.decode(&bytes).unwrap_err(), refused);
    let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
    assert_eq!(
        one.decode(&longer).unwrap_err(),
        StateDecodeError::TooLong(1)
    );
    bytes.truncate(bytes.len() - 1);
    assert!(one.decode(&bytes).is_err());
    // An enormous count is refused before it is believed.
    let huge: Vec<u8> =
        bincode::serde::encode_to_vec((1u64, u64::MAX), bincode::config::standard()).unwrap();
    assert!(one.decode(&[&[1], huge.as_slice()].concat()).is_err());
}
