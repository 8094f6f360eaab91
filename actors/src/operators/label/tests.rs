//! Labels against a reference that looks at all records of a key at once; the label is column `f`.

use std::collections::HashMap;
use std::sync::Arc;

use config::{Label, Millis, OperatorKind};
use proptest::prelude::*;

use crate::batch::Batch;
use crate::operators::fixture::reference::Cell;
use crate::operators::fixture::{self, FLOAT, INT, Input, cell};
use crate::operators::keyed::{Emitted, KeyState, KeyedOperator, keyed};

const HORIZON: i64 = 100;

fn kernel() -> Arc<dyn KeyedOperator> {
    let label = Label {
        label: FLOAT,
        horizon: Millis(HORIZON),
    };
    let schemas = vec![fixture::schema(), fixture::schema()];
    keyed(&fixture::operator(OperatorKind::Label(label), schemas)).unwrap()
}

/// What a row was served with is in column `i`, its label in `f`.
fn served(time: i64, what: i64) -> Input {
    input(time, None, Some(what))
}

fn label(time: i64, outcome: f64) -> Input {
    input(time, Some(outcome), None)
}

fn input(time: i64, float: Option<f64>, int: Option<i64>) -> Input {
    Input {
        time,
        watermark: time,
        float,
        int,
        text: None,
    }
}

/// What left by each port: (time, `i`, `f`).
type Left = HashMap<usize, Vec<(i64, Cell, Cell)>>;

fn left(kernel: &dyn KeyedOperator, input: &Batch, out: Emitted) -> Left {
    let ports = kernel.finish(input, out).unwrap();
    let ports = ports.into_iter().map(|(port, batch)| {
        let (int, float) = (batch.columns.column(INT), batch.columns.column(FLOAT));
        let rows = batch.rows.iter().enumerate();
        let rows = rows.map(|(n, row)| (row.time, cell(int, n), cell(float, n)));
        (port, rows.collect())
    });
    ports.collect()
}

/// One key's records through a fresh state, each in a batch of its own, its state written and read in
/// between; then the watermark passes `end`.
fn run(inputs: &[Input], end: i64) -> Left {
    let kernel = kernel();
    let mut state = kernel.new_state();
    let mut all = Left::new();
    let mut take = |batch: &Batch, out: Emitted| {
        for (port, rows) in left(&*kernel, batch, out) {
            all.entry(port).or_default().extend(rows);
        }
    };
    for input in inputs {
        let batch = fixture::batch(std::slice::from_ref(input));
        let mut fired = kernel.emitted();
        fire(&*kernel, input.time, &mut state, &mut fired);
        take(&batch, fired);
        take(&batch, fixture::run(&*kernel, &batch, &mut state));
        state = fixture::restored(&*kernel, &state);
    }
    let mut fired = kernel.emitted();
    fire(&*kernel, end, &mut state, &mut fired);
    take(&fixture::batch(&[]), fired);
    all
}

fn fire(kernel: &dyn KeyedOperator, watermark: i64, state: &mut KeyState, out: &mut Emitted) {
    if kernel.timer(state).is_some_and(|timer| timer <= watermark) {
        kernel.fire(b"a", watermark, state, out);
    }
}

#[test]
fn a_row_leaves_with_its_label_whichever_came_first() {
    let whole = (30, Cell::Int(7), Cell::Float(1.0));
    for inputs in [
        [served(10, 7), label(30, 1.0)],
        [label(10, 1.0), served(30, 7)],
    ] {
        assert_eq!(run(&inputs, 1_000), Left::from([(0, vec![whole.clone()])]));
    }
}

#[test]
fn a_row_without_label_leaves_by_the_other_port_when_the_horizon_has_passed() {
    assert_eq!(run(&[served(10, 7)], 10 + HORIZON - 1), Left::new());
    let alone = (10 + HORIZON, Cell::Int(7), Cell::Null);
    assert_eq!(
        run(&[served(10, 7)], 10 + HORIZON),
        Left::from([(1, vec![alone])])
    );
}

#[test]
fn a_label_without_row_is_dropped_when_the_horizon_has_passed() {
    let late = [label(10, 1.0), served(10 + HORIZON, 7)];
    let alone = (10 + 2 * HORIZON, Cell::Int(7), Cell::Null);
    assert_eq!(run(&late, 10_000), Left::from([(1, vec![alone])]));
}

proptest! {
    /// Point in time: what leaves with a label is the row exactly as it came, at the later of the two
    /// times, and every row leaves exactly once.
    #[test]
    fn every_row_leaves_once_as_it_was_served(
        steps in prop::collection::vec((0_i64..60, any::<bool>(), 0_i64..1_000), 0..40)
    ) {
        let mut time = 0;
        let mut inputs = Vec::new();
        for (step, is_label, value) in steps {
            time += step;
            inputs.push(if is_label { label(time, value as f64) } else { served(time, value) });
        }
        prop_assert_eq!(run(&inputs, i64::MAX), reference(&inputs));
    }
}

/// By the definition: the first that came waits until something of the other kind comes in time.
fn reference(inputs: &[Input]) -> Left {
    let mut all = Left::new();
    let mut waiting: Option<Input> = None;
    let expire = |waiting: &mut Option<Input>, now: i64, all: &mut Left| {
        if let Some(old) = waiting.take_if(|old| old.time + HORIZON <= now)
            && let Some(what) = old.int
        {
            let row = (old.time + HORIZON, Cell::Int(what), Cell::Null);
            all.entry(1).or_default().push(row);
        }
    };
    for input in inputs {
        expire(&mut waiting, input.time, &mut all);
        match &waiting {
            Some(old) if old.int.is_some() == input.int.is_some() => {}
            Some(old) => {
                let (row, label) = if old.int.is_some() {
                    (old, input)
                } else {
                    (input, old)
                };
                let whole = (
                    input.time.max(old.time),
                    row.int.map_or(Cell::Null, Cell::Int),
                    label.float.map_or(Cell::Null, Cell::Float),
                );
                all.entry(0).or_default().push(whole);
                waiting = None;
            }
            None => waiting = Some(input.clone()),
        }
    }
    expire(&mut waiting, i64::MAX, &mut all);
    all
}
