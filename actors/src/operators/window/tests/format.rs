//! The bytes of a state, committed: a change of form shows here before it meets a store.

use config::{Aggregate, Emit, Millis, Window, WindowKind};

use super::{column, fire, kernel};
use crate::operators::fixture::reference::Cell;
use crate::operators::fixture::{self, FLOAT, INT, Input, TEXT, cell};

#[test]
fn the_form_of_a_state_is_the_committed_one() {
    let window = Window {
        kind: WindowKind::Sliding {
            size: Millis(1_000),
            slide: Millis(500),
        },
        columns: vec![
            column(Aggregate::Count, None),
            column(Aggregate::Sum, Some(INT)),
            column(Aggregate::Variance, Some(FLOAT)),
            column(Aggregate::First, Some(TEXT)),
            column(Aggregate::CountDistinct, Some(INT)),
            column(Aggregate::Quantile(0.5), Some(FLOAT)),
        ],
        emit: Emit::Final,
        allowed_lateness: Millis(0),
    };
    let row = |n: i64| Input {
        time: n,
        watermark: n - 400,
        float: Some(n as f64 / 8.0),
        int: Some(n),
        text: (n % 3 != 0).then(|| format!("text {n}")),
    };
    let inputs: Vec<Input> = (10_000..11_200).map(row).collect();
    let kernel = kernel(&window);
    let batch = fixture::batch(&inputs);
    let mut state = kernel.new_state();
    fixture::run(&*kernel, &batch, &mut state);
    let mut bytes = Vec::new();
    kernel.encode(&state, &mut bytes);
    let golden = fixture::golden("window/tests/state-1.bin", &bytes);
    assert_eq!(bytes, golden, "a new form needs a new version byte");

    let mut state = kernel.decode(&golden).unwrap();
    let mut out = kernel.emitted();
    fire(&*kernel, 11_000, &mut state, &mut out);
    let fired = kernel.finish(&batch, out).unwrap().remove(0).1.columns;
    let column = |at: usize| -> Vec<Cell> {
        (0..fired.num_rows())
            .map(|row| cell(fired.column(at).as_ref(), row))
            .collect()
    };
    assert_eq!(column(2), [Cell::Int(10_500), Cell::Int(11_000)]);
    assert_eq!(column(3), [Cell::Int(500), Cell::Int(1_000)]);
    assert_eq!(
        column(4),
        [Cell::Int(500 * 20_499 / 2), Cell::Int(1_000 * 20_999 / 2)]
    );
    assert_eq!(
        column(6),
        [
            Cell::Text("text 10000".into()),
            Cell::Text("text 10000".into())
        ]
    );
}
