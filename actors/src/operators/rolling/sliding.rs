//! Accumulators of a window that moves along the ring: they take the newest row and give up the oldest.

use std::ops::Range;

use config::Aggregate;

use super::ring::{Layout, Ring};
use crate::operators::aggregate::{
    Family, FloatSum, IntSum, Moments, Monotonic, Multiset, OrderedList, Slope, counted, float_sum,
    int_sum, moments, word,
};
use crate::operators::keyed::{Reader, StateDecodeError, Value, write_u64};

/// One accumulator; a cache line.
#[derive(Debug, Clone)]
pub(super) enum Sliding {
    Count(u64),
    IntSum(IntSum),
    FloatSum(FloatSum),
    Moments(Moments),
    Slope(Box<Slope>),
    Min(Monotonic),
    Max(Monotonic),
    /// Position of the oldest value that is not NULL.
    First(Option<u64>),
    /// Position of the newest value that is not NULL.
    Last(Option<u64>),
    Distinct(Box<Multiset>),
    Quantile(Box<OrderedList>),
}

/// One field of the ring.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) ring: &'a Ring,
    pub(super) layout: &'a Layout,
    pub(super) field: usize,
}

impl<'a> View<'a> {
    pub(super) fn value(&self, position: u64) -> Option<Value<'a>> {
        self.ring.value(self.layout, position, self.field)
    }

    fn numbers(self, window: Range<u64>) -> impl Iterator<Item = f64> + Clone {
        window.filter_map(move |position| self.value(position)?.number())
    }
}

impl Sliding {
    pub(super) fn new(family: Family) -> Self {
        match family {
            Family::Count => Self::Count(0),
            Family::IntSum => Self::IntSum(IntSum::default()),
            Family::FloatSum => Self::FloatSum(FloatSum::default()),
            Family::Moments => Self::Moments(Moments::default()),
            Family::Slope => Self::Slope(Box::default()),
            Family::Min => Self::Min(Monotonic::default()),
            Family::Max => Self::Max(Monotonic::default()),
            Family::First => Self::First(None),
            Family::Last => Self::Last(None),
            Family::Distinct => Self::Distinct(Box::default()),
            Family::Quantile => Self::Quantile(Box::default()),
            Family::Ewma(_) => unreachable!("an ewma is of everything: the plan sees to it"),
        }
    }

    /// Takes the row at the window's end.
    pub(super) fn add(&mut self, view: View<'_>, position: u64) {
        let Some(value) = view.value(position) else {
            return;
        };
        match self {
            Self::Count(count) => *count += 1,
            Self::IntSum(sum) => on_int(value, |x| sum.add(x)),
            Self::FloatSum(sum) => on_number(value, |x| sum.add(x)),
            Self::Moments(moments) => on_number(value, |x| moments.add(x)),
            Self::Slope(slope) => on_number(value, |x| slope.add(x)),
            Self::Min(queue) => queue.add(position, value, |at| view.value(at), Value::is_less),
            Self::Max(queue) => {
                queue.add(position, value, |at| view.value(at), |a, b| b.is_less(a));
            }
            Self::First(at) => *at = at.or(Some(position)),
            Self::Last(at) => *at = Some(position),
            Self::Distinct(set) => set.add(word(value)),
            Self::Quantile(list) => on_number(value, |x| list.add(x)),
        }
    }

    /// Gives up the row at the window's begin; `end` is the window's end.
    pub(super) fn remove(&mut self, view: View<'_>, position: u64, end: u64) {
        let Some(value) = view.value(position) else {
            return;
        };
        match self {
            Self::Count(count) => *count = count.saturating_sub(1),
            Self::IntSum(sum) => on_int(value, |x| sum.remove(x)),
            Self::FloatSum(sum) => on_number(value, |x| sum.remove(x)),
            Self::Moments(moments) => on_number(value, |x| moments.remove(x)),
            Self::Slope(slope) => on_number(value, |x| slope.remove(x)),
            Self::Min(queue) | Self::Max(queue) => queue.remove(position),
            // Every row is looked at once while it is the oldest: amortised one look per row.
            Self::First(at) => *at = (position + 1..end).find(|at| view.value(*at).is_some()),
            Self::Last(at) => *at = at.filter(|at| *at != position),
            Self::Distinct(set) => set.remove(word(value)),
            Self::Quantile(list) => on_number(value, |x| list.remove(x)),
        }
    }

