//! What the gate decided, and by which numbers: kept with the version, told in words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// Whether the challenger may take the champion's place: whether it passed every check.
    pub promoted: bool,
    /// The numbers compared, by name.
    pub numbers: BTreeMap<String, f64>,
    /// Every check that was made, in order.
    pub reasons: Vec<Reason>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reason {
    /// What was checked: `signature`, `numbers`, `constant`, `latency`, `rows`, `better`, or `slice NAME`.
    pub check: String,
    /// Whether the challenger passed it.
    pub passed: bool,
    /// What was found, in a sentence.
    pub words: String,
}

impl Verdict {
    /// No check made yet.
    pub(super) fn new() -> Self {
        Self {
            promoted: true,
            numbers: BTreeMap::new(),
            reasons: Vec::new(),
        }
    }

    /// Adds a check.
    pub(super) fn check(&mut self, check: impl Into<String>, passed: bool, words: String) {
        self.promoted &= passed;
        self.reasons.push(Reason {
            check: check.into(),
            passed,
            words,
        });
    }

    /// Adds a number.
    pub(super) fn number(&mut self, name: impl Into<String>, value: f64) {
        self.numbers.insert(name.into(), value);
    }

    /// The decision in a line: every reason if it is promoted, else those against it.
    #[must_use]
    pub fn words(&self) -> String {
        let told = self
            .reasons
            .iter()
            .filter(|reason| self.promoted || !reason.passed)
            .map(|reason| reason.words.as_str());
        let told: Vec<&str> = told.collect();
        let decision = if self.promoted { "promoted" } else { "refused" };
        format!("{decision}: {}", told.join("; "))
    }
}
