//! Two models on the same rows: is the difference more than chance?

use super::measure::{Measure, Scored};
use crate::random::Random;

/// P-value of McNemar's test, two-sided and exact (McNemar: *Note on the sampling error of the difference between
/// correlated proportions or percentages*, Psychometrika 12, 1947; Dietterich 1998 for classifiers).
///
/// `only_first` and `only_second` are the rows that only one of the two models has right. Exact is conservative: under
/// equality the p-value is below alpha in at most alpha of all samples.
#[must_use]
pub fn mcnemar(only_first: u64, only_second: u64) -> f64 {
    let rows = only_first + only_second;
    let fewer = only_first.min(only_second);
    // Terms of the binomial distribution with p = 1/2, in logarithms: 2^-n leaves the doubles at n = 1,075.
    let mut term = -(rows as f64) * std::f64::consts::LN_2;
    let mut tail = term.exp();
    for k in 1..=fewer {
        term += ((rows - k + 1) as f64 / k as f64).ln();
        tail += term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// An interval of the gain of a challenger over a champion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The percentile interval of the gain under the paired bootstrap (Efron, Tibshirani: *An introduction to the
/// bootstrap*, 1993, chapter 13): rows are drawn with replacement, and both models are measured on the same ones.
///
/// `None` if the measure can be said of no resampling.
pub(super) fn bootstrap(
    measure: Measure,
    (champion, challenger): (&Scored, &Scored),
    rows: usize,
    (replicates, alpha): (usize, f64),
    seed: u64,
) -> Option<Interval> {
    let mut random = Random::new(seed);
    let mut gains = Vec::with_capacity(replicates);
    let mut weights = vec![0.0; rows];
    for _ in 0..replicates {
        weights.fill(0.0);
        for _ in 0..rows {
            weights[random.below(rows)] += 1.0;
        }
        if let (Some(old), Some(new)) = (champion.value(&weights), challenger.value(&weights)) {
            gains.push(measure.gain(old, new));
        }
    }
    gains.sort_by(f64::total_cmp);
    let last = gains.len().checked_sub(1)?;
    // The conservative side of a quantile that falls between two gains.
    let outside = (gains.len() as f64 * alpha / 2.0).floor() as usize;
    let outside = outside.min(last);
    Some(Interval {
        low: gains[outside],
        high: gains[last - outside],
    })
}
