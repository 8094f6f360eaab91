//! Rows of the feature log.

use arrow_array::Float32Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use config::{Column, InferOutput};

use super::*;
use crate::batch::Row;

fn answered() -> (Schema, Batch) {
    let schema = Schema::new(vec![
        Column::new("id", DataType::Int64, false),
        Column::new("amount", DataType::Float32, true),
        Column::new("score", DataType::Float64, false),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..1_000).collect::<Int64Array>()),
        Arc::new(
            (0..1_000)
                .map(|n| (n % 2 == 0).then_some(0.5))
                .collect::<Float32Array>(),
        ),
        Arc::new(
            (0..1_000)
                .map(|n| if n == 3 { f64::NAN } else { 0.25 })
                .collect::<arrow_array::Float64Array>(),
        ),
    ];
    let columns = RecordBatch::try_new(schema.to_arrow(), columns).unwrap();
    let rows = (0..1_000).map(|index| Row {
        time: 0,
        watermark: 0,
        appended: 0,
        partition: 0,
        offset: i64::from(index),
        index,
    });
    (schema, Batch::new(columns, rows.collect(), Arc::default()))
}

fn rows(sample: f64) -> (LogRows, Batch) {
    let (schema, batch) = answered();
    let infer = Infer {
        model: 0,
        features: vec![1],
        outputs: vec![InferOutput {
            name: "score".into(),
            tensor: 0,
            index: Some(1),
            data_type: DataType::Float64,
        }],
        deadline: None,
        fallback: None,
        log: Some(InferLog { id: 0, sample }),
    };
    let log = Schema::new(vec![
        Column::new("row_id", DataType::String, false),
        Column::new("amount", DataType::Float64, true),
        Column::new("score", DataType::Float64, true),
        Column::new("model_version", DataType::Int64, false),
    ]);
    (LogRows::new(&infer, &schema, Some(&log)).unwrap(), batch)
}

#[test]
fn the_log_has_what_was_given_what_was_answered_and_by_which_version() {
    let (rows, batch) = rows(1.0);
    let log = rows.of(&batch, 7).unwrap();
    assert_eq!(log.len(), 1_000);
    let columns = &log.columns;
    assert_eq!(columns.column(0).as_string::<i32>().value(42), "42");
    let amount = columns.column(1).as_primitive::<Float64Type>();
    assert_eq!((amount.value(42), amount.is_null(43)), (0.5, true));
    let score = columns.column(2).as_primitive::<Float64Type>();
    // JSON has no NaN.
    assert_eq!((score.value(42), score.is_null(3)), (0.25, true));
    assert_eq!(columns.column(3).as_primitive::<Int64Type>().value(0), 7);
}

#[test]
fn a_sample_is_chosen_by_the_id_alone() {
    let (some, batch) = rows(0.3);
    let kept = some.of(&batch, 7).unwrap();
    // 1,000 draws: 3 sigma are 0.043.
    assert!((257..=343).contains(&kept.len()), "{}", kept.len());
    let half = batch.slice(500..1_000);
    let again = some.of(&half, 8).unwrap();
    let ids = |batch: &Batch| -> Vec<String> {
        let column = batch.columns.column(0).as_string::<i32>();
        column.iter().flatten().map(str::to_owned).collect()
    };
    let (all, last) = (ids(&kept), ids(&again));
    assert!(all.ends_with(&last));
    let (none, batch) = rows(0.0);
    assert!(none.of(&batch, 7).unwrap().is_empty());
}
