//! HDDM-A: the average since the best moment, by Hoeffding's bound.
//!
//! I. Frías-Blanco, J. del Campo-Ávila, G. Ramos-Jiménez, R. Morales-Bueno, A. Ortiz-Díaz, Y. Caballero-Mota: Online
//! and non-parametric drift detection methods based on Hoeffding's bounds. IEEE TKDE 27(3), 2015, the A-test. A cut
//! point is kept where mean plus bound was lowest; errors have become more where the overall mean stands above the
//! mean at the cut by more than chance explains.

use serde::{Deserialize, Serialize};

use super::mean::Mean;
use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Parameters of [`HddmA`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HddmASettings {
    /// Confidence of an alarm: the lower, the fewer. Above 0, at most 1; 0.001.
    pub drift_confidence: f64,
    /// Confidence of a warning, above 0, at most 1; 0.005.
    pub warning_confidence: f64,
    /// Whether errors that become fewer alarm too; false.
    pub two_sided_test: bool,
}

impl Default for HddmASettings {
    fn default() -> Self {
        Self {
            drift_confidence: 0.001,
            warning_confidence: 0.005,
            two_sided_test: false,
        }
    }
}

impl HddmASettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::real(
                "drift_confidence",
                &mut self.drift_confidence,
                0.0,
                1.0,
                "confidence of an alarm; lower alarms less",
            ),
            Parameter::real(
                "warning_confidence",
                &mut self.warning_confidence,
                0.0,
                1.0,
                "confidence of a warning",
            ),
            Parameter::flag(
                "two_sided_test",
                &mut self.two_sided_test,
                "alarm also when errors become fewer",
            ),
        ]
    }
}

/// The detector's state: three means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HddmA {
    settings: HddmASettings,
    logs: Logs,
    all: Mean,
    /// The mean where it was surely lowest, to find a rise from.
    low: Cut,
    /// The mean where it was surely highest, to find a fall from.
    high: Cut,
}

/// Logarithms that the settings fix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Logs {
    bound: f64,
    drift: f64,
    warning: f64,
}

/// All values up to some moment, and Hoeffding's bound on their mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    values: Mean,
    bound: f64,
}

impl HddmA {
    pub(super) fn new(settings: &HddmASettings) -> Self {
        let logs = Logs {
            bound: (1.0 / settings.drift_confidence).ln(),
            drift: (2.0 / settings.drift_confidence).ln(),
            warning: (2.0 / settings.warning_confidence).ln(),
        };
        Self {
            settings: settings.clone(),
            logs,
            all: Mean::default(),
            low: Cut::default(),
            high: Cut::default(),
        }
    }

    pub(super) fn settings(&self) -> &HddmASettings {
        &self.settings
    }

    /// Whether the means of all values and of those up to a cut lie further apart than chance explains.
    /// `apart` is signed: the change looked for is positive.
    fn changed(&self, cut: &Cut, apart: f64, log: f64) -> bool {
        if cut.values.n == self.all.n {
            return false;
        }
        let m = (self.all.n - cut.values.n) / cut.values.n * (1.0 / self.all.n);
        apart >= (m / 2.0 * log).sqrt()
    }
}

impl ChangeDetector for HddmA {
    fn update(&mut self, x: f64) -> Signal {
        self.all.update(x);
        let bound = (1.0 / (2.0 * self.all.n) * self.logs.bound).sqrt();
        let now = Cut {
            values: self.all,
            bound,
        };
        let mean = self.all.mean;
        if self.low.values.n == 0.0 || self.low.values.mean + self.low.bound >= mean + bound {
            self.low = now;
        }
        if self.high.values.n == 0.0 || self.high.values.mean - self.high.bound <= mean - bound {
            self.high = now;
        }
        let rise = mean - self.low.values.mean;
        let fall = self.high.values.mean - mean;
        let two_sided = self.settings.two_sided_test;
        let beyond = |log| {
            self.changed(&self.low, rise, log) || two_sided && self.changed(&self.high, fall, log)
        };
        if beyond(self.logs.drift) {
            Signal::Drift
        } else if beyond(self.logs.warning) {
            Signal::Warning
        } else {
            Signal::None
        }
    }

    fn reset(&mut self) {
        self.all = Mean::default();
        (self.low, self.high) = (Cut::default(), Cut::default());
    }
}
