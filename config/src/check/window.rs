//! `window`: rows per key and window of event time.

use super::Context;
use super::aggregate::{aggregate, result, word};
use super::flow::{Added, Flow, FlowKey, Output, column_name};
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, AggregateColumn, Key};
use crate::{
    Aggregate, Column, DataType, Emit, Millis, OperatorKind, Schema, Window, WindowColumn,
    WindowKind,
};

/// Windows that one row may be in, at most: each key keeps them.
const OVERLAP_MAX: i64 = 10_000;

/// Checks a `window`: the key, `window_start`, `window_end`, then the aggregates; late rows on `.late`.
pub(crate) fn check(
    raw: &raw::Window,
    flow: &Flow,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let key = flow.keyed("window", span, cx);
    let shape = window_kind(&raw.window, cx);
    let emit = match raw.emit.as_ref().map(Key::get) {
        None | Some(Some(raw::Emit::Final)) => Some(Emit::Final),
        Some(Some(raw::Emit::Updates)) => Some(Emit::Updates),
        Some(None) => None,
    };
    let lateness = match &raw.allowed_lateness {
        None => Some(Millis(0)),
        Some(lateness) => span_of_time(lateness, 0, cx),
    };
    let mut columns: Option<Vec<WindowColumn>> = raw.columns.get().map(|_| Vec::new());
    let mut added = Vec::new();
    for (name, span, value) in raw.columns.get().into_iter().flat_map(|table| table.iter()) {
        let column = column_name(name, span, cx)
            .then(|| window_column(name, value, flow, cx))
            .flatten();
        added.push(Added {
            name: name.into(),
            span,
            column: column
                .as_ref()
                .map(|column| result(name, column.aggregate, &column.data_type)),
        });
        columns = columns.zip(column).map(|(mut columns, column)| {
            columns.push(column);
            columns
        });
    }
    let mut head: Vec<Column> = key
        .map(|key| flow.schema.columns()[key].clone())
        .into_iter()
        .collect();
    for name in ["window_start", "window_end"] {
        head.push(Column::new(name, DataType::Timestamp, false));
    }
    let head = Flow {
        schema: Schema::new(head),
        doubtful: Vec::new(),
        open: key.is_none() || raw.columns.get().is_none(),
        key: key.map_or(FlowKey::Doubtful, |_| FlowKey::At(0)),
    };
    let outputs = vec![
        Output {
            port: "".into(),
            flow: head.with(added, cx),
        },
        Output {
            port: "late".into(),
            flow: flow.clone(),
        },
    ];
    let window = (|| {
        key?;
        Some(OperatorKind::Window(Window {
            kind: shape?,
            columns: columns?,
            emit: emit?,
            allowed_lateness: lateness?,
        }))
    })();
    (window, outputs)
}

fn window_kind(key: &Key<raw::WindowKind>, cx: &Context<'_>) -> Option<WindowKind> {
    match key.get()? {
        raw::WindowKind::Tumbling(window) => Some(WindowKind::Tumbling {
            size: span_of_time(&window.size, 1, cx)?,
        }),
        raw::WindowKind::Session(window) => Some(WindowKind::Gap {
            gap: span_of_time(&window.gap, 1, cx)?,
        }),
        raw::WindowKind::Sliding(window) => {
            let size = span_of_time(&window.size, 1, cx);
            let slide = span_of_time(&window.slide, 1, cx);
            let (size, slide) = (size?, slide?);
            if slide > size {
                let message = format!("windows of {size} every {slide} leave rows out");
                cx.report(
                    Finding::at(window.slide.span, Code::WINDOW, message)
                        .hint("slide is at most size"),
                );
                return None;
            }
            if size.0 / slide.0 > OVERLAP_MAX {
                let message = format!("a row would be in more than {OVERLAP_MAX} windows");
                cx.report(
                    Finding::at(window.slide.span, Code::WINDOW, message).hint("slide further"),
                );
                return None;
            }
            Some(WindowKind::Sliding { size, slide })
        }
    }
}

fn window_column(
    name: &str,
    key: &Key<AggregateColumn>,
    flow: &Flow,
    cx: &Context<'_>,
) -> Option<WindowColumn> {
    let raw = key.get()?;
    for (what, at) in [
        ("over", raw.over.as_ref().map(|key| key.span)),
        (
            "exclude-current",
            raw.exclude_current.as_ref().map(|key| key.span),
        ),
    ] {
        if let Some(span) = at {
            let message = format!("\"{what}\" belongs to rolling");
            cx.report(Finding::at(span, Code::AGGREGATE, message).hint("the window says how far"));
        }
    }
    let checked = aggregate(key, flow, cx)?;
    match checked.aggregate {
        Aggregate::Ewma(_) | Aggregate::Delta(_) | Aggregate::Lag(_) | Aggregate::ZScore => {
            let message = format!("\"{}\" is not defined over windows", word(raw));
            cx.report(
                Finding::at(raw.function.span, Code::AGGREGATE, message)
                    .hint("it compares a row with those before: take rolling"),
            );
            None
        }
        Aggregate::Count
        | Aggregate::Sum
        | Aggregate::Avg
        | Aggregate::Min
        | Aggregate::Max
        | Aggregate::Variance
        | Aggregate::StdDev
        | Aggregate::First
        | Aggregate::Last
        | Aggregate::CountDistinct
        | Aggregate::Quantile(_)
        | Aggregate::Slope => Some(WindowColumn {
            name: name.into(),
            aggregate: checked.aggregate,
            of: checked.of,
            data_type: checked.data_type,
        }),
    }
}
