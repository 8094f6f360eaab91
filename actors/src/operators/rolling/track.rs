//! One ring and the windows on it, as a row passes: [`Track::open`], [`Track::admit`], [`Track::settle`].
//!
//! At rest every window ends with the ring and begins after the newest row's time - span (or its last
//! so many rows): a function of the ring alone, so it is not part of the encoded state.

use super::plan::{Order, SlidingPlan, TrackPlan};
use super::ring::Ring;
use super::sliding::{Sliding, View};
use crate::operators::keyed::{Bound, Reader, StateDecodeError};

/// The state of a track.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    ring: Ring,
    /// Where the windows end: with the ring, but while an older row passes.
    end: u64,
    /// Where each window begins.
    starts: Box<[u64]>,
    sliding: Box<[Sliding]>,
}

/// Where the row that passes belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the end.
    Newest,
    /// Before rows that are newer.
    Earlier,
}

impl Track {
    pub(super) fn new(plan: &TrackPlan) -> Self {
        Self {
            ring: Ring::default(),
            end: 0,
            starts: vec![0; plan.windows.len()].into(),
            sliding: plan
                .sliding
                .iter()
                .map(|s| Sliding::new(s.family))
                .collect(),
        }
    }

    /// By time: makes the windows those of a row at this time, without the row.
    pub(super) fn open(&mut self, plan: &TrackPlan, time: i64) -> Place {
        match self.ring.newest(&plan.layout) {
            Some(newest) if time < newest => {
                self.end = self.ring.after(&plan.layout, time);
                self.rebuild(plan, time);
                Place::Earlier
            }
            _ => {
                for (window, planned) in plan.windows.iter().enumerate() {
                    let reach = time.saturating_sub(planned.reach);
                    let start = self.starts[window];
                    let mut to = start;
                    while to < self.end && self.ring.time(&plan.layout, to) <= reach {
                        to += 1;
                    }
                    self.shrink(plan, window, to);
                }
                Place::Newest
            }
        }
    }

    /// Takes the row in.
    pub(super) fn admit(
        &mut self,
        plan: &TrackPlan,
        place: Place,
        time: i64,
        bound: &Bound,
        row: usize,
    ) {
        if plan.order == Order::Arrival {
            for (window, planned) in plan.windows.iter().enumerate() {
                let full = self.end - self.starts[window] >= planned.reach.cast_unsigned();
                if full {
                    self.shrink(plan, window, self.starts[window] + 1);
                }
            }
        }
        self.ring.push(&plan.layout, time, bound, row);
        if place == Place::Earlier {
            self.ring.settle_at(&plan.layout, self.end);
        }
        for (sliding, planned) in self.sliding.iter_mut().zip(&plan.sliding) {
            sliding.add(view(&self.ring, plan, planned), self.end);
        }
        self.end += 1;
    }

    /// Makes the windows those of the newest row again, and forgets rows that none can reach: for a
    /// ring by time those whose time is out of reach at `horizon`.
    pub(super) fn settle(&mut self, plan: &TrackPlan, place: Place, horizon: i64) {
        if place == Place::Earlier {
            self.end = self.ring.end();
            if let Some(newest) = self.ring.newest(&plan.layout) {
                self.rebuild(plan, newest);
            }
        }
        let reach = horizon.saturating_sub(plan.reach);
        let first = self.starts.iter().copied().min().unwrap_or(self.end);
        while self.ring.start() < first {
            let oldest = self.ring.time(&plan.layout, self.ring.start());
            if plan.order == Order::Time && oldest > reach {
                break;
            }
            self.ring.pop(&plan.layout);
        }
    }

    /// Rows in a window.
    pub(super) fn rows(&self, window: usize) -> u64 {
        self.end - self.starts[window]
    }

    pub(super) fn sliding<'a>(&'a self, plan: &'a TrackPlan, at: usize) -> (&'a Sliding, View<'a>) {
        (&self.sliding[at], view(&self.ring, plan, &plan.sliding[at]))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Rows kept.
    pub(super) fn len(&self) -> u64 {
        self.ring.end() - self.ring.start()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let sliding: usize = self.sliding.iter().map(Sliding::heap_bytes).sum();
        self.ring.heap_bytes() + sliding + size_of_val(&*self.sliding) + size_of_val(&*self.starts)
    }

    /// Moves a window's begin on to `to`.
    fn shrink(&mut self, plan: &TrackPlan, window: usize, to: u64) {
        let from = self.starts[window];
        if from == to {
            return;
        }
        self.starts[window] = to;
        for at in &plan.windows[window].sliding {
            let view = view(&self.ring, plan, &plan.sliding[*at]);
            let sliding = &mut self.sliding[*at];
            for position in from..to {
                sliding.remove(view, position, self.end);
            }
            sliding.mend(view, to..self.end);
        }
    }

    /// Builds every window anew as of this time, up to `end`.
    fn rebuild(&mut self, plan: &TrackPlan, time: i64) {
        self.place_starts(plan, time);
        for (sliding, planned) in self.sliding.iter_mut().zip(&plan.sliding) {
            let window = self.starts[planned.window]..self.end;
            sliding.rebuild(view(&self.ring, plan, planned), window);
        }
    }

    fn place_starts(&mut self, plan: &TrackPlan, time: i64) {
        for (start, window) in self.starts.iter_mut().zip(&plan.windows) {
            *start = match plan.order {
                Order::Time => {
                    let reach = time.saturating_sub(window.reach);
                    self.ring.after(&plan.layout, reach).min(self.end)
                }
                Order::Arrival => {
                    let rows = self.end - self.ring.start();
                    self.end - rows.min(window.reach.cast_unsigned())
                }
            };
        }
    }

    pub(super) fn encode(&self, plan: &TrackPlan, out: &mut Vec<u8>) {
        if plan.windows.is_empty() {
            return;
        }
        self.ring.encode(&plan.layout, out);
        for sliding in &self.sliding {
            sliding.encode(out);
        }
    }

    pub(super) fn decode(
        plan: &TrackPlan,
        reader: &mut Reader<'_>,
    ) -> Result<Self, StateDecodeError> {
        let mut track = Self::new(plan);
        if plan.windows.is_empty() {
            return Ok(track);
        }
        track.ring = Ring::decode(&plan.layout, reader)?;
        if plan.order == Order::Time && !track.ring.is_sorted(&plan.layout) {
            return Err(StateDecodeError::Malformed("rows are not in order of time"));
        }
        track.end = track.ring.end();
        let newest = track.ring.newest(&plan.layout).unwrap_or_default();
        track.place_starts(plan, newest);
        for (sliding, planned) in track.sliding.iter_mut().zip(&plan.sliding) {
            let window = track.starts[planned.window]..track.end;
            let view = view(&track.ring, plan, planned);
            *sliding = Sliding::decode(planned.family, reader, view, window)?;
        }
        Ok(track)
    }
}

fn view<'a>(ring: &'a Ring, plan: &'a TrackPlan, planned: &SlidingPlan) -> View<'a> {
    View {
        ring,
        layout: &plan.layout,
        field: planned.field,
    }
}
