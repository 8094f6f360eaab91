//! `rolling`: one row out per row in, with aggregates of the key's past.

use super::Context;
use super::aggregate::{Checked, ROWS_MAX, aggregate, result, word};
use super::flow::{Added, Flow, column_name};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, AggregateColumn, Key};
use crate::{Aggregate, Millis, OperatorKind, Over, Rolling, RollingColumn};

/// Checks a `rolling`: the input's columns, then the aggregates.
pub(crate) fn check(
    raw: &raw::Rolling,
    flow: &Flow,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Flow) {
    let key = flow.keyed("rolling", span, cx);
    let Some(table) = raw.columns.get() else {
        return (
            None,
            Flow {
                open: true,
                ..flow.clone()
            },
        );
    };
    let mut added = Vec::new();
    let mut columns: Option<Vec<RollingColumn>> = Some(Vec::new());
    for (name, span, value) in table.iter() {
        let column = column_name(name, span, cx)
            .then(|| rolling_column(name, value, flow, cx))
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
    let kind = key
        .and(columns)
        .map(|columns| OperatorKind::Rolling(Rolling { columns }));
    (kind, flow.with(added, cx))
}

fn rolling_column(
    name: &str,
    key: &Key<AggregateColumn>,
    flow: &Flow,
    cx: &Context<'_>,
) -> Option<RollingColumn> {
    let raw = key.get()?;
    let over = match &raw.over {
        None => Some(Over::All),
        Some(over) => span_of(over, cx),
    };
    let Checked {
        aggregate,
        of,
        data_type,
    } = aggregate(key, flow, cx)?;
    let exclude_current = raw.exclude_current.as_ref().and_then(Key::get).copied() == Some(true);
    let over_span = raw.over.as_ref().map(|over| over.span);
    let (refused, at) = match aggregate {
        Aggregate::Delta(_) | Aggregate::Lag(_) if exclude_current => (
            "exclude-current",
            raw.exclude_current.as_ref().map(|key| key.span),
        ),
        Aggregate::Delta(_) | Aggregate::Lag(_) | Aggregate::Ewma(_) if over != Some(Over::All) => {
            ("over", over_span)
        }
        _ => ("", None),
    };
    if let Some(span) = at {
        let word = word(raw);
        cx.report(
            Finding::at(
                span,
                Code::AGGREGATE,
                format!("\"{word}\" has no \"{refused}\""),
            )
            .hint("leave it out"),
        );
        return None;
    }
    Some(RollingColumn {
        name: name.into(),
        aggregate,
        of,
        over: over?,
        exclude_current,
        data_type,
    })
}

/// How far back an aggregate looks.
fn span_of(key: &Key<raw::Over>, cx: &Context<'_>) -> Option<Over> {
    let report = |message: String| {
        cx.report(
            Finding::at(key.span, Code::AGGREGATE, message)
                .hint("write a duration (\"7d\"), a number of rows (100), or \"all\""),
        );
        None
    };
    match key.get()? {
        raw::Over::Text(text) if text == "all" => Some(Over::All),
        raw::Over::Text(text) => match Millis::parse(text) {
            Ok(Millis(0)) => report("nothing lies within no time".into()),
            Ok(span) => Some(Over::Time(span)),
            Err(error) => report(error.to_string()),
        },
        raw::Over::Number(rows) if (1..=ROWS_MAX).contains(rows) => Some(Over::Count(*rows)),
        raw::Over::Number(rows) => report(format!("{rows} rows is not within 1 to {ROWS_MAX}")),
    }
}
