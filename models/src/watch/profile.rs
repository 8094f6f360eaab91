//! What a version was trained on, as far as drift needs it; `profile.json` beside its `model.onnx`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ModelError;
use crate::drift::{Cbpe, DriftError, Reference, Values};

/// Rows of the stream that stand for the training rows of a version that does not say what it was trained on.
pub const FIRST_ROWS: usize = 5_000;

/// Of this form: 1.
const VERSION: u32 = 1;

/// The reference of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    version: u32,
    /// Rows that it is of.
    pub rows: usize,
    /// Features, then answers, as the model sees them: numbers of 32 bits.
    pub reference: Reference,
    /// What estimates its performance without labels; `None` where there were none to calibrate it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// Scores as chances, and how well the version did where that was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Scores to chances.
    pub cbpe: Cbpe,
    /// Accuracy on the rows of the calibration.
    pub accuracy: f64,
}

impl Calibration {
    /// Learned from scores of two classes (of the positive one) and what came true.
    ///
    /// # Errors
    /// If there are fewer than 200 rows, or a score is not from 0 to 1.
    pub fn of(scores: &[f64], outcomes: &[bool], threshold: f64) -> Result<Self, DriftError> {
        let cbpe = Cbpe::fit_binary(scores, outcomes)?;
        let right = scores.iter().zip(outcomes);
        let right = right.filter(|(score, outcome)| (**score >= threshold) == **outcome);
        Ok(Self {
            cbpe,
            accuracy: right.count() as f64 / scores.len() as f64,
        })
    }
}

impl Profile {
    /// The name of its file in a version's folder.
    pub const FILE: &'static str = "profile.json";

    /// Of named columns of numbers; what is not finite is missing. Columns without any value are as of zeros.
    ///
    /// # Errors
    /// If columns have unequal numbers of rows.
    pub fn of(
        columns: &[(&str, Vec<f64>)],
        calibration: Option<Calibration>,
    ) -> Result<Self, DriftError> {
        let rows = columns.first().map_or(0, |(_, values)| values.len());
        let zeros = vec![0.0; rows];
        let columns: Vec<(&str, Values<'_>)> = columns
            .iter()
            .map(|(name, values)| {
                let is_empty = !values.iter().any(|value| value.is_finite());
                let values = if is_empty { &zeros } else { values };
                (*name, Values::Numeric(values))
            })
            .collect();
        Ok(Self {
            version: VERSION,
            rows,
            reference: Reference::of(&columns)?,
            calibration,
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // These types have nothing that JSON cannot say: only finite numbers are counted.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a file; `None` if it is not there.
    ///
    /// # Errors
    /// If it cannot be read or is no profile.
    pub fn read(path: &Path) -> Result<Option<Self>, ModelError> {
        let settings = |cause: String| ModelError::Settings {
            path: path.to_path_buf(),
            cause,
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(settings(error.to_string())),
        };
        let profile: Self =
            serde_json::from_slice(&bytes).map_err(|error| settings(error.to_string()))?;
        if profile.version != VERSION {
            let found = profile.version;
            return Err(settings(format!(
                "a profile of form {found}, not {VERSION}"
            )));
        }
        Ok(Some(profile))
    }

    /// Whether it is of these columns, in this order.
    pub fn is_of<'n>(&self, names: impl Iterator<Item = &'n str>) -> bool {
        self.reference.names().eq(names)
    }
}
