//! A stretch of the stream of one version, counted. Adds up: over partitions, over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Profile;
use crate::drift::{DriftError, Window};

/// Counts of a stretch of rows in a profile's bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// Event time of the earliest row and of the latest, in milliseconds.
    pub time: (i64, i64),
    /// Where its rows come from, by partition.
    pub parts: BTreeMap<u32, Part>,
    /// What was counted.
    pub window: Window,
    /// Expected outcomes of the rows, where the version is calibrated.
    pub expected: Option<Expected>,
}

/// The records that rows come from. Those in between that another version answered are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Offset of the first.
    pub first: i64,
    /// Offset of the last.
    pub last: i64,
    /// How many.
    pub rows: u64,
}

/// Sums of chances: the expected counts of a confusion matrix (CBPE).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Said yes, is yes.
    pub true_positives: f64,
    /// Said yes, is no.
    pub false_positives: f64,
    /// Said no, is no.
    pub true_negatives: f64,
    /// Said no, is yes.
    pub false_negatives: f64,
}

impl Sketch {
    /// Of no row yet.
    #[must_use]
    pub fn new(profile: &Profile) -> Self {
        Self {
            time: (i64::MAX, i64::MIN),
            parts: BTreeMap::new(),
            window: Window::new(&profile.reference),
            expected: profile.calibration.as_ref().map(|_| Expected::default()),
        }
    }

    /// Counts a row: its place (partition, offset, event time), its numbers in the profile's order, and the score with
    /// the threshold from which on it says yes. False if the sketch is not of this profile: it is then of no use.
    pub fn add(
        &mut self,
        profile: &Profile,
        (partition, offset, time): (u32, i64, i64),
        row: impl Iterator<Item = f64>,
        (score, threshold): (Option<f64>, f64),
    ) -> bool {
        self.time = (self.time.0.min(time), self.time.1.max(time));
        let part = self.parts.entry(partition).or_insert(Part {
            first: offset,
            last: offset,
            rows: 0,
        });
        part.last = offset;
        part.rows += 1;
        if let (Some(expected), Some(score), Some(calibration)) =
            (&mut self.expected, score, &profile.calibration)
            && let Some(chance) = calibration.cbpe.chance(score)
        {
            expected.add(chance, score >= threshold);
        }
        self.window.observe_row(&profile.reference, row)
    }

    /// Adds another of the same profile.
    ///
    /// # Errors
    /// If it is of another profile.
    pub fn merge(&mut self, other: &Self) -> Result<(), DriftError> {
        self.window.merge(&other.window)?;
        self.time = (self.time.0.min(other.time.0), self.time.1.max(other.time.1));
        for (partition, by) in &other.parts {
            let part = self
                .parts
                .entry(*partition)
                .or_insert(Part { rows: 0, ..*by });
            part.first = part.first.min(by.first);
            part.last = part.last.max(by.last);
            part.rows += by.rows;
        }
        if let (Some(expected), Some(by)) = (&mut self.expected, &other.expected) {
            expected.true_positives += by.true_positives;
            expected.false_positives += by.false_positives;
            expected.true_negatives += by.true_negatives;
            expected.false_negatives += by.false_negatives;
        }
        Ok(())
    }

    /// Rows counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.window.rows()
    }
}

impl Expected {
    fn add(&mut self, chance: f64, says_yes: bool) {
        let (is, is_not) = match says_yes {
            true => (&mut self.true_positives, &mut self.false_positives),
            false => (&mut self.false_negatives, &mut self.true_negatives),
        };
        *is += chance;
        *is_not += 1.0 - chance;
    }

    /// Name and value of what is expected; a ratio of nothing is left out.
    pub fn measures(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let (tp, fp) = (self.true_positives, self.false_positives);
        let (tn, fne) = (self.true_negatives, self.false_negatives);
        let measures = [
            ("expected-accuracy", tp + tn, tp + tn + fp + fne),
            ("expected-precision", tp, tp + fp),
            ("expected-recall", tp, tp + fne),
            ("expected-f1", 2.0 * tp, 2.0 * tp + fp + fne),
        ];
        let measures = measures.into_iter().filter(|(_, _, of)| *of > 0.0);
        measures.map(|(name, part, of)| (name, part / of))
    }
}
