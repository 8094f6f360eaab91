//! EDDM: the distance between errors.
//!
//! M. Baena-García, J. del Campo-Ávila, R. Fidalgo, A. Bifet, R. Gavaldà, R. Morales-Bueno: Early drift detection
//! method. Workshop on Knowledge Discovery from Data Streams 2006. Mean plus two deviations of the gaps between errors
//! is compared with the highest it has been: below 95 % warns, below 90 % alarms. Sensitive to slow drifts, and at the
//! published thresholds full of false alarms (some 10 to 30 in 10,000 steady values).

use serde::{Deserialize, Serialize};

use super::mean::Mean;
use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Parameters of [`Eddm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EddmSettings {
    /// Values before the first decision, and errors before the first signal; 30.
    pub warm_start: u64,
    /// Share of the highest level below which it warns, above 0, at most 1, not below `beta`; 0.95.
    pub alpha: f64,
    /// Share of the highest level below which it alarms, above 0, at most 1; 0.9.
    pub beta: f64,
}

impl Default for EddmSettings {
    fn default() -> Self {
        Self {
            warm_start: 30,
            alpha: 0.95,
            beta: 0.9,
        }
    }
}

impl EddmSettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::whole(
                "warm_start",
                &mut self.warm_start,
                0,
                1_000_000,
                "values, then errors, before a signal",
            ),
            Parameter::real(
                "alpha",
                &mut self.alpha,
                0.0,
                1.0,
                "share of the highest level that warns",
            ),
            Parameter::real(
                "beta",
                &mut self.beta,
                0.0,
                1.0,
                "share of the highest level that alarms",
            ),
        ]
    }
}

/// The detector's state: seven numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Eddm {
    settings: EddmSettings,
    /// Values taken.
    taken: u64,
    /// Number of the value that was the last error, from 1; 0 before the first.
    last_error: u64,
    gaps: Mean,
    /// Sum of squared deviations of the gaps.
    squares: f64,
    highest: f64,
    /// Stays up between errors.
    warning: bool,
}

impl Eddm {
    pub(super) fn new(settings: &EddmSettings) -> Self {
        Self {
            settings: settings.clone(),
            taken: 0,
            last_error: 0,
            gaps: Mean::default(),
            squares: 0.0,
            highest: -1.0,
            warning: false,
        }
    }

    pub(super) fn settings(&self) -> &EddmSettings {
        &self.settings
    }

    /// Takes an error; whether it is one too many.
    fn error(&mut self) -> bool {
        let gap = (self.taken - self.last_error) as f64;
        self.last_error = self.taken;
        let before = self.gaps.mean;
        self.gaps.update(gap);
        self.squares += (gap - before) * (gap - self.gaps.mean);
        if self.taken <= self.settings.warm_start {
            return false;
        }
        let errors = self.gaps.n;
        let variance = match errors > 1.0 {
            true => self.squares / (errors - 1.0),
            false => 0.0,
        };
        let level = self.gaps.mean + 2.0 * variance.sqrt();
        if level > self.highest {
            self.highest = level;
        } else if errors > self.settings.warm_start as f64 {
            let share = level / self.highest;
            if share < self.settings.beta {
                return true;
            }
            self.warning = share < self.settings.alpha;
        }
        false
    }
}

impl ChangeDetector for Eddm {
    fn update(&mut self, x: f64) -> Signal {
        self.taken += 1;
        if x == 1.0 && self.error() {
            return Signal::Drift;
        }
        match self.warning {
            true => Signal::Warning,
            false => Signal::None,
        }
    }

    fn reset(&mut self) {
        *self = Self::new(&self.settings);
    }
}
