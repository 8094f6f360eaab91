//! Windows against a reference that keeps every row and applies the definitions.

mod format;
mod nab;
mod reference;

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use config::{
    Aggregate, Column, DataType, Emit, Millis, OperatorKind, Schema, Window, WindowColumn,
    WindowKind,
};
use proptest::prelude::*;

use crate::batch::Batch;
use crate::operators::fixture::reference::{Cell, result_type};
use crate::operators::fixture::{self, FLOAT, INT, Input, TEXT, cell, history};
use crate::operators::keyed::{Emitted, KeyState, KeyedOperator, NO_RECORD, keyed};
use reference::{Expected, expected};

/// The kernel of a window operator.
pub(super) fn kernel(window: &Window) -> Arc<dyn KeyedOperator> {
    let mut out = vec![
        Column::new("k", DataType::String, false),
        Column::new("window_start", DataType::Timestamp, false),
        Column::new("window_end", DataType::Timestamp, false),
    ];
    for column in &window.columns {
        out.push(Column::new(&column.name, column.data_type.clone(), true));
    }
    let ports = vec![Schema::new(out), fixture::schema()];
    keyed(&fixture::operator(
        OperatorKind::Window(window.clone()),
        ports,
    ))
    .unwrap()
}

/// One column.
pub(super) fn column(aggregate: Aggregate, of: Option<usize>) -> WindowColumn {
    WindowColumn {
        name: format!("{aggregate:?} of {of:?}").into(),
        aggregate,
        of,
        data_type: result_type(aggregate, of),
    }
}

/// Every aggregate that windows have.
fn every_column() -> Vec<WindowColumn> {
    let numeric = [
        Aggregate::Sum,
        Aggregate::Avg,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Variance,
        Aggregate::StdDev,
        Aggregate::First,
        Aggregate::Last,
        Aggregate::CountDistinct,
        Aggregate::Quantile(0.95),
    ];
    let mut columns = vec![
        column(Aggregate::Count, None),
        column(Aggregate::Slope, Some(FLOAT)),
    ];
    for aggregate in numeric {
        columns.push(column(aggregate, Some(FLOAT)));
        columns.push(column(aggregate, Some(INT)));
    }
    for aggregate in [
        Aggregate::Count,
        Aggregate::Min,
        Aggregate::Last,
        Aggregate::CountDistinct,
    ] {
        columns.push(column(aggregate, Some(TEXT)));
    }
    columns
}

fn kinds() -> impl Strategy<Value = WindowKind> {
    prop_oneof![
        (1i64..30).prop_map(|size| WindowKind::Tumbling { size: Millis(size) }),
        (1i64..30, 1i64..30).prop_map(|(a, b)| WindowKind::Sliding {
            size: Millis(a.max(b)),
            slide: Millis(a.min(b)),
        }),
        (1i64..12).prop_map(|gap| WindowKind::Gap { gap: Millis(gap) }),
    ]
}

/// Runs rows, cut into batches before some of them: between batches the windows that are due are
/// fired, and the state goes through its bytes. At the end everything is fired.
fn run(kernel: &dyn KeyedOperator, inputs: &[Input], cuts: &[usize]) -> Vec<(usize, Batch)> {
    let whole = fixture::batch(inputs);
    let bound = kernel.bind(&whole.columns).unwrap();
    let mut state = kernel.new_state();
    let mut out = kernel.emitted();
    for (row, meta) in whole.rows.iter().enumerate() {
        if cuts.contains(&row) {
            fire(kernel, meta.watermark, &mut state, &mut out);
            state = fixture::restored(kernel, &state);
        }
        kernel.row(&bound, row, meta, &mut state, &mut out);
    }
    fire(kernel, i64::MAX, &mut state, &mut out);
    assert!(kernel.is_empty(&state));
    kernel.finish(&whole, out).unwrap()
}

/// Fires as hosts do: at each timer in turn.
fn fire(kernel: &dyn KeyedOperator, watermark: i64, state: &mut KeyState, out: &mut Emitted) {
    while let Some(due) = kernel.timer(state).filter(|due| *due <= watermark) {
        kernel.fire(b"a", due, state, out);
    }
}

