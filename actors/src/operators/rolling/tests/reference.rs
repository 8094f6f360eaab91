//! The reference: every column of a row from the whole history of its key.

use config::{Aggregate, Over, RollingColumn};

use crate::operators::fixture::Input;
use crate::operators::fixture::reference::{Cell, aggregate, value, values};

/// What the column is in the last row of this history of one key.
pub(super) fn expected(column: &RollingColumn, history: &[Input]) -> Cell {
    let (current, earlier) = history.split_last().unwrap();
    let of = |input: &Input| value(column.of, input);
    let there = |inputs: &[Input]| values(column.of, inputs);
    let seen = if column.exclude_current {
        earlier
    } else {
        history
    };
    match column.aggregate {
        Aggregate::Lag(rows) => return back(&there(earlier), rows),
        Aggregate::Delta(rows) => return minus(&of(current), &back(&there(earlier), rows)),
        Aggregate::Ewma(alpha) => return ewma(&there(seen), alpha),
        _ => {}
    }
    let mut window: Vec<Input> = match column.over {
        Over::All => seen.to_vec(),
        Over::Count(rows) => seen[seen.len().saturating_sub(rows as usize)..].to_vec(),
        Over::Time(span) => {
            let inside = |time| time > current.time - span.0 && time <= current.time;
            seen.iter()
                .filter(|input| inside(input.time))
                .cloned()
                .collect()
        }
    };
    let edge = matches!(column.aggregate, Aggregate::First | Aggregate::Last);
    // Over a time rows are in its order; over everything the first and the last are by time too.
    if matches!(column.over, Over::Time(_)) || (edge && column.over == Over::All) {
        window.sort_by_key(|input| input.time);
    }
    aggregate(column.aggregate, &there(&window), &of(current))
}

fn ewma(cells: &[Cell], alpha: f64) -> Cell {
    let mut numbers = cells.iter().map(Cell::number);
    let Some(first) = numbers.next() else {
        return Cell::Null;
    };
    Cell::Float(numbers.fold(first, |mean, x| alpha * x + (1.0 - alpha) * mean))
}

fn back(cells: &[Cell], rows: u64) -> Cell {
    let at = cells.len().checked_sub(rows as usize);
    at.map_or(Cell::Null, |at| cells[at].clone())
}

fn minus(now: &Cell, before: &Cell) -> Cell {
    match (now, before) {
        (Cell::Int(now), Cell::Int(before)) => Cell::Int(now - before),
        (Cell::Float(now), Cell::Float(before)) => Cell::Float(now - before),
        _ => Cell::Null,
    }
}
