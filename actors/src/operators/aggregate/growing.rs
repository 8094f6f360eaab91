//! Accumulators of sets that only grow: windows, their panes, and `over` everything.

use config::Aggregate;

use super::distinct::{Distinct, word};
use super::quantile::Quantiles;
use super::{Family, FloatSum, IntSum, Moments, Slope, counted};
use crate::operators::keyed::StateDecodeError;
use crate::operators::keyed::{Reader, Scalar, Value, write_f64, write_i64, write_u64};

/// One accumulator.
#[derive(Debug, Clone)]
pub(in crate::operators) enum Growing {
    Count(u64),
    IntSum(IntSum),
    FloatSum(FloatSum),
    Moments(Moments),
    Slope(Slope),
    Min(Option<Scalar>),
    Max(Option<Scalar>),
    /// With its time: the oldest by event time, of equals the one that came first.
    First(Option<(i64, Scalar)>),
    /// The newest by event time, of equals the one that came last.
    Last(Option<(i64, Scalar)>),
    Distinct(Distinct),
    Quantile(Quantiles),
    /// In order of arrival, with the weight of the newest.
    Ewma(f64, Option<f64>),
}

impl Growing {
    pub(in crate::operators) fn new(family: Family) -> Self {
        match family {
            Family::Count => Self::Count(0),
            Family::IntSum => Self::IntSum(IntSum::default()),
            Family::FloatSum => Self::FloatSum(FloatSum::default()),
            Family::Moments => Self::Moments(Moments::default()),
            Family::Slope => Self::Slope(Slope::default()),
            Family::Min => Self::Min(None),
            Family::Max => Self::Max(None),
            Family::First => Self::First(None),
            Family::Last => Self::Last(None),
            Family::Distinct => Self::Distinct(Distinct::default()),
            Family::Quantile => Self::Quantile(Quantiles::default()),
            Family::Ewma(alpha) => Self::Ewma(alpha, None),
        }
    }

    /// Takes a value of a row at this event time.
    pub(in crate::operators) fn add(&mut self, value: Value<'_>, time: i64) {
        match self {
            Self::Count(count) => *count += 1,
            Self::IntSum(sum) => {
                if let Value::Int(value) = value {
                    sum.add(value);
                }
            }
            Self::FloatSum(sum) => on_number(value, |x| sum.add(x)),
            Self::Moments(moments) => on_number(value, |x| moments.add(x)),
            Self::Slope(slope) => on_number(value, |x| slope.add(x)),
            Self::Min(best) => {
                if best.as_ref().is_none_or(|best| value.is_less(best.value())) {
                    *best = Some(value.to_scalar());
                }
            }
            Self::Max(best) => {
                if best.as_ref().is_none_or(|best| best.value().is_less(value)) {
                    *best = Some(value.to_scalar());
                }
            }
            Self::First(edge) => {
                if edge.as_ref().is_none_or(|(oldest, _)| time < *oldest) {
                    *edge = Some((time, value.to_scalar()));
                }
            }
            Self::Last(edge) => {
                if edge.as_ref().is_none_or(|(newest, _)| time >= *newest) {
                    *edge = Some((time, value.to_scalar()));
                }
            }
            Self::Distinct(distinct) => distinct.add(word(value)),
            Self::Quantile(quantiles) => on_number(value, |x| quantiles.add(x)),
            Self::Ewma(alpha, mean) => on_number(value, |x| {
                *mean = Some(mean.map_or(x, |mean| *alpha * x + (1.0 - *alpha) * mean));
            }),
        }
    }

    /// Takes in what another of the same family has, which is newer.
    pub(in crate::operators) fn merge(&mut self, newer: &Self) {
        match (self, newer) {
            (Self::Count(a), Self::Count(b)) => *a = a.saturating_add(*b),
            (Self::IntSum(a), Self::IntSum(b)) => a.merge(b),
            (Self::FloatSum(a), Self::FloatSum(b)) => a.merge(b),
            (Self::Moments(a), Self::Moments(b)) => a.merge(b),
            (Self::Slope(a), Self::Slope(b)) => a.merge(b),
            (Self::Distinct(a), Self::Distinct(b)) => a.merge(b),
            (Self::Quantile(a), Self::Quantile(b)) => a.merge(b),
            (a @ (Self::Min(_) | Self::Max(_)), Self::Min(Some(b)) | Self::Max(Some(b))) => {
                a.add(b.value(), 0);
            }
            (
                a @ (Self::First(_) | Self::Last(_)),
                Self::First(Some((time, b))) | Self::Last(Some((time, b))),
            ) => a.add(b.value(), *time),
            // Of nothing; and windows have no ewma.
            _ => {}
        }
    }

