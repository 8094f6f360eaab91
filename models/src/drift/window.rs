//! A stretch of the stream, counted in a reference's bins: bounded memory, merged over partitions by addition.

use serde::{Deserialize, Serialize};

use super::reference::{Categorical, Numeric, Profile, Shape};
use super::{DriftError, Reference, Values};
use crate::random::Random;

/// Counts of a stretch of rows. Only meaningful beside the [`Reference`] that it was made for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    rows: u64,
    pub(super) columns: Vec<Counted>,
}

/// Counts of one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) missing: u64,
    /// One a bin or category; the last of a categorical column is of all others.
    pub(super) counts: Vec<u64>,
    /// Bits of the lowest and highest number, or nothing; to tell whether all are one.
    range: Option<Range>,
}

/// Numbers in the order of their bits, made so that it is theirs; equality then is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Range {
    low: i64,
    high: i64,
}

/// A whole number that orders as the number does.
fn ordered(x: f64) -> i64 {
    // No negative zero: it would differ from zero.
    let bits = (x + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

impl Counted {
    fn numbers(&mut self, numeric: &Numeric, values: &[f64]) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in values {
            if !x.is_finite() {
                self.missing += 1;
                continue;
            }
            self.counts[numeric.bins.index(*x)] += 1;
            (low, high) = (low.min(*x), high.max(*x));
        }
        if low <= high {
            let (low, high) = (ordered(low), ordered(high));
            self.widen(Range { low, high });
        }
    }

    fn categories(&mut self, categorical: &Categorical, values: &[Option<&str>]) {
        for value in values {
            match value {
                None => self.missing += 1,
                Some(name) => {
                    let others = categorical.names.len();
                    let at = categorical.index.get(*name).copied().unwrap_or(others);
                    self.counts[at] += 1;
                }
            }
        }
    }

    fn widen(&mut self, by: Range) {
        let range = self.range.unwrap_or(by);
        self.range = Some(Range {
            low: range.low.min(by.low),
            high: range.high.max(by.high),
        });
    }

    /// Whether all values are one; not if there are none.
    pub(super) fn is_constant(&self, profile: &Profile) -> bool {
        match profile.shape {
            Shape::Numeric(_) => self.range.is_some_and(|range| range.low == range.high),
            Shape::Categorical(_) => {
                let (others, known) = match self.counts.split_last() {
                    Some((others, known)) => (*others, known),
                    None => return false,
                };
                others == 0 && known.iter().filter(|count| **count > 0).count() == 1
            }
        }
    }
}

impl Window {
    /// An empty window over a reference's columns.
    #[must_use]
    pub fn new(reference: &Reference) -> Self {
        let column = |profile: &Profile| Counted {
            missing: 0,
            counts: vec![0; profile.counts().len()],
            range: None,
        };
        Self {
            rows: 0,
            columns: reference.columns.iter().map(column).collect(),
        }
    }

    /// Takes rows, column by column in the reference's order. Costs some nanoseconds a value; where that is too much,
    /// give it only the rows that [`sampled`] picks.
    ///
    /// # Errors
    /// If there are more or fewer columns than the reference has, one is of another kind or has another number of
    /// rows; the window is then as it was.
    pub fn observe(
        &mut self,
        reference: &Reference,
        columns: &[Values<'_>],
    ) -> Result<(), DriftError> {
        self.fits(reference)?;
        let (expected, given) = (self.columns.len(), columns.len());
        if expected != given {
            return Err(DriftError::Columns { expected, given });
        }
        let rows = columns.first().map_or(0, Values::len);
        for (profile, values) in reference.columns.iter().zip(columns) {
            let (expected, given) = (rows, values.len());
            if expected != given {
                return Err(DriftError::Rows { expected, given });
            }
            let same_kind = matches!(
                (&profile.shape, values),
                (Shape::Numeric(_), Values::Numeric(_))
                    | (Shape::Categorical(_), Values::Categorical(_))
            );
            if !same_kind {
                let column = profile.name.clone();
                return Err(DriftError::Kind { column });
            }
        }
        for ((profile, counted), values) in
            reference.columns.iter().zip(&mut self.columns).zip(columns)
        {
            match (&profile.shape, values) {
                (Shape::Numeric(numeric), Values::Numeric(values)) => {
                    counted.numbers(numeric, values);
                }
                (Shape::Categorical(categorical), Values::Categorical(values)) => {
                    counted.categories(categorical, values);
                }
                (Shape::Numeric(_), Values::Categorical(_))
                | (Shape::Categorical(_), Values::Numeric(_)) => {}
            }
        }
        self.rows += rows as u64;
        Ok(())
    }

    /// Takes one row of numbers, in the reference's order of columns; what is not finite is missing. False, and
    /// nothing is taken, if the window was made for another reference, or that has categories.
    pub fn observe_row(&mut self, reference: &Reference, row: impl Iterator<Item = f64>) -> bool {
        if self.columns.len() != reference.columns.len() {
            return false;
        }
        self.rows += 1;
        let columns = reference.columns.iter().zip(&mut self.columns);
        for ((profile, counted), x) in columns.zip(row) {
            let Shape::Numeric(numeric) = &profile.shape else {
                return false;
            };
            if !x.is_finite() {
                counted.missing += 1;
                continue;
            }
            match counted.counts.get_mut(numeric.bins.index(x)) {
                Some(count) => *count += 1,
                None => return false,
            }
            let x = ordered(x);
            counted.widen(Range { low: x, high: x });
        }
        true
    }

    /// Some of the columns, by their positions; beside a [`Reference::select`] of the same.
    #[must_use]
    pub fn select(&self, columns: &[usize]) -> Self {
        let columns = columns.iter().filter_map(|at| self.columns.get(*at));
        Self {
            rows: self.rows,
            columns: columns.cloned().collect(),
        }
    }

    /// Adds another window over the same reference, for instance of another partition. The order of merging does not
    /// matter.
    ///
    /// # Errors
    /// If the other window has other columns; this one is then as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), DriftError> {
        let lengths = |window: &Self| -> Vec<usize> {
            window
                .columns
                .iter()
                .map(|column| column.counts.len())
                .collect()
        };
        if lengths(self) != lengths(other) {
            return Err(DriftError::OtherReference);
        }
        self.rows += other.rows;
        for (column, by) in self.columns.iter_mut().zip(&other.columns) {
            column.missing += by.missing;
            for (count, by) in column.counts.iter_mut().zip(&by.counts) {
                *count += by;
            }
            if let Some(range) = by.range {
                column.widen(range);
            }
        }
        Ok(())
    }

    /// Rows taken.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether it was made for a reference with as many bins and categories.
    pub(super) fn fits(&self, reference: &Reference) -> Result<(), DriftError> {
        let profiles = reference
            .columns
            .iter()
            .map(|profile| profile.counts().len());
        match profiles.eq(self.columns.iter().map(|column| column.counts.len())) {
            true => Ok(()),
            false => Err(DriftError::OtherReference),
        }
    }
}

/// Whether a row is one of the share `one_in` of all, decided by a number of its own such as its offset: a replay picks
/// the same rows. `one_in` 1 (or 0) picks all.
#[must_use]
pub fn sampled(row: u64, one_in: u64) -> bool {
    one_in <= 1 || Random::new(row).next().is_multiple_of(one_in)
}