fn check(window: &Window, want: &Expected, got: &[(usize, Batch)]) -> Result<(), TestCaseError> {
    let port = |wanted| {
        got.iter()
            .find(|(port, _)| *port == wanted)
            .map(|(_, batch)| batch)
    };
    let rows = port(0).map_or(0, Batch::len);
    prop_assert_eq!(rows, want.windows.len(), "windows");
    for (row, (start, end, cells)) in want.windows.iter().enumerate() {
        let batch = port(0).unwrap();
        let value = |column: usize| cell(batch.columns.column(column).as_ref(), row);
        prop_assert_eq!(value(0), Cell::Text("a".into()));
        prop_assert_eq!(value(1), Cell::Int(*start));
        prop_assert_eq!(value(2), Cell::Int(*end));
        for (at, want) in cells.iter().enumerate() {
            let got = value(3 + at);
            let name = &window.columns[at].name;
            prop_assert!(
                got.agrees(want),
                "{name} in {start}..{end}: got {got:?}, expected {want:?}"
            );
        }
    }
    let late: Vec<u32> = port(1).map_or_else(Vec::new, |batch| {
        batch.rows.iter().map(|row| row.index).collect()
    });
    prop_assert_eq!(&late, &want.late);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn windows_hold_what_the_definitions_say_however_rows_are_cut_into_batches(
        kind in kinds(),
        inputs in history(60, 14, 6),
        lateness in 0i64..6,
        cuts in prop::collection::vec(0usize..60, 0..6),
    ) {
        let window = Window {
            kind,
            columns: every_column(),
            emit: Emit::Final,
            allowed_lateness: Millis(lateness),
        };
        let want = expected(&window, &inputs);
        check(&window, &want, &run(&*kernel(&window), &inputs, &cuts))?;
    }

    #[test]
    fn updates_end_with_what_final_gives(kind in kinds(), inputs in history(30, 14, 6)) {
        let mut window = Window {
            kind,
            columns: vec![column(Aggregate::Count, None)],
            emit: Emit::Updates,
            allowed_lateness: Millis(0),
        };
        let updates = run(&*kernel(&window), &inputs, &[]);
        window.emit = Emit::Final;
        let finals = run(&*kernel(&window), &inputs, &[]);
        let fired = |ports: &[(usize, Batch)]| {
            let (_, batch) = ports.iter().find(|(port, _)| *port == 0).unwrap();
            let rows = batch.rows.iter().zip(0..);
            let fired: Vec<u32> = rows.filter(|(r, _)| r.index == NO_RECORD).map(|(_, n)| n).collect();
            batch.take(&fired).unwrap().columns
        };
        prop_assert_eq!(fired(&updates), fired(&finals));
        let late = updates.iter().find(|(port, _)| *port == 1).map_or(0, |(_, b)| b.len());
        let emitted = updates.iter().find(|(port, _)| *port == 0).map_or(0, |(_, b)| b.len());
        // Every row that is not late is in one window at least, and says so.
        prop_assert!(emitted - fired(&updates).num_rows() >= inputs.len() - late);
    }

    #[test]
    fn spoilt_bytes_are_refused_or_read_but_never_panic(
        kind in kinds(),
        inputs in history(20, 4, 4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let window = Window {
            kind,
            columns: every_column(),
            emit: Emit::Final,
            allowed_lateness: Millis(0),
        };
        let kernel = kernel(&window);
        let mut state = kernel.new_state();
        fixture::run(&*kernel, &fixture::batch(&inputs), &mut state);
        let mut bytes = Vec::new();
        kernel.encode(&state, &mut bytes);
        let at = at.index(bytes.len());
        prop_assert!(kernel.decode(&bytes[..at]).is_err());
        bytes[at] = byte;
        let _ = kernel.decode(&bytes).is_ok();
    }
}

#[test]
fn a_fired_row_bears_the_windows_last_millisecond_and_its_newest_append() {
    let window = Window {
        kind: WindowKind::Tumbling { size: Millis(10) },
        columns: vec![column(Aggregate::Count, None)],
        emit: Emit::Final,
        allowed_lateness: Millis(3),
    };
    let kernel = kernel(&window);
    let row = |time| Input {
        time,
        watermark: i64::MIN,
        float: None,
        int: None,
        text: None,
    };
    let batch = fixture::batch(&[row(21), row(29)]);
    let mut state = kernel.new_state();
    let mut out = fixture::run(&*kernel, &batch, &mut state);
    assert_eq!(kernel.timer(&state), Some(33));
    kernel.fire(b"a", 32, &mut state, &mut out);
    assert!(out.is_empty());
    kernel.fire(b"a", 50, &mut state, &mut out);
    let fired = kernel.finish(&batch, out).unwrap().remove(0).1;
    let row = fired.rows[0];
    assert_eq!((row.time, row.watermark, row.appended), (29, 29, 1_001));
    assert_eq!(
        fired.columns.column(3).as_primitive::<Int64Type>().value(0),
        2
    );
}

#[test]
fn sketches_stay_within_their_error_beyond_256_values() {
    let window = Window {
        kind: WindowKind::Sliding {
            size: Millis(20_000),
            slide: Millis(5_000),
        },
        columns: vec![
            column(Aggregate::CountDistinct, Some(INT)),
            column(Aggregate::Quantile(0.9), Some(FLOAT)),
        ],
        emit: Emit::Final,
        allowed_lateness: Millis(0),
    };
    let row = |n: i64| Input {
        time: n,
        watermark: n,
        float: Some((n * 7_919 % 20_000) as f64),
        int: Some(n),
        text: None,
    };
    let inputs: Vec<Input> = (0..20_000).map(row).collect();
    let fired = run(&*kernel(&window), &inputs, &[1, 4_999, 5_001, 17_000])
        .remove(0)
        .1;
    let whole = (0..fired.len())
        .find(|n| fired.rows[*n].time == 19_999)
        .unwrap();
    let distinct = fired
        .columns
        .column(3)
        .as_primitive::<Int64Type>()
        .value(whole);
    assert!(
        (distinct - 20_000).abs() < 1_000,
        "{distinct}: three standard errors"
    );
    let Cell::Float(quantile) = cell(fired.columns.column(4).as_ref(), whole) else {
        panic!("NULL");
    };
    assert!((quantile - 18_000.0).abs() < 100.0, "{quantile}");
}
