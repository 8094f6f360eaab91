//! Rows to learn from, in the order of time.

use super::TrainError;
use crate::Matrix;
use crate::xxh64::xxh64;

/// Values of all rows together, at most: 4 GiB. Whoever has more takes a shorter range or a sample.
const VALUES_MAX: usize = 1 << 30;

/// Feature rows and what is true of each, the earliest first.
///
/// Invariant: as many labels as rows, or none at all; every number is finite or, in a feature, NaN for "missing".
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    features: Vec<String>,
    rows: Matrix,
    labels: Vec<f32>,
}

impl Examples {
    /// Rows with their labels; no labels for an autoencoder.
    ///
    /// # Errors
    /// [`TrainError::Rows`] if names, rows and labels do not fit together, or a number is infinite.
    pub fn try_new(
        features: Vec<String>,
        rows: Matrix,
        labels: Vec<f32>,
    ) -> Result<Self, TrainError> {
        let unusable = |cause| Err(TrainError::Rows { cause });
        if features.is_empty() || features.len() != rows.columns {
            return unusable(format!(
                "{} names for {} features",
                features.len(),
                rows.columns
            ));
        }
        if rows.rows.checked_mul(rows.columns) != Some(rows.values.len()) {
            return unusable(format!(
                "{} values for {} rows of {} features",
                rows.values.len(),
                rows.rows,
                rows.columns
            ));
        }
        if rows.values.len() > VALUES_MAX {
            return unusable(format!(
                "{} values; {VALUES_MAX} at most",
                rows.values.len()
            ));
        }
        if !labels.is_empty() && labels.len() != rows.rows {
            return unusable(format!("{} labels for {} rows", labels.len(), rows.rows));
        }
        if let Some(at) = rows.values.iter().position(|value| value.is_infinite()) {
            let (row, feature) = (at / rows.columns, &features[at % rows.columns]);
            return unusable(format!("\"{feature}\" is infinite in row {}", row + 1));
        }
        if let Some(row) = labels.iter().position(|label| !label.is_finite()) {
            return unusable(format!("the label of row {} is no number", row + 1));
        }
        Ok(Self {
            features,
            rows,
            labels,
        })
    }

    /// Names of the features, in the order of the columns.
    #[must_use]
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// The features of all rows.
    #[must_use]
    pub fn rows(&self) -> &Matrix {
        &self.rows
    }

    /// What is true of each row; empty without labels.
    #[must_use]
    pub fn labels(&self) -> &[f32] {
        &self.labels
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows before number `at`, and those from it on: the past to learn from, the holdout to be judged on.
    ///
    /// # Panics
    /// If there are fewer than `at` rows.
    #[must_use]
    pub fn split(&self, at: usize) -> (Self, Self) {
        let columns = self.rows.columns;
        let (before, after) = self.rows.values.split_at(at * columns);
        let labels = |range: std::ops::Range<usize>| {
            self.labels
                .get(range)
                .map(<[f32]>::to_vec)
                .unwrap_or_default()
        };
        let part = |values: &[f32], labels| Self {
            features: self.features.clone(),
            rows: Matrix {
                rows: values.len() / columns,
                columns,
                values: values.to_vec(),
            },
            labels,
        };
        (
            part(before, labels(0..at)),
            part(after, labels(at..self.len())),
        )
    }

    /// A number that other rows do not have.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hash = xxh64(self.features.join("\n").as_bytes(), 0);
        for values in [&self.rows.values, &self.labels] {
            for block in values.chunks(1 << 14) {
                let bytes: Vec<u8> = block.iter().flat_map(|value| value.to_le_bytes()).collect();
                hash = xxh64(&bytes, hash);
            }
        }
        hash
    }
}
