//! Accumulators of aggregates, one family per file: what several aggregates of a column share.
//!
//! | family | aggregates | state that only grows | state that also gives up its oldest |
//! |---|---|---|---|
//! | count | count | a number | the same |
//! | sum | sum, avg | compensated sum | the same, built anew when worn |
//! | moments | variance, stddev, z-score | shifted compensated sums | the same, built anew when worn |
//! | slope | slope | shifted compensated sums | the same, built anew when worn |
//! | extreme | min, max | the value | monotonic queue of positions |
//! | edge | first, last | the value with its time | position |
//! | distinct | count-distinct | exact to 256, then HyperLogLog | multiset, always exact |
//! | quantile | quantile | exact to 256, then t-digest | ordered list, always exact |
//! | recent | ewma, lag, delta | the value, the last values | - |
//!
//! [`Growing`] gathers the third column (windows, `over` everything); `rolling` the fourth, where the
//! window's values are at hand in a ring, so that exactness costs no more memory than the ring does.
//!
//! Sums are kept in double-double (106 bits). A sum that gives values up loses digits when a large one
//! leaves (1e15 among 0.1s): the sum counts as *worn* once what is left is small against what has been
//! in it, and is built anew from the ring. A value is built anew at most once for each factor that
//! wear allows, so the cost per row stays bounded by a constant, amortised, whatever the window's length.

mod double_double;
mod sum;
mod moments;
mod slope;
mod extreme;
mod distinct;
mod quantile;
mod recent;
mod growing;

use config::{Aggregate, DataType};

pub(super) use distinct::{Multiset, word};
pub(super) use extreme::Monotonic;
pub(super) use growing::{Growing, float_sum, int_sum, moments};
pub(super) use moments::Moments;
pub(super) use quantile::OrderedList;
pub(super) use recent::{Recent, difference};
pub(super) use slope::Slope;
pub(super) use sum::{FloatSum, IntSum};

use super::keyed::{Reading, Value};

/// A kind of accumulator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Family {
    Count,
    IntSum,
    FloatSum,
    Moments,
    Slope,
    Min,
    Max,
    First,
    Last,
    Distinct,
    Quantile,
    Ewma(f64),
}

impl Family {
    /// The family that answers an aggregate of a column of this type; `None` for lag and delta,
    /// which look back without one.
    pub(super) fn of(aggregate: Aggregate, input: Option<&DataType>) -> Option<Self> {
        let exact = matches!(input, Some(DataType::Int64 | DataType::Bool));
        Some(match aggregate {
            Aggregate::Count => Self::Count,
            Aggregate::Sum | Aggregate::Avg if exact => Self::IntSum,
            Aggregate::Sum | Aggregate::Avg => Self::FloatSum,
            Aggregate::Min => Self::Min,
            Aggregate::Max => Self::Max,
            Aggregate::Variance | Aggregate::StdDev | Aggregate::ZScore => Self::Moments,
            Aggregate::First => Self::First,
            Aggregate::Last => Self::Last,
            Aggregate::CountDistinct => Self::Distinct,
            Aggregate::Quantile(_) => Self::Quantile,
            Aggregate::Slope => Self::Slope,
            Aggregate::Ewma(alpha) => Self::Ewma(alpha),
            Aggregate::Delta(_) | Aggregate::Lag(_) => return None,
        })
    }
}

/// How an aggregate wants its column read.
pub(super) fn reading(aggregate: Aggregate) -> Reading {
    match aggregate {
        Aggregate::Count => Reading::Presence,
        Aggregate::CountDistinct => Reading::Hashes,
        Aggregate::Sum
        | Aggregate::Avg
        | Aggregate::Min
        | Aggregate::Max
        | Aggregate::Variance
        | Aggregate::StdDev
        | Aggregate::First
        | Aggregate::Last
        | Aggregate::Quantile(_)
        | Aggregate::Slope
        | Aggregate::Ewma(_)
        | Aggregate::Delta(_)
        | Aggregate::Lag(_)
        | Aggregate::ZScore => Reading::Values,
    }
}

/// A count as a value.
pub(super) fn counted(count: u64) -> Option<Value<'static>> {
    Some(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// Position of an item in a list that holds each once.
pub(super) fn find_or_push<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    match list.iter().position(|other| *other == item) {
        Some(at) => at,
        None => {
            list.push(item);
            list.len() - 1
        }
    }
}
