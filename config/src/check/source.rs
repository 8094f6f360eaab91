//! `[[source]]`: topics, schema, key, event time, watermark, start.

use super::flow::{Flow, FlowKey, Found, Output, column_name, node_id};
use super::settings::span_of_time;
use super::{Context, feed};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::suggest;
use crate::raw::{self, ColumnType, Key};
use crate::{
    Column, DataType, EventTime, Format, Node, Schema, Source, Start, TimeUnit, TopicName,
    VectorElement, WatermarkSettings, defaults, time,
};

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

/// Checks a source; what flows out of it is known as far as it is right.
pub(crate) fn check(
    raw: &raw::Source,
    span: Span,
    cx: &Context<'_>,
) -> (Option<Node>, Vec<Output>) {
    let mut flow = schema(&raw.schema, cx);
    let key = match &raw.key {
        None => Some(None),
        Some(key) => key_column(&flow, key, cx).map(Some),
    };
    flow.key = match (&raw.key, key) {
        (None, _) => FlowKey::None,
        (Some(_), Some(Some(index))) => FlowKey::At(index),
        (Some(_), _) => FlowKey::Doubtful,
    };
    let format = format(raw.format.as_ref());
    if let Some(format) = format {
        check_format(
            format,
            &flow,
            raw.format.as_ref().map_or(span, |key| key.span),
            cx,
        );
    }
    let topics = topics(raw, span, cx);
    let time = event_time(raw, &flow, cx);
    let start = start(raw.start.as_ref(), cx);
    let partitions = match &raw.partitions {
        None => Some(defaults::PARTITIONS),
        Some(partitions) => cx.partitions(partitions),
    };
    let feed = match &raw.feed {
        None => Some(None),
        Some(feed) => feed::check(feed, cx).map(Some),
    };
    let source = (|| {
        Some(Node::Source(Source {
            id: node_id(&raw.id)?,
            topics: topics?,
            format: format?,
            schema: flow.schema.clone(),
            key: key?,
            time: time?,
            watermark: watermark(raw.watermark.as_ref(), cx),
            start: start?,
            feed: feed?,
            partitions: partitions?,
        }))
    })();
    (source.filter(|_| flow.is_sure()), flow.main())
}

/// The column by which rows are partitioned.
pub(crate) fn key_column(flow: &Flow, key: &Key<String>, cx: &Context<'_>) -> Option<usize> {
    let Found::At(index, column) = flow.column(key, cx)? else {
        return None;
    };
    match column.data_type {
        DataType::Bool | DataType::Int64 | DataType::String | DataType::Timestamp => Some(index),
        DataType::Float64 | DataType::Float32 | DataType::Bytes | DataType::Vector { .. } => {
            let message = format!(
                "\"{}\" is {}, which is no key",
                column.name, column.data_type
            );
            cx.report(
                Finding::at(key.span, Code::COLUMN_TYPE, message)
                    .hint("keys are string, int64, bool or timestamp"),
            );
            None
        }
    }
}

/// The format, json where the file is silent.
pub(crate) fn format(key: Option<&Key<raw::Format>>) -> Option<Format> {
    let Some(key) = key else {
        return Some(Format::Json);
    };
    Some(match key.get()? {
        raw::Format::Json => Format::Json,
        raw::Format::Ndjson => Format::Ndjson,
        raw::Format::Csv => Format::Csv,
        raw::Format::Raw => Format::Raw,
    })
}

/// Whether a format can carry all columns of a flow.
pub(crate) fn check_format(format: Format, flow: &Flow, span: Span, cx: &Context<'_>) {
    let columns = flow.schema.columns();
    let finding = match format {
        Format::Json | Format::Ndjson => None,
        Format::Csv => columns
            .iter()
            .find(|column| matches!(column.data_type, DataType::Vector { .. } | DataType::Bytes))
            .map(|column| {
                let message = format!(
                    "csv cannot carry \"{}\", which is {}",
                    column.name, column.data_type
                );
                Finding::at(span, Code::FORMAT, message).hint("json can")
            }),
        Format::Raw => {
            let is_one =
                |column: &Column| matches!(column.data_type, DataType::Bytes | DataType::String);
            (flow.is_sure() && !matches!(columns, [one] if is_one(one))).then(|| {
                Finding::at(
                    span,
                    Code::FORMAT,
                    "raw carries one column of bytes or string",
                )
                .hint("leave one column, or take another format")
            })
        }
    };
    if let Some(finding) = finding {
        cx.report(finding);
    }
}