    /// The aggregate, for a row whose own value is `current`.
    pub(in crate::operators) fn value(
        &self,
        aggregate: Aggregate,
        current: Option<Value<'_>>,
    ) -> Option<Value<'_>> {
        match self {
            Self::Count(count) => counted(*count),
            Self::IntSum(sum) => int_sum(sum, aggregate),
            Self::FloatSum(sum) => float_sum(sum, aggregate),
            Self::Moments(m) => moments(m, aggregate, current),
            Self::Slope(slope) => slope.slope().map(Value::Float),
            Self::Min(best) | Self::Max(best) => best.as_ref().map(Scalar::value),
            Self::First(edge) | Self::Last(edge) => edge.as_ref().map(|(_, value)| value.value()),
            Self::Distinct(distinct) => counted(distinct.count()),
            Self::Quantile(quantiles) => match aggregate {
                Aggregate::Quantile(q) => quantiles.quantile(q).map(Value::Float),
                _ => None,
            },
            Self::Ewma(_, mean) => mean.map(Value::Float),
        }
    }

    /// Bytes on the heap.
    pub(in crate::operators) fn heap_bytes(&self) -> usize {
        match self {
            Self::Min(best) | Self::Max(best) => best.as_ref().map_or(0, Scalar::heap_bytes),
            Self::First(edge) | Self::Last(edge) => {
                edge.as_ref().map_or(0, |(_, value)| value.heap_bytes())
            }
            Self::Distinct(distinct) => distinct.heap_bytes(),
            Self::Quantile(quantiles) => quantiles.heap_bytes(),
            Self::Count(_)
            | Self::IntSum(_)
            | Self::FloatSum(_)
            | Self::Moments(_)
            | Self::Slope(_)
            | Self::Ewma(..) => 0,
        }
    }

    /// Its family is not written: the operator's settings give it.
    pub(in crate::operators) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Count(count) => write_u64(out, *count),
            Self::IntSum(sum) => sum.encode(out),
            Self::FloatSum(sum) => sum.encode(out),
            Self::Moments(moments) => moments.encode(out),
            Self::Slope(slope) => slope.encode(out),
            Self::Min(best) | Self::Max(best) => {
                option(best.as_ref(), out, |best, out| best.encode(out));
            }
            Self::First(edge) | Self::Last(edge) => {
                option(edge.as_ref(), out, |(time, value), out| {
                    write_i64(out, *time);
                    value.encode(out);
                });
            }
            Self::Distinct(distinct) => distinct.encode(out),
            Self::Quantile(quantiles) => quantiles.encode(out),
            Self::Ewma(_, mean) => option(mean.as_ref(), out, |mean, out| write_f64(out, *mean)),
        }
    }

    pub(in crate::operators) fn decode(
        family: Family,
        reader: &mut Reader<'_>,
    ) -> Result<Self, StateDecodeError> {
        Ok(match family {
            Family::Count => Self::Count(reader.u64()?),
            Family::IntSum => Self::IntSum(IntSum::decode(reader)?),
            Family::FloatSum => Self::FloatSum(FloatSum::decode(reader)?),
            Family::Moments => Self::Moments(Moments::decode(reader)?),
            Family::Slope => Self::Slope(Slope::decode(reader)?),
            Family::Min => Self::Min(optional(reader, Scalar::decode)?),
            Family::Max => Self::Max(optional(reader, Scalar::decode)?),
            Family::First => Self::First(optional(reader, timed)?),
            Family::Last => Self::Last(optional(reader, timed)?),
            Family::Distinct => Self::Distinct(Distinct::decode(reader)?),
            Family::Quantile => Self::Quantile(Quantiles::decode(reader)?),
            Family::Ewma(alpha) => Self::Ewma(alpha, optional(reader, Reader::f64)?),
        })
    }
}

pub(in crate::operators) fn int_sum(sum: &IntSum, aggregate: Aggregate) -> Option<Value<'static>> {
    match aggregate {
        Aggregate::Avg => sum.mean().map(Value::Float),
        _ => sum.sum().map(Value::Int),
    }
}

pub(in crate::operators) fn float_sum(
    sum: &FloatSum,
    aggregate: Aggregate,
) -> Option<Value<'static>> {
    match aggregate {
        Aggregate::Avg => sum.mean(),
        _ => sum.sum(),
    }
    .map(Value::Float)
}

pub(in crate::operators) fn moments(
    moments: &Moments,
    aggregate: Aggregate,
    current: Option<Value<'_>>,
) -> Option<Value<'static>> {
    match aggregate {
        Aggregate::StdDev => moments.deviation(),
        Aggregate::ZScore => moments.z_score(current?.number()?),
        _ => moments.variance(),
    }
    .map(Value::Float)
}

fn on_number(value: Value<'_>, f: impl FnOnce(f64)) {
    if let Some(number) = value.number() {
        f(number);
    }
}

fn option<T>(value: Option<&T>, out: &mut Vec<u8>, encode: impl FnOnce(&T, &mut Vec<u8>)) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            encode(value, out);
        }
    }
}

fn optional<'a, T>(
    reader: &mut Reader<'a>,
    decode: impl FnOnce(&mut Reader<'a>) -> Result<T, StateDecodeError>,
) -> Result<Option<T>, StateDecodeError> {
    match reader.byte()? {
        0 => Ok(None),
        1 => decode(reader).map(Some),
        _ => Err(StateDecodeError::Malformed("neither there nor not there")),
    }
}

fn timed(reader: &mut Reader<'_>) -> Result<(i64, Scalar), StateDecodeError> {
    Ok((reader.i64()?, Scalar::decode(reader)?))
}