    /// Builds sums anew that have lost digits to values that are gone.
    pub(super) fn mend(&mut self, view: View<'_>, window: Range<u64>) {
        let worn = match self {
            Self::FloatSum(sum) => sum.is_worn(),
            Self::Moments(moments) => moments.is_worn(),
            Self::Slope(slope) => slope.is_worn(),
            Self::Count(_)
            | Self::IntSum(_)
            | Self::Min(_)
            | Self::Max(_)
            | Self::First(_)
            | Self::Last(_)
            | Self::Distinct(_)
            | Self::Quantile(_) => false,
        };
        if worn {
            self.rebuild(view, window);
        }
    }

    /// Becomes the accumulator of exactly these rows.
    pub(super) fn rebuild(&mut self, view: View<'_>, window: Range<u64>) {
        match self {
            Self::Moments(moments) => {
                *moments = Moments::of(view.numbers(window));
                return;
            }
            Self::Count(count) => *count = 0,
            Self::IntSum(sum) => *sum = IntSum::default(),
            Self::FloatSum(sum) => *sum = FloatSum::default(),
            Self::Slope(slope) => **slope = Slope::default(),
            Self::Min(queue) | Self::Max(queue) => *queue = Monotonic::default(),
            Self::First(at) | Self::Last(at) => *at = None,
            Self::Distinct(set) => **set = Multiset::default(),
            Self::Quantile(list) => **list = OrderedList::default(),
        }
        for position in window {
            self.add(view, position);
        }
    }

    /// The aggregate, for a row whose own value is `current`.
    pub(super) fn value<'a>(
        &self,
        view: View<'a>,
        aggregate: Aggregate,
        current: Option<Value<'_>>,
    ) -> Option<Value<'a>> {
        match self {
            Self::Count(count) => counted(*count),
            Self::IntSum(sum) => int_sum(sum, aggregate),
            Self::FloatSum(sum) => float_sum(sum, aggregate),
            Self::Moments(m) => moments(m, aggregate, current),
            Self::Slope(slope) => slope.slope().map(Value::Float),
            Self::Min(queue) | Self::Max(queue) => view.value(queue.best()?),
            Self::First(at) | Self::Last(at) => view.value((*at)?),
            Self::Distinct(set) => counted(set.count()),
            Self::Quantile(list) => match aggregate {
                Aggregate::Quantile(q) => list.quantile(q).map(Value::Float),
                _ => None,
            },
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Min(queue) | Self::Max(queue) => queue.heap_bytes(),
            Self::Distinct(set) => size_of::<Multiset>() + set.heap_bytes(),
            Self::Quantile(list) => size_of::<OrderedList>() + list.heap_bytes(),
            Self::Slope(_) => size_of::<Slope>(),
            Self::Count(_)
            | Self::IntSum(_)
            | Self::FloatSum(_)
            | Self::Moments(_)
            | Self::First(_)
            | Self::Last(_) => 0,
        }
    }

    /// Sums are written, for their last bits come from what has been; the rest follows from the ring.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Count(count) => write_u64(out, *count),
            Self::IntSum(sum) => sum.encode(out),
            Self::FloatSum(sum) => sum.encode(out),
            Self::Moments(moments) => moments.encode(out),
            Self::Slope(slope) => slope.encode(out),
            Self::Min(_)
            | Self::Max(_)
            | Self::First(_)
            | Self::Last(_)
            | Self::Distinct(_)
            | Self::Quantile(_) => {}
        }
    }

    pub(super) fn decode(
        family: Family,
        reader: &mut Reader<'_>,
        view: View<'_>,
        window: Range<u64>,
    ) -> Result<Self, StateDecodeError> {
        Ok(match family {
            Family::Count => Self::Count(reader.u64()?),
            Family::IntSum => Self::IntSum(IntSum::decode(reader)?),
            Family::FloatSum => Self::FloatSum(FloatSum::decode(reader)?),
            Family::Moments => Self::Moments(Moments::decode(reader)?),
            Family::Slope => Self::Slope(Box::new(Slope::decode(reader)?)),
            Family::Min
            | Family::Max
            | Family::First
            | Family::Last
            | Family::Distinct
            | Family::Quantile
            | Family::Ewma(_) => {
                let mut built = Self::new(family);
                built.rebuild(view, window);
                built
            }
        })
    }
}

fn on_int(value: Value<'_>, f: impl FnOnce(i64)) {
    if let Value::Int(value) = value {
        f(value);
    }
}

fn on_number(value: Value<'_>, f: impl FnOnce(f64)) {
    if let Some(number) = value.number() {
        f(number);
    }
}
