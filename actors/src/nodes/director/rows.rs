//! The labelled rows of a request, as examples to learn from: what was served, with what came true.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use config::learning::columns::LABEL;
use config::{Node, Source, TopicName, Topology};
use models::Matrix;
use models::steward::Request;
use models::train::{Examples, TrainError};

use crate::codec::Decoder;
use crate::log::{Log, LogError, TopicPartition};

/// Records of one read.
const RECORDS: usize = 10_000;
const BYTES: usize = 8 << 20;

/// Slices of one feature that are judged, at most: the largest.
const SLICES_MAX: usize = 50;

/// Rows cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("rows that cannot be learned from")]
    Examples(#[from] TrainError),
    #[error("no source reads topic \"{0}\"")]
    NoSource(TopicName),
}

/// Reads the rows of a request, in the order of the topic.
///
/// # Errors
/// If the log cannot be read, or the rows are none.
pub(super) fn examples(
    log: &dyn Log,
    topology: &Topology,
    topic: &TopicName,
    features: &[String],
    request: &Request,
) -> Result<Examples, RowsError> {
    let source = source_of(topology, topic).ok_or_else(|| RowsError::NoSource(topic.clone()))?;
    let names = features.iter().map(String::as_str).chain([LABEL]);
    let columns: Vec<usize> = names
        .filter_map(|name| source.schema.index_of(name))
        .collect();
    let mut decoder = Decoder::new(source.format, &source.schema, &columns, source.time.unit);
    let at = TopicPartition::new(topic.clone(), 0);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    let mut next = request.from;
    while next <= request.to {
        let mut fetched = log.read(&at, next, RECORDS, BYTES)?;
        fetched.records.retain(|record| record.offset <= request.to);
        if fetched.records.is_empty() && fetched.next_offset <= next {
            break;
        }
        next = fetched.next_offset;
        let decoded = decoder.decode(&fetched.records);
        push(&decoded.columns, features.len(), &mut values, &mut labels);
    }
    let rows = Matrix {
        rows: labels.len(),
        columns: features.len(),
        values,
    };
    Ok(Examples::try_new(features.to_vec(), rows, labels)?)
}

/// The rows of each value of some features, the most frequent values of each.
pub(super) fn slices(holdout: &Examples, features: &[Arc<str>]) -> Vec<(String, Vec<usize>)> {
    let rows = holdout.rows();
    let mut slices = Vec::new();
    for feature in features {
        let mut names = holdout.features().iter();
        let Some(at) = names.position(|name| **name == **feature) else {
            continue;
        };
        let mut of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, value) in rows
            .values
            .iter()
            .skip(at)
            .step_by(rows.columns)
            .enumerate()
        {
            of.entry(format!("{feature}={value}"))
                .or_default()
                .push(row);
        }
        let mut of: Vec<(String, Vec<usize>)> = of.into_iter().collect();
        of.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        slices.extend(of.into_iter().take(SLICES_MAX));
    }
    slices
}

/// Appends rows: features with NaN for NULL, and the label behind them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "features and labels are float32 by the contract of models"
)]
fn push(columns: &RecordBatch, features: usize, values: &mut Vec<f32>, labels: &mut Vec<f32>) {
    let floats: Vec<_> = columns
        .columns()
        .iter()
        .filter_map(|column| column.as_primitive_opt::<Float64Type>())
        .collect();
    if floats.len() != features + 1 {
        return;
    }
    for row in (0..columns.num_rows()).filter(|row| floats[features].is_valid(*row)) {
        for column in &floats[..features] {
            values.push(match column.is_valid(row) {
                true => column.value(row) as f32,
                false => f32::NAN,
            });
        }
        labels.push(floats[features].value(row) as f32);
    }
}

fn source_of<'t>(topology: &'t Topology, topic: &TopicName) -> Option<&'t Source> {
    topology.nodes.iter().find_map(|node| match node {
        Node::Source(source) => source.topics.contains(topic).then_some(source),
        Node::Operator(_) | Node::Sink(_) => None,
    })
}
