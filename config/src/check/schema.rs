//! `[source.schema]`: columns and their types.

use super::Context;
use super::flow::{Flow, FlowKey, column_name};
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::suggest;
use crate::raw::{self, ColumnType, Key};
use crate::{Column, DataType, Schema, VectorElement};

/// Columns of a schema, at most.
const COLUMNS_MAX: usize = 2_000;
/// Numbers of a vector, at most: a small image.
const VECTOR_MAX: usize = 1 << 20;

/// Names of types that are not vectors.
const TYPES: [(&str, DataType); 7] = [
    ("bool", DataType::Bool),
    ("int64", DataType::Int64),
    ("float64", DataType::Float64),
    ("float32", DataType::Float32),
    ("string", DataType::String),
    ("timestamp", DataType::Timestamp),
    ("bytes", DataType::Bytes),
];

/// The columns of a schema, as far as they are right.
pub(crate) fn check(raw: &Key<raw::Named<ColumnType>>, cx: &Context<'_>) -> Flow {
    let Some(table) = raw.get() else {
        return Flow::unknown();
    };
    let mut columns = Vec::new();
    let mut doubtful = Vec::new();
    for (name, span, value) in table.iter() {
        let column = column_name(name, span, cx)
            .then(|| column(name, value, cx))
            .flatten();
        match column {
            Some(column) => columns.push(column),
            None => doubtful.push(name.into()),
        }
    }
    let count = columns.len() + doubtful.len();
    if !(1..=COLUMNS_MAX).contains(&count) {
        let message = format!("a schema has 1 to {COLUMNS_MAX} columns, not {count}");
        cx.report(Finding::at(raw.span, Code::INVALID_VALUE, message));
    }
    Flow {
        schema: Schema::new(columns),
        doubtful,
        open: false,
        key: FlowKey::None,
    }
}

fn column(name: &str, raw: &Key<ColumnType>, cx: &Context<'_>) -> Option<Column> {
    let (text, span, path) = match raw.get()? {
        ColumnType::Text(text) => (text, raw.span, None),
        ColumnType::Table(table) => (
            table.data_type.get()?,
            table.data_type.span,
            table.path.as_ref(),
        ),
    };
    let (word, nullable) = match text.strip_suffix('?') {
        Some(word) => (word, true),
        None => (text.as_str(), false),
    };
    let Some(data_type) = data_type(word) else {
        let message = format!("unknown type \"{word}\"");
        let names = TYPES.iter().map(|(name, _)| *name);
        cx.report(
            Finding::at(span, Code::UNKNOWN_VALUE, message).maybe_hint(suggest(
                word,
                "there are",
                names.chain(["float32[8]"]),
            )),
        );
        return None;
    };
    let mut column = Column::new(name, data_type, nullable);
    if let Some(path) = path {
        column.path = path.get()?.split('.').map(Into::into).collect();
        if column.path.iter().any(String::is_empty) {
            let message = "a path is names joined by dots";
            cx.report(
                Finding::at(path.span, Code::INVALID_VALUE, message)
                    .hint("write path = \"payment.amount\""),
            );
            return None;
        }
    }
    Some(column)
}

/// `float64`, `float32[784]`
fn data_type(word: &str) -> Option<DataType> {
    if let Some((_, data_type)) = TYPES.iter().find(|(name, _)| *name == word) {
        return Some(data_type.clone());
    }
    let (element, length) = word.strip_suffix(']')?.split_once('[')?;
    let element = match element {
        "int64" => VectorElement::Int64,
        "float64" => VectorElement::Float64,
        "float32" => VectorElement::Float32,
        _ => return None,
    };
    let length = length.parse().ok()?;
    (1..=VECTOR_MAX)
        .contains(&length)
        .then_some(DataType::Vector { element, length })
}
