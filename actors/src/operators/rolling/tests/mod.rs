//! Rolling columns against a reference that looks at the whole history for every row, in arithmetic
//! that is exact: values are multiples of 2^-10, so that sums fit into integers of 128 bits.

mod reference;
mod format;
mod fraud;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use config::{Aggregate, Column, Millis, OperatorKind, Over, Rolling, RollingColumn};
use proptest::prelude::*;

use crate::operators::fixture::reference::result_type;
use crate::operators::fixture::{self, FLOAT, INT, Input, TEXT, cell, history};
use crate::operators::keyed::{KeyedOperator, keyed};
use reference::expected;

/// The kernel of these columns.
pub(super) fn kernel(columns: &[RollingColumn]) -> Arc<dyn KeyedOperator> {
    let mut out = fixture::schema().columns().to_vec();
    for column in columns {
        out.push(Column::new(&column.name, column.data_type.clone(), true));
    }
    let rolling = Rolling {
        columns: columns.to_vec(),
    };
    let schema = config::Schema::new(out);
    let operator = fixture::operator(OperatorKind::Rolling(rolling), vec![schema]);
    keyed(&operator).unwrap()
}

/// One column.
pub(super) fn column(
    aggregate: Aggregate,
    of: Option<usize>,
    over: Over,
    exclude_current: bool,
) -> RollingColumn {
    RollingColumn {
        name: format!("{aggregate:?} of {of:?} over {over:?} {exclude_current}").into(),
        aggregate,
        of,
        over,
        exclude_current,
        data_type: result_type(aggregate, of),
    }
}

/// Every aggregate that takes the input, over every kind of past.
pub(super) fn every_column() -> Vec<RollingColumn> {
    let numeric = [
        Aggregate::Count,
        Aggregate::Sum,
        Aggregate::Avg,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::Variance,
        Aggregate::StdDev,
        Aggregate::First,
        Aggregate::Last,
        Aggregate::CountDistinct,
        Aggregate::Quantile(0.5),
        Aggregate::Quantile(0.95),
        Aggregate::Slope,
        Aggregate::Ewma(0.3),
        Aggregate::Delta(1),
        Aggregate::Lag(2),
        Aggregate::ZScore,
    ];
    let textual = [
        Aggregate::Count,
        Aggregate::Min,
        Aggregate::Max,
        Aggregate::First,
        Aggregate::Last,
        Aggregate::CountDistinct,
        Aggregate::Lag(1),
    ];
    let overs = [
        Over::Time(Millis(10)),
        Over::Time(Millis(40)),
        Over::Count(3),
        Over::Count(12),
        Over::All,
    ];
    let mut columns = Vec::new();
    for over in overs {
        for exclude in [false, true] {
            columns.push(column(Aggregate::Count, None, over, exclude));
            for aggregate in numeric {
                columns.push(column(aggregate, Some(FLOAT), over, exclude));
                columns.push(column(aggregate, Some(INT), over, exclude));
            }
            for aggregate in textual {
                columns.push(column(aggregate, Some(TEXT), over, exclude));
            }
        }
    }
    columns
}

/// Compares every row of every column.
pub(super) fn check(columns: &[RollingColumn], inputs: &[Input], got: &RecordBatch) {
    let leading = fixture::schema().columns().len();
    for (at, column) in columns.iter().enumerate() {
        let array = got.column(leading + at);
        for row in 0..inputs.len() {
            let got = cell(array.as_ref(), row);
            let want = expected(column, &inputs[..=row]);
            assert!(
                got.agrees(&want),
                "{} in row {row}: got {got:?}, expected {want:?}",
                column.name
            );
        }
    }
}