fn schema(raw: &Key<raw::Named<ColumnType>>, cx: &Context<'_>) -> Flow {
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

fn topics(raw: &raw::Source, span: Span, cx: &Context<'_>) -> Option<Vec<TopicName>> {
    match (&raw.topic, &raw.topics) {
        (Some(topic), None) => Some(vec![cx.topic(topic)?]),
        (None, Some(topics)) => {
            let list = topics.get()?;
            if list.is_empty() {
                cx.report(Finding::at(
                    topics.span,
                    Code::INVALID_VALUE,
                    "there is no topic",
                ));
            }
            list.iter().map(|topic| cx.topic(topic)).collect()
        }
        (Some(_), Some(topics)) => {
            cx.report(
                Finding::at(topics.span, Code::CONFLICT, "both topic and topics")
                    .hint("give one of them"),
            );
            None
        }
        (None, None) => {
            cx.report(Finding::at(
                span,
                Code::MISSING_KEY,
                "missing key \"topic\"",
            ));
            None
        }
    }
}

fn event_time(raw: &raw::Source, flow: &Flow, cx: &Context<'_>) -> Option<EventTime> {
    let Some(time) = &raw.time else {
        return Some(EventTime {
            column: None,
            unit: TimeUnit::Millisecond,
        });
    };
    let time = time.get()?;
    let unit = match &time.unit {
        None => TimeUnit::Millisecond,
        Some(unit) => match unit.get()? {
            raw::Unit::Second => TimeUnit::Second,
            raw::Unit::Millisecond => TimeUnit::Millisecond,
            raw::Unit::Microsecond => TimeUnit::Microsecond,
            raw::Unit::Nanosecond => TimeUnit::Nanosecond,
        },
    };
    let Some(key) = &time.column else {
        return Some(EventTime { column: None, unit });
    };
    let Found::At(index, column) = flow.column(key, cx)? else {
        return None;
    };
    if column.data_type != DataType::Timestamp {
        let message = format!(
            "\"{}\" is {}, not a timestamp",
            column.name, column.data_type
        );
        cx.report(
            Finding::at(key.span, Code::COLUMN_TYPE, message).hint(format!(
                "write {} = \"timestamp\" in the schema",
                column.name
            )),
        );
    }
    Some(EventTime {
        column: Some(index),
        unit,
    })
}

fn watermark(raw: Option<&Key<raw::Watermark>>, cx: &Context<'_>) -> WatermarkSettings {
    let mut settings = defaults::WATERMARK;
    let Some(raw) = raw.and_then(Key::get) else {
        return settings;
    };
    if let Some(delay) = raw.delay.as_ref().and_then(|key| span_of_time(key, 0, cx)) {
        settings.delay = delay;
    }
    if let Some(idle) = raw.idle.as_ref().and_then(|key| span_of_time(key, 1, cx)) {
        settings.idle = Some(idle);
    }
    settings
}

fn start(raw: Option<&Key<raw::Start>>, cx: &Context<'_>) -> Option<Start> {
    let Some(key) = raw else {
        return Some(Start::Earliest);
    };
    let (raw::Start::Text(text) | raw::Start::Date(text)) = key.get()?;
    match text.as_str() {
        "earliest" => Some(Start::Earliest),
        "latest" => Some(Start::Latest),
        text => time::parse(text).map(Start::Timestamp).or_else(|| {
            let message = format!("\"{text}\" is no place to start");
            cx.report(
                Finding::at(key.span, Code::UNKNOWN_VALUE, message)
                    .hint("write earliest, latest, or a time: 2026-01-31T12:00:00Z"),
            );
            None
        }),
    }
}
