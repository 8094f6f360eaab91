//! `[[source]]`: topics, schema, key, event time, watermark, start.

use super::flow::{Flow, FlowKey, Found, Output, node_id};
use super::settings::span_of_time;
use super::{Context, feed, format, schema};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Key};
use crate::{
    DataType, EventTime, Node, Source, Start, TimeUnit, TopicName, TopicPattern, WatermarkSettings,
    defaults, time,
};

/// Checks a source; what flows out of it is known as far as it is right.
pub(crate) fn check(
    raw: &raw::Source,
    span: Span,
    cx: &Context<'_>,
) -> (Option<Node>, Vec<Output>) {
    let mut flow = schema::check(&raw.schema, cx);
    let key = match &raw.key {
        None => Some(None),
        Some(key) => key_column(&flow, key, cx).map(Some),
    };
    flow.key = match (&raw.key, key) {
        (None, _) => FlowKey::None,
        (Some(_), Some(Some(index))) => FlowKey::At(index),
        (Some(_), _) => FlowKey::Doubtful,
    };
    let format = format::read(raw.format.as_ref());
    if let Some(format) = format {
        format::check(
            format,
            &flow,
            raw.format.as_ref().map_or(span, |key| key.span),
            cx,
        );
    }
    let topics = topics(raw, span, cx).unzip();
    let time = event_time(raw, &flow, cx);
    let start = start(raw.start.as_ref(), cx);
    let partitions = match &raw.partitions {
        None => Some(defaults::PARTITIONS),
        Some(partitions) => cx.partitions(partitions),
    };
    let feed = match &raw.feed {
        None => Some(None),
        Some(feed) => feed::check(feed, format, &flow, cx).map(Some),
    };
    let source = (|| {
        Some(Node::Source(Source {
            id: node_id(&raw.id)?,
            topics: topics.0?,
            pattern: topics.1?,
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

/// Topics by their names, or the pattern that says which.
fn topics(
    raw: &raw::Source,
    span: Span,
    cx: &Context<'_>,
) -> Option<(Vec<TopicName>, Option<TopicPattern>)> {
    let keys = [
        ("topic", raw.topic.as_ref().map(|key| key.span)),
        ("topics", raw.topics.as_ref().map(|key| key.span)),
        ("pattern", raw.pattern.as_ref().map(|key| key.span)),
    ];
    let mut given = keys
        .iter()
        .filter_map(|(name, span)| Some((name, (*span)?)));
    let Some((first, _)) = given.next() else {
        let message = "missing key \"topic\"";
        cx.report(Finding::at(span, Code::MISSING_KEY, message));
        return None;
    };
    if let Some((second, span)) = given.next() {
        let message = format!("both {first} and {second}");
        cx.report(Finding::at(span, Code::CONFLICT, message).hint("give one of them"));
        return None;
    }
    if let Some(topic) = &raw.topic {
        return Some((vec![cx.topic(topic)?], None));
    }
    if let Some(pattern) = &raw.pattern {
        return Some((Vec::new(), Some(self::pattern(pattern, raw, cx)?)));
    }
    let topics = raw.topics.as_ref()?;
    let list = topics.get()?;
    if list.is_empty() {
        cx.report(Finding::at(
            topics.span,
            Code::INVALID_VALUE,
            "there is no topic",
        ));
    }
    let names: Option<Vec<TopicName>> = list.iter().map(|topic| cx.topic(topic)).collect();
    Some((names?, None))
}

fn pattern(key: &Key<String>, raw: &raw::Source, cx: &Context<'_>) -> Option<TopicPattern> {
    if let Some(feed) = &raw.feed {
        cx.report(
            Finding::at(feed.span, Code::CONFLICT, "a feed with a pattern")
                .hint("a feed fills one topic: write topic"),
        );
    }
    let parsed = TopicPattern::parse(key.get()?);
    let failed = |error: regex::Error| {
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        let message = format!("not a regular expression: {last}");
        cx.report(Finding::at(key.span, Code::INVALID_VALUE, message));
    };
    parsed.map_err(failed).ok()
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
