//! The reference: every aggregate from the whole history, by its definition.

use config::{Aggregate, Over, RollingColumn};

use crate::operators::fixture::{FLOAT, INT, Input, TEXT};

/// A value of any type.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Text(String),
}

impl Cell {
    /// Equal, floats within 1e-9 of the expected one.
    pub(super) fn agrees(&self, expected: &Self) -> bool {
        match (self, expected) {
            (Self::Float(got), Self::Float(want)) => (got - want).abs() <= 1e-9 * want.abs(),
            (got, want) => got == want,
        }
    }
}

/// What the column is in the last row of this history of one key.
pub(super) fn expected(column: &RollingColumn, history: &[Input]) -> Cell {
    let (current, earlier) = history.split_last().unwrap();
    let of = |input: &Input| match column.of {
        Some(FLOAT) => input.float.map_or(Cell::Null, Cell::Float),
        Some(INT) => input.int.map_or(Cell::Null, Cell::Int),
        Some(TEXT) => input.text.clone().map_or(Cell::Null, Cell::Text),
        _ => Cell::Int(1),
    };
    let there = |inputs: &[Input]| -> Vec<Cell> {
        inputs
            .iter()
            .map(of)
            .filter(|cell| *cell != Cell::Null)
            .collect()
    };
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

fn aggregate(aggregate: Aggregate, cells: &[Cell], current: &Cell) -> Cell {
    let ordered = |a: &&Cell, b: &&Cell| a.partial_cmp(b).unwrap();
    let found = |cell: Option<&Cell>| cell.cloned().unwrap_or(Cell::Null);
    let float = |value: Option<f64>| value.map_or(Cell::Null, Cell::Float);
    match aggregate {
        Aggregate::Count => Cell::Int(cells.len() as i64),
        Aggregate::Min => found(cells.iter().min_by(ordered)),
        Aggregate::Max => found(cells.iter().max_by(ordered)),
        Aggregate::First => found(cells.first()),
        Aggregate::Last => found(cells.last()),
        Aggregate::CountDistinct => {
            let mut distinct: Vec<&Cell> = Vec::new();
            for cell in cells {
                if !distinct.contains(&cell) {
                    distinct.push(cell);
                }
            }
            Cell::Int(distinct.len() as i64)
        }
        Aggregate::Sum => match cells {
            [] => Cell::Null,
            [Cell::Int(_), ..] => Cell::Int((sum(cells) >> 10) as i64),
            _ => Cell::Float(unscaled(sum(cells))),
        },
        Aggregate::Avg if cells.is_empty() => Cell::Null,
        Aggregate::Avg => Cell::Float(unscaled(sum(cells)) / cells.len() as f64),
        Aggregate::Variance => float(variance(cells)),
        Aggregate::StdDev => float(variance(cells).map(f64::sqrt)),
        Aggregate::ZScore => float(z_score(cells, current)),
        Aggregate::Quantile(q) => float(quantile(cells, q)),
        Aggregate::Slope => float(slope(cells)),
        Aggregate::Ewma(_) | Aggregate::Delta(_) | Aggregate::Lag(_) => unreachable!("above"),
    }
}

/// In units of 2^-10, in which every value of the tests is whole.
fn scaled(cell: &Cell) -> i128 {
    match cell {
        Cell::Int(value) => i128::from(*value) << 10,
        Cell::Float(value) => (value * 1024.0) as i128,
        Cell::Null | Cell::Text(_) => unreachable!("a number"),
    }
}

fn unscaled(value: i128) -> f64 {
    value as f64 / 1024.0
}

fn sum(cells: &[Cell]) -> i128 {
    cells.iter().map(scaled).sum()
}

/// n·x - Σ x, exactly: the deviation from the mean, n times.
fn deviations(cells: &[Cell]) -> impl Iterator<Item = i128> {
    let (n, total) = (cells.len() as i128, sum(cells));
    cells.iter().map(move |cell| n * scaled(cell) - total)
}

fn variance(cells: &[Cell]) -> Option<f64> {
    let n = cells.len() as f64;
    let squares: f64 = deviations(cells).map(|d| (unscaled(d) / n).powi(2)).sum();
    (cells.len() > 1).then(|| squares / (n - 1.0))
}

fn z_score(cells: &[Cell], current: &Cell) -> Option<f64> {
    if *current == Cell::Null {
        return None;
    }
    let deviation = variance(cells)?.sqrt();
    let n = cells.len() as i128;
    let distance = unscaled(n * scaled(current) - sum(cells)) / n as f64;
    (deviation > 0.0).then(|| distance / deviation)
}

fn quantile(cells: &[Cell], q: f64) -> Option<f64> {
    let mut values: Vec<f64> = cells.iter().map(|cell| unscaled(scaled(cell))).collect();
    values.sort_by(f64::total_cmp);
    let rank = q * values.len().checked_sub(1)? as f64;
    let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
    Some(low + (high - low) * rank.fract())
}

fn slope(cells: &[Cell]) -> Option<f64> {
    let n = cells.len() as i128;
    if n < 2 {
        return None;
    }
    // Σ (i - mean i)(y - mean y) / Σ (i - mean i)², numerator and denominator times 2 n² and 2.
    let products: i128 = deviations(cells)
        .zip(0..)
        .map(|(d, i)| (2 * i - (n - 1)) * d)
        .sum();
    let squares: i128 = (0..n).map(|i| (2 * i - (n - 1)).pow(2)).sum();
    Some(2.0 * unscaled(products) / n as f64 / squares as f64)
}

fn ewma(cells: &[Cell], alpha: f64) -> Cell {
    let mut values = cells.iter().map(|cell| unscaled(scaled(cell)));
    let Some(first) = values.next() else {
        return Cell::Null;
    };
    Cell::Float(values.fold(first, |mean, x| alpha * x + (1.0 - alpha) * mean))
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
