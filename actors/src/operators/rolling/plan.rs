//! What the columns of a rolling operator share: worked out once, so that a row only follows it.

use config::{Aggregate, Over, Rolling, RollingColumn, Schema};

use super::ring::{Kind, Layout};
use crate::operators::aggregate::{Family, find_or_push, reading};
use crate::operators::keyed::Reading;

/// The whole plan.
#[derive(Debug)]
pub(super) struct Plan {
    /// Columns read from a batch: position and how.
    pub(super) inputs: Vec<(usize, Reading)>,
    /// Windows over times.
    pub(super) by_time: TrackPlan,
    /// Windows over numbers of rows.
    pub(super) by_arrival: TrackPlan,
    /// Accumulators over everything; without an input they see every row.
    pub(super) growing: Vec<(Family, Option<usize>)>,
    /// Last values kept: input and how many.
    pub(super) recent: Vec<(usize, usize)>,
    pub(super) outputs: Vec<Output>,
}

/// One ring and the windows on it.
#[derive(Debug)]
pub(super) struct TrackPlan {
    pub(super) order: Order,
    pub(super) layout: Layout,
    pub(super) windows: Vec<WindowPlan>,
    /// Accumulators of all windows.
    pub(super) sliding: Vec<SlidingPlan>,
    /// Reach of the longest window: milliseconds or rows.
    pub(super) reach: i64,
}

/// One window.
#[derive(Debug)]
pub(super) struct WindowPlan {
    /// Milliseconds or rows.
    pub(super) reach: i64,
    /// Positions of its accumulators.
    pub(super) sliding: Vec<usize>,
}

/// One accumulator of a window.
#[derive(Debug, PartialEq)]
pub(super) struct SlidingPlan {
    pub(super) window: usize,
    pub(super) family: Family,
    /// Field of the ring.
    pub(super) field: usize,
}

/// One added column.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) aggregate: Aggregate,
    pub(super) source: Source,
    /// Read before the current row goes in.
    pub(super) before: bool,
    /// Input of the aggregated column.
    pub(super) input: Option<usize>,
}

/// Where its value is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// The number of rows in a window.
    Rows(Order, usize),
    /// An accumulator of a window.
    Sliding(Order, usize),
    /// An accumulator of everything.
    Growing(usize),
    /// Last values, and how far back.
    Lag(usize, usize),
    /// The same, to be taken from the current value.
    Delta(usize, usize),
}

/// What orders a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Time,
    Arrival,
}

impl Plan {
    pub(super) fn new(rolling: &Rolling, schema: &Schema) -> Self {
        let mut plan = Self {
            inputs: Vec::new(),
            by_time: TrackPlan::new(Order::Time),
            by_arrival: TrackPlan::new(Order::Arrival),
            growing: Vec::new(),
            recent: Vec::new(),
            outputs: Vec::new(),
        };
        for column in &rolling.columns {
            let output = plan.output(column, schema);
            plan.outputs.push(output);
        }
        plan.by_time.finish();
        plan.by_arrival.finish();
        plan
    }

    pub(super) fn track(&self, order: Order) -> &TrackPlan {
        match order {
            Order::Time => &self.by_time,
            Order::Arrival => &self.by_arrival,
        }
    }

    fn output(&mut self, column: &RollingColumn, schema: &Schema) -> Output {
        let aggregate = column.aggregate;
        let of = column
            .of
            .and_then(|at| Some((at, schema.columns().get(at)?)));
        // Every value of such a column is there, so that its count is the number of rows.
        let of = of.filter(|(_, c)| aggregate != Aggregate::Count || c.nullable);
        let input = of.map(|(at, _)| find_or_push(&mut self.inputs, (at, reading(aggregate))));
        let family = Family::of(aggregate, of.map(|(_, c)| &c.data_type));
        let kind = of.map(|(_, c)| (Kind::of(&c.data_type, reading(aggregate)), c.nullable));
        let source = match (family, aggregate, column.over) {
            (_, Aggregate::Lag(rows), _) => {
                let rows = rows_back(rows);
                Source::Lag(self.recent(input, rows), rows)
            }
            (_, Aggregate::Delta(rows), _) => {
                let rows = rows_back(rows);
                Source::Delta(self.recent(input, rows), rows)
            }
            (Some(family @ Family::Ewma(_)), _, _) | (Some(family), _, Over::All) => {
                Source::Growing(find_or_push(&mut self.growing, (family, input)))
            }
            (family, _, Over::Time(span)) => {
                let field = input.zip(kind);
                self.by_time.source(span.0.max(1), family, field)
            }
            (family, _, Over::Count(rows)) => {
                let rows = i64::try_from(rows).unwrap_or(i64::MAX).max(1);
                let field = input.zip(kind);
                self.by_arrival.source(rows, family, field)
            }
            (None, _, Over::All) => unreachable!("only lag and delta have no family"),
        };
        Output {
            aggregate,
            source,
            before: column.exclude_current || matches!(source, Source::Lag(..) | Source::Delta(..)),
            input,
        }
    }

    /// Keeps the last values of an input, as many as the farthest look needs.
    fn recent(&mut self, input: Option<usize>, rows: usize) -> usize {
        let input = input.unwrap_or_default();
        match self.recent.iter().position(|(of, _)| *of == input) {
            Some(at) => {
                self.recent[at].1 = self.recent[at].1.max(rows);
                at
            }
            None => {
                self.recent.push((input, rows));
                self.recent.len() - 1
            }
        }
    }
}

impl TrackPlan {
    fn new(order: Order) -> Self {
        Self {
            order,
            layout: Layout::default(),
            windows: Vec::new(),
            sliding: Vec::new(),
            reach: 0,
        }
    }

    fn source(
        &mut self,
        reach: i64,
        family: Option<Family>,
        field: Option<(usize, (Kind, bool))>,
    ) -> Source {
        let window = match self.windows.iter().position(|window| window.reach == reach) {
            Some(at) => at,
            None => {
                let sliding = Vec::new();
                self.windows.push(WindowPlan { reach, sliding });
                self.windows.len() - 1
            }
        };
        let (Some(family), Some((input, (kind, nullable)))) = (family, field) else {
            return Source::Rows(self.order, window);
        };
        let field = self.layout.field(input, kind, nullable);
        let sliding = SlidingPlan {
            window,
            family,
            field,
        };
        Source::Sliding(self.order, find_or_push(&mut self.sliding, sliding))
    }

    fn finish(&mut self) {
        self.layout.finish();
        for (at, sliding) in self.sliding.iter().enumerate() {
            self.windows[sliding.window].sliding.push(at);
        }
        self.reach = self
            .windows
            .iter()
            .map(|window| window.reach)
            .max()
            .unwrap_or(0);
    }
}

fn rows_back(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX).max(1)
}