/// Runs all rows in one batch.
pub(super) fn output(kernel: &dyn KeyedOperator, inputs: &[Input]) -> RecordBatch {
    let batch = fixture::batch(inputs);
    let out = fixture::run(kernel, &batch, &mut kernel.new_state());
    kernel.finish(&batch, out).unwrap().remove(0).1.columns
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_in_order_see_what_the_whole_history_says(inputs in history(90, 0, 0)) {
        let columns = every_column();
        check(&columns, &inputs, &output(&*kernel(&columns), &inputs));
    }

    #[test]
    fn rows_out_of_order_see_what_the_whole_history_says(inputs in history(60, 12, 12)) {
        let columns = every_column();
        check(&columns, &inputs, &output(&*kernel(&columns), &inputs));
    }

    #[test]
    fn a_restored_state_goes_on_bit_for_bit(
        inputs in history(60, 4, 4),
        cut in 0usize..60,
    ) {
        let kernel = kernel(&every_column());
        let cut = cut.min(inputs.len());
        let (before, after) = inputs.split_at(cut);
        let mut state = kernel.new_state();
        fixture::run(&*kernel, &fixture::batch(before), &mut state);
        let mut other = fixture::restored(&*kernel, &state);
        let batch = fixture::batch(after);
        let went_on = fixture::run(&*kernel, &batch, &mut state);
        let came_back = fixture::run(&*kernel, &batch, &mut other);
        let went_on = kernel.finish(&batch, went_on).unwrap();
        let came_back = kernel.finish(&batch, came_back).unwrap();
        prop_assert_eq!(bits(&went_on), bits(&came_back));
        let (mut one, mut two) = (Vec::new(), Vec::new());
        kernel.encode(&state, &mut one);
        kernel.encode(&other, &mut two);
        prop_assert_eq!(one, two);
    }

    #[test]
    fn spoilt_bytes_are_refused_or_read_but_never_panic(
        inputs in history(20, 4, 4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let kernel = kernel(&every_column());
        let mut state = kernel.new_state();
        fixture::run(&*kernel, &fixture::batch(&inputs), &mut state);
        let mut bytes = Vec::new();
        kernel.encode(&state, &mut bytes);
        let length = cut.index(bytes.len());
        prop_assert!(kernel.decode(&bytes[..length]).is_err());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = kernel.decode(&bytes).is_ok();
    }
}

fn bits(ports: &[(usize, crate::batch::Batch)]) -> Vec<Vec<Option<u64>>> {
    let columns = ports.iter().flat_map(|(_, batch)| batch.columns.columns());
    let floats = columns.filter_map(|column| column.as_primitive_opt::<Float64Type>());
    floats
        .map(|column| column.iter().map(|x| x.map(f64::to_bits)).collect())
        .collect()
}

#[test]
fn sums_survive_a_million_rows_with_large_values_among_small_ones() {
    let columns = [
        column(Aggregate::Avg, Some(FLOAT), Over::Time(Millis(100)), false),
        column(
            Aggregate::StdDev,
            Some(FLOAT),
            Over::Time(Millis(100)),
            false,
        ),
        column(Aggregate::Slope, Some(FLOAT), Over::Count(20), false),
    ];
    let kernel = kernel(&columns);
    let mut state = kernel.new_state();
    let mut seed = 7u64;
    let mut inputs = Vec::new();
    for row in 0..1_000_000i64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let small = (seed >> 50) as f64 / 1024.0;
        let float = if row % 997 == 0 { 1e15 } else { small };
        inputs.push(Input {
            time: row,
            watermark: row,
            float: Some(float),
            int: None,
            text: None,
        });
    }
    for (nth, chunk) in inputs.chunks(10_000).enumerate() {
        let batch = fixture::batch(chunk);
        let out = fixture::run(&*kernel, &batch, &mut state);
        let got = kernel.finish(&batch, out).unwrap().remove(0).1.columns;
        // The reference is slow: the last row of each chunk, and the one after a large value left.
        for row in [
            9_999,
            9_000 + (997 - (nth * 10_000 + 9_000) % 997) % 997 + 100,
        ] {
            let seen = (nth * 10_000 + row + 1).min((nth + 1) * 10_000);
            let history = &inputs[seen.saturating_sub(300)..seen];
            for (at, column) in columns.iter().enumerate() {
                let cell = cell(got.column(4 + at).as_ref(), seen - 1 - nth * 10_000);
                let want = expected(column, history);
                assert!(
                    cell.agrees(&want),
                    "{}: {cell:?}, expected {want:?}",
                    column.name
                );
            }
        }
    }
}

#[test]
fn the_ring_forgets_what_no_row_can_reach() {
    let over = Over::Time(Millis(50));
    let kernel = kernel(&[column(Aggregate::Avg, Some(FLOAT), over, false)]);
    let mut state = kernel.new_state();
    let mut largest = 0;
    for round in 0..100 {
        let inputs: Vec<Input> = (0..100)
            .map(|row| Input {
                time: round * 100 + row,
                watermark: round * 100 + row - 10,
                float: Some(1.0),
                int: None,
                text: None,
            })
            .collect();
        fixture::run(&*kernel, &fixture::batch(&inputs), &mut state);
        largest = largest.max(kernel.state_bytes(&state));
    }
    assert!(largest < 4_096, "60 rows of 16 bytes take {largest} bytes");
}

#[test]
fn finish_keeps_only_the_rows_that_were_run_in_that_order() {
    let kernel = kernel(&[column(Aggregate::Count, None, Over::All, false)]);
    let input = |time| Input {
        time,
        watermark: 0,
        float: Some(time as f64),
        int: None,
        text: None,
    };
    let batch = fixture::batch(&[input(1), input(2), input(3)]);
    let bound = kernel.bind(&batch.columns).unwrap();
    let (mut state, mut out) = (kernel.new_state(), kernel.emitted());
    kernel.row(&bound, 2, &batch.rows[2], &mut state, &mut out);
    let mark = out.mark();
    kernel.row(&bound, 1, &batch.rows[1], &mut state, &mut out);
    out.truncate(mark);
    kernel.row(&bound, 0, &batch.rows[0], &mut state, &mut out);
    let got = kernel.finish(&batch, out).unwrap().remove(0).1;
    let times: Vec<i64> = got.rows.iter().map(|row| row.time).collect();
    let counts = got.columns.column(4).as_primitive::<Int64Type>();
    assert_eq!((times, counts.values().to_vec()), (vec![3, 1], vec![1, 3]));
}
