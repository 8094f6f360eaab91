//! Aggregates of `rolling` and `window`: function, column, parameters, and the type that comes out.

use super::Context;
use super::flow::{Flow, Found};
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{AggregateColumn, AggregateName, Key};
use crate::{Aggregate, Column, DataType};

/// Rows that a rolling aggregate may look back, at most: each key keeps them.
pub(crate) const ROWS_MAX: u64 = 1_000_000;

/// One aggregate, checked but for how far it looks back.
pub(crate) struct Checked {
    pub(crate) aggregate: Aggregate,
    pub(crate) of: Option<usize>,
    pub(crate) data_type: DataType,
}

/// The column that an aggregate makes: counts are always there, the others NULL of nothing.
pub(crate) fn result(name: &str, aggregate: Aggregate, data_type: &DataType) -> Column {
    let nullable = !matches!(aggregate, Aggregate::Count | Aggregate::CountDistinct);
    Column::new(name, data_type.clone(), nullable)
}

/// The function with its parameters, its column, and the type that comes out.
pub(crate) fn aggregate(
    key: &Key<AggregateColumn>,
    flow: &Flow,
    cx: &Context<'_>,
) -> Option<Checked> {
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
pub(crate) fn word(raw: &AggregateColumn) -> &'static str {
    raw.function.get().map_or("", |name| name.word())
}
