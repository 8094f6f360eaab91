//! Operators and rows for the tests of this module.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use config::{Column, DataType, NodeId, Operator, OperatorKind, Port, Schema};

use super::keyed::{Emitted, KeyState, KeyedOperator};
use crate::batch::{Batch, Row};

/// Position of the columns of [`schema`].
pub(super) const KEY: usize = 0;
pub(super) const FLOAT: usize = 1;
pub(super) const INT: usize = 2;
pub(super) const TEXT: usize = 3;

/// One input row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Input {
    pub(super) time: i64,
    pub(super) watermark: i64,
    pub(super) float: Option<f64>,
    pub(super) int: Option<i64>,
    pub(super) text: Option<String>,
}

/// `k string, f float64?, i int64?, s string?`
pub(super) fn schema() -> Schema {
    Schema::new(vec![
        Column::new("k", DataType::String, false),
        Column::new("f", DataType::Float64, true),
        Column::new("i", DataType::Int64, true),
        Column::new("s", DataType::String, true),
    ])
}

/// An operator on [`schema`] whose ports have these schemas.
pub(super) fn operator(kind: OperatorKind, ports: Vec<Schema>) -> Operator {
    let port = |schema| Port {
        name: "".into(),
        schema,
    };
    Operator {
        id: NodeId::parse("under-test").unwrap(),
        kind,
        inputs: Vec::new(),
        input_schema: schema(),
        ports: ports.into_iter().map(port).collect(),
        key: Some(KEY),
    }
}

/// Rows of the key `a` as a batch.
pub(super) fn batch(inputs: &[Input]) -> Batch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["a"; inputs.len()])),
        Arc::new(inputs.iter().map(|i| i.float).collect::<Float64Array>()),
        Arc::new(inputs.iter().map(|i| i.int).collect::<Int64Array>()),
        Arc::new(
            inputs
                .iter()
                .map(|i| i.text.clone())
                .collect::<StringArray>(),
        ),
    ];
    let rows = inputs.iter().zip(0..).map(|(input, index)| Row {
        time: input.time,
        watermark: input.watermark,
        appended: 1_000 + i64::from(index),
        partition: 3,
        offset: i64::from(index),
        index,
    });
    let columns = RecordBatch::try_new(schema().to_arrow(), columns).unwrap();
    Batch::new(columns, rows.collect(), Arc::default())
}

/// Runs rows of one key through a state; what they emit.
pub(super) fn run(kernel: &dyn KeyedOperator, batch: &Batch, state: &mut KeyState) -> Emitted {
    let bound = kernel.bind(&batch.columns).unwrap();
    let mut out = kernel.emitted();
    for (row, meta) in batch.rows.iter().enumerate() {
        kernel.row(&bound, row, meta, state, &mut out);
    }
    out
}

/// The state as its bytes bring it back.
pub(super) fn restored(kernel: &dyn KeyedOperator, state: &KeyState) -> KeyState {
    let mut bytes = Vec::new();
    kernel.encode(state, &mut bytes);
    kernel.decode(&bytes).unwrap()
}
