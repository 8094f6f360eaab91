//! A version on trial: its share grows step by step, as long as it does not do worse.

use config::Rollout as Settings;
use serde::{Deserialize, Serialize};

use super::message::Arms;
use super::tally::Tally;
use crate::gate::{Arm, Difference, SequentialTest};

/// Rows of which all scores being equal means that the version says nothing.
const CONSTANT_ROWS: u64 = 200;

/// A version on trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rollout {
    pub(super) version: u64,
    salt: String,
    step: usize,
    /// Its labelled rows in this step.
    rows: u64,
    tally: Tally,
    /// Errors of the champion's rows against those of this version's.
    test: SequentialTest,
}

/// What a labelled row means for a trial.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// Nothing.
    Stay,
    /// Its share grows.
    Grow,
    /// It is the champion now.
    Promote,
    /// It is taken back.
    Back(String),
}

impl Rollout {
    pub(super) fn new(version: u64, salt: String) -> Self {
        Self {
            version,
            salt,
            step: 0,
            rows: 0,
            tally: Tally::default(),
            test: SequentialTest::new(ALPHA),
        }
    }

    /// Who answers in this step.
    pub(super) fn arms(&self, champion: u64, settings: &Settings) -> Arms {
        Arms {
            champion,
            challenger: Some(self.version),
            share: settings.steps.get(self.step).copied().unwrap_or(1.0),
            salt: self.salt.clone(),
        }
    }

    /// A labelled row of the champion.
    pub(super) fn champion(&mut self, is_error: bool) {
        // Before the new version's first label, rows are of the time before the trial.
        if self.tally.rows == 0 {
            return;
        }
        self.test
            .observe(Arm::Champion, f64::from(u8::from(is_error)));
    }

    /// A labelled row of this version.
    pub(super) fn challenger(
        &mut self,
        (score, label, is_error): (f64, bool, bool),
        settings: &Settings,
    ) -> Next {
        self.rows += 1;
        self.tally.add(score, label, is_error);
        self.test
            .observe(Arm::Challenger, f64::from(u8::from(is_error)));
        if self.tally.rows >= CONSTANT_ROWS && self.tally.is_constant() {
            let rows = self.tally.rows;
            return Next::Back(format!(
                "its last {rows} scores are one and the same number"
            ));
        }
        if let Difference::Higher(by) = self.test.difference() {
            return Next::Back(format!(
                "it errs more often than the champion, by {by:.4} at least"
            ));
        }
        if self.rows < settings.rows {
            return Next::Stay;
        }
        self.step += 1;
        self.rows = 0;
        match settings.steps.get(self.step) {
            Some(share) if *share < 1.0 => Next::Grow,
            Some(_) | None => Next::Promote,
        }
    }
}

/// Chance that a version as good as the champion is taken back at some time of its trial.
const ALPHA: f64 = 0.05;
