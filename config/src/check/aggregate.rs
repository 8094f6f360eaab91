//! `rolling` and `window`: aggregates per key.

use super::Context;
use super::flow::{Added, Flow, FlowKey, Found, Output, column_name};
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, AggregateColumn, AggregateName, Key};
use crate::{
    Aggregate, Column, DataType, Emit, Millis, OperatorKind, Over, Rolling, RollingColumn, Schema,
    Window, WindowColumn, WindowKind,
};

/// Rows that a rolling aggregate may look back, at most: each key keeps them.
const ROWS_MAX: u64 = 1_000_000;
/// Windows that one row may be in, at most: each key keeps them.
const OVERLAP_MAX: i64 = 10_000;

/// One aggregate, checked but for how far it looks back.
struct Checked {
    aggregate: Aggregate,
    of: Option<usize>,
    data_type: DataType,
}

/// Checks a `rolling`: the input's columns, then the aggregates.
pub(crate) fn rolling(
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
        Some(over) => self::over(over, cx),
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

fn over(key: &Key<raw::Over>, cx: &Context<'_>) -> Option<Over> {
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

/// Checks a `window`: the key, `window_start`, `window_end`, then the aggregates; late rows on `.late`.
pub(crate) fn window(
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

/// The column that an aggregate makes: counts are always there, the others NULL of nothing.
fn result(name: &str, aggregate: Aggregate, data_type: &DataType) -> Column {
    let nullable = !matches!(aggregate, Aggregate::Count | Aggregate::CountDistinct);
    Column::new(name, data_type.clone(), nullable)
}

/// The function with its parameters, its column, and the type that comes out.
fn aggregate(key: &Key<AggregateColumn>, flow: &Flow, cx: &Context<'_>) -> Option<Checked> {
    let raw = key.get()?;
    // Looked up first, so that a typo in the column is found beside one in the function.
    let of = match &raw.of {
        None => None,
        Some(of) => Some(flow.column(of, cx)?),
    };
    let name = *raw.function.get()?;
    let aggregate = parameters(key, raw, name, cx)?;
    let column = match of {
        Some(Found::Doubtful) => return None,
        Some(Found::At(index, column)) => Some((index, column)),
        None if name == AggregateName::Count => None,
        None => {
            let message = format!("\"{}\" of which column?", word(raw));
            cx.report(
                Finding::at(key.span, Code::MISSING_KEY, message).hint("add of = \"column\""),
            );
            return None;
        }
    };
    let Some((index, column)) = column else {
        return Some(Checked {
            aggregate,
            of: None,
            data_type: DataType::Int64,
        });
    };
    let span = raw.of.as_ref().map_or(key.span, |of| of.span);
    let data_type = result_type(aggregate, column).or_else(|| {
        let message = format!(
            "\"{}\" is not defined for \"{}\", which is {}",
            word(raw),
            column.name,
            column.data_type
        );
        let hint = "it needs a column of int64, float64 or float32";
        cx.report(Finding::at(span, Code::COLUMN_TYPE, message).hint(hint));
        None
    })?;
    Some(Checked {
        aggregate,
        of: Some(index),
        data_type,
    })
}

/// The type of the result, if the aggregate is defined for the column.
fn result_type(aggregate: Aggregate, column: &Column) -> Option<DataType> {
    let input = &column.data_type;
    let same = || input.clone();
    let is_scalar = !matches!(input, DataType::Vector { .. });
    match aggregate {
        Aggregate::Count => Some(DataType::Int64),
        Aggregate::CountDistinct => is_scalar.then_some(DataType::Int64),
        Aggregate::First | Aggregate::Last | Aggregate::Lag(_) => is_scalar.then(same),
        Aggregate::Min | Aggregate::Max => {
            (input.is_numeric() || *input == DataType::Timestamp).then(same)
        }
        Aggregate::Delta(_) => input.is_numeric().then(same),
        Aggregate::Sum if *input == DataType::Int64 => Some(DataType::Int64),
        Aggregate::Sum
        | Aggregate::Avg
        | Aggregate::Variance
        | Aggregate::StdDev
        | Aggregate::Quantile(_)
        | Aggregate::Slope
        | Aggregate::Ewma(_)
        | Aggregate::ZScore => input.is_numeric().then_some(DataType::Float64),
    }
}

/// The function with `q`, `alpha` or `lag`; those that are not its own are reported.
fn parameters(
    key: &Key<AggregateColumn>,
    raw: &AggregateColumn,
    name: AggregateName,
    cx: &Context<'_>,
) -> Option<Aggregate> {
    let is_back = matches!(name, AggregateName::Delta | AggregateName::Lag);
    for (what, at, own) in [
        (
            "q",
            raw.q.as_ref().map(|key| key.span),
            name == AggregateName::Quantile,
        ),
        (
            "alpha",
            raw.alpha.as_ref().map(|key| key.span),
            name == AggregateName::Ewma,
        ),
        ("lag", raw.lag.as_ref().map(|key| key.span), is_back),
    ] {
        if let Some(span) = at
            && !own
        {
            let message = format!("\"{}\" has no \"{what}\"", word(raw));
            cx.report(Finding::at(span, Code::AGGREGATE, message).hint("leave it out"));
        }
    }
    let lag = || match &raw.lag {
        None => Some(1),
        Some(lag) => cx.within(lag, 1, ROWS_MAX),
    };
    Some(match name {
        AggregateName::Count => Aggregate::Count,
        AggregateName::Sum => Aggregate::Sum,
        AggregateName::Avg => Aggregate::Avg,
        AggregateName::Min => Aggregate::Min,
        AggregateName::Max => Aggregate::Max,
        AggregateName::Variance => Aggregate::Variance,
        AggregateName::Stddev => Aggregate::StdDev,
        AggregateName::First => Aggregate::First,
        AggregateName::Last => Aggregate::Last,
        AggregateName::CountDistinct => Aggregate::CountDistinct,
        AggregateName::Quantile => match &raw.q {
            Some(q) => Aggregate::Quantile(cx.within(q, 0.0, 1.0)?),
            None => {
                let message = "\"quantile\" needs \"q\"";
                let hint = "the median is q = 0.5";
                cx.report(Finding::at(key.span, Code::MISSING_KEY, message).hint(hint));
                return None;
            }
        },
        AggregateName::Slope => Aggregate::Slope,
        AggregateName::Ewma => Aggregate::Ewma(match &raw.alpha {
            None => crate::defaults::EWMA_ALPHA,
            // Below a millionth a mean would never move.
            Some(alpha) => cx.within(alpha, 1e-6, 1.0)?,
        }),
        AggregateName::Delta => Aggregate::Delta(lag()?),
        AggregateName::Lag => Aggregate::Lag(lag()?),
        AggregateName::Zscore => Aggregate::ZScore,
    })
}

/// The function as users write it.
fn word(raw: &AggregateColumn) -> &'static str {
    raw.function.get().map_or("", |name| name.word())
}
