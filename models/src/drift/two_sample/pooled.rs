//! Two samples side by side: what most statistics are computed from, whether the samples are values or counts in bins.

use crate::drift::DriftError;

/// Values of two samples in ascending order: at each distinct value (or in each bin) how many of either sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Pooled {
    points: Vec<Point>,
    /// Values of the first sample.
    a: u64,
    /// Values of the second sample.
    b: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: f64,
    pub(super) a: u64,
    pub(super) b: u64,
}

impl Pooled {
    /// Of two samples of finite numbers, in any order.
    ///
    /// # Errors
    /// If one is empty, or a value is not finite.
    pub fn from_samples(a: &[f64], b: &[f64]) -> Result<Self, DriftError> {
        let mut all: Vec<(f64, bool)> = Vec::with_capacity(a.len() + b.len());
        all.extend(a.iter().map(|x| (*x, true)));
        all.extend(b.iter().map(|x| (*x, false)));
        if let Some((x, _)) = all.iter().find(|(x, _)| !x.is_finite()) {
            let value = x.to_string();
            let expected = "a finite number";
            return Err(DriftError::Value { value, expected });
        }
        all.sort_unstable_by(|x, y| x.0.total_cmp(&y.0));
        let mut points: Vec<Point> = Vec::new();
        for (at, is_a) in all {
            let (a, b) = (u64::from(is_a), u64::from(!is_a));
            match points.last_mut() {
                Some(point) if point.at == at => {
                    point.a += a;
                    point.b += b;
                }
                Some(_) | None => points.push(Point { at, a, b }),
            }
        }
        Self::of(points)
    }

    /// Of counts in the same bins, in ascending order of the bins; `at` is where each bin's values are taken to lie.
    /// Lists of unequal length are cut to the shortest.
    ///
    /// # Errors
    /// If one sample has no values.
    pub fn from_counts(at: &[f64], a: &[u64], b: &[u64]) -> Result<Self, DriftError> {
        let points = at.iter().zip(a).zip(b);
        let points = points.map(|((at, a), b)| Point {
            at: *at,
            a: *a,
            b: *b,
        });
        Self::of(points.filter(|point| point.a + point.b > 0).collect())
    }

    fn of(points: Vec<Point>) -> Result<Self, DriftError> {
        let a = points.iter().map(|point| point.a).sum();
        let b = points.iter().map(|point| point.b).sum();
        if a == 0 || b == 0 {
            let (found, needed) = (0, 1);
            return Err(DriftError::TooFew { found, needed });
        }
        Ok(Self { points, a, b })
    }

    /// How many values each sample has.
    #[must_use]
    pub fn sizes(&self) -> (u64, u64) {
        (self.a, self.b)
    }

    pub(super) fn points(&self) -> &[Point] {
        &self.points
    }
}
