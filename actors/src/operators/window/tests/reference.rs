//! The reference: which rows are in which window, by the definitions, and what is said of them.

use config::{Aggregate, Window, WindowKind};

use crate::operators::fixture::Input;
use crate::operators::fixture::reference::{Cell, aggregate, values};

/// What comes out.
pub(super) struct Expected {
    /// Begin, end and aggregates, by end.
    pub(super) windows: Vec<(i64, i64, Vec<Cell>)>,
    /// Positions of late rows.
    pub(super) late: Vec<u32>,
}

/// A window with the rows in it, in the order they came.
struct Held {
    start: i64,
    end: i64,
    rows: Vec<Input>,
}

pub(super) fn expected(window: &Window, inputs: &[Input]) -> Expected {
    let mut held: Vec<Held> = Vec::new();
    let mut late = Vec::new();
    for (input, position) in inputs.iter().zip(0..) {
        let open = |end: i64| end + window.allowed_lateness.0 > input.watermark;
        let taken = match window.kind {
            WindowKind::Tumbling { size } => fixed(&mut held, input, size.0, size.0, &open),
            WindowKind::Sliding { size, slide } => fixed(&mut held, input, size.0, slide.0, &open),
            WindowKind::Gap { gap } => session(&mut held, input, gap.0, &open),
        };
        if !taken {
            late.push(position);
        }
    }
    held.sort_by_key(|held| held.end);
    let windows = held
        .iter()
        .map(|held| (held.start, held.end, said(window, held)));
    Expected {
        windows: windows.collect(),
        late,
    }
}

/// Puts a row into every open window that begins at a multiple of `slide` and holds it.
fn fixed(
    held: &mut Vec<Held>,
    input: &Input,
    size: i64,
    slide: i64,
    open: &impl Fn(i64) -> bool,
) -> bool {
    let mut taken = false;
    for start in (input.time - size + 1)..=input.time {
        if start.rem_euclid(slide) != 0 || !open(start + size) {
            continue;
        }
        taken = true;
        match held.iter_mut().find(|held| held.start == start) {
            Some(held) => held.rows.push(input.clone()),
            None => held.push(Held {
                start,
                end: start + size,
                rows: vec![input.clone()],
            }),
        }
    }
    taken
}

/// Joins a row with all open sessions that have a row less than the gap away.
fn session(held: &mut Vec<Held>, input: &Input, gap: i64, open: &impl Fn(i64) -> bool) -> bool {
    let near = |held: &Held| {
        open(held.end)
            && held
                .rows
                .iter()
                .any(|row| (row.time - input.time).abs() < gap)
    };
    let (joined, apart): (Vec<Held>, Vec<Held>) = held.drain(..).partition(near);
    *held = apart;
    if joined.is_empty() && !open(input.time + gap) {
        return false;
    }
    let mut joined = joined;
    joined.sort_by_key(|held| held.start);
    let mut rows: Vec<Input> = joined.into_iter().flat_map(|held| held.rows).collect();
    rows.push(input.clone());
    let times = || rows.iter().map(|row| row.time);
    held.push(Held {
        start: times().min().unwrap(),
        end: times().max().unwrap() + gap,
        rows,
    });
    true
}

fn said(window: &Window, held: &Held) -> Vec<Cell> {
    let columns = window.columns.iter();
    let said = columns.map(|column| {
        let mut rows = held.rows.clone();
        match (column.aggregate, window.kind) {
            (Aggregate::First | Aggregate::Last, _) => rows.sort_by_key(|row| row.time),
            // Rows are numbered pane by pane.
            (Aggregate::Slope, WindowKind::Sliding { size, slide }) => {
                let pane = (1..=slide.0)
                    .rev()
                    .find(|n| size.0 % n == 0 && slide.0 % n == 0);
                rows.sort_by_key(|row| row.time.div_euclid(pane.unwrap()));
            }
            _ => {}
        }
        aggregate(column.aggregate, &values(column.of, &rows), &Cell::Null)
    });
    said.collect()
}
