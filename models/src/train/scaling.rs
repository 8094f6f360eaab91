//! Standardisation: what training rows look like, kept in the model.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::Matrix;

/// `(x - mean) * scale` for each feature; a missing number counts as the mean.
///
/// Computed in 32 bits in this very order, here as in the exported graph: a model is served what it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    /// Mean of the numbers there are; 0 if there is none.
    pub(crate) mean: Vec<f32>,
    /// One over the standard deviation; 0 for a feature that did not vary, which then counts nothing.
    pub(crate) scale: Vec<f32>,
}

impl Scaling {
    /// Mean and deviation of some of the rows, computed in two passes in 64 bits.
    pub(crate) fn fit(rows: &Matrix, range: Range<usize>) -> Self {
        let columns = rows.columns;
        let values = &rows.values[range.start * columns..range.end * columns];
        let (mean, _) = means(values, &vec![0.0; columns], |x| x);
        let (variance, _) = means(values, &mean, |x| x * x);
        let scale = mean.iter().zip(&variance).map(|(mean, variance)| {
            // Smaller deviations are the rounding of 32-bit features, not information.
            let noise = f64::from(f32::EPSILON) * mean.abs();
            let deviation = variance.sqrt();
            if deviation > noise {
                single(1.0 / deviation)
            } else {
                0.0
            }
        });
        let scale = scale.collect();
        let mean = mean.into_iter().map(single).collect();
        Self { mean, scale }
    }

    /// Appends a row, standardised.
    pub(crate) fn push(&self, row: &[f32], out: &mut Vec<f32>) {
        for ((x, mean), scale) in row.iter().zip(&self.mean).zip(&self.scale) {
            let x = if x.is_nan() { *mean } else { *x };
            out.push((x - mean) * scale);
        }
    }
}

/// For each column the mean of `of(x - from)` over the numbers there are, and how many there are.
fn means(values: &[f32], from: &[f64], of: fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
    let mut sums = vec![0.0; from.len()];
    let mut counts = vec![0.0; from.len()];
    for row in values.chunks_exact(from.len()) {
        for (column, x) in row.iter().enumerate() {
            if !x.is_nan() {
                sums[column] += of(f64::from(*x) - from[column]);
                counts[column] += 1.0;
            }
        }
    }
    let mean = |(sum, count): (&f64, &f64)| sum / f64::max(*count, 1.0);
    (sums.iter().zip(&counts).map(mean).collect(), counts)
}

fn single(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(columns: usize, values: &[f32]) -> Matrix {
        Matrix {
            rows: values.len() / columns,
            columns,
            values: values.to_vec(),
        }
    }

    #[test]
    fn rows_become_standard_and_missing_numbers_the_mean() {
        let rows = matrix(2, &[1.0, 5.0, f32::NAN, 5.0, 3.0, 5.0]);
        let scaling = Scaling::fit(&rows, 0..3);
        assert_eq!(scaling.mean, [2.0, 5.0]);
        let mut out = Vec::new();
        for at in 0..3 {
            scaling.push(rows.row(at), &mut out);
        }
        assert_eq!(out, [-1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn only_the_rows_of_the_range_count() {
        let rows = matrix(1, &[1.0, 3.0, 1_000.0]);
        assert_eq!(Scaling::fit(&rows, 0..2).mean, [2.0]);
    }

    #[test]
    fn a_feature_that_is_never_there_counts_nothing() {
        let rows = matrix(1, &[f32::NAN, f32::NAN]);
        let scaling = Scaling::fit(&rows, 0..2);
        assert_eq!((scaling.mean[0], scaling.scale[0]), (0.0, 0.0));
    }

    #[test]
    fn the_rounding_of_a_constant_is_no_variation() {
        let rows = matrix(1, &[0.1; 1_000]);
        assert_eq!(Scaling::fit(&rows, 0..1_000).scale, [0.0]);
    }
}
