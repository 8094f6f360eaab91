//! DDM: the error rate against the lowest it has been.
//!
//! J. Gama, P. Medas, G. Castillo, P. Rodrigues: Learning with drift detection. SBIA 2004. A rate p over n values has
//! the deviation s = √(p(1-p)/n); where p + s stands 2 (warning) or 3 (drift) of the lowest s above the lowest p,
//! errors have become more. It sees no change to fewer errors.

use serde::{Deserialize, Serialize};

use super::mean::Mean;
use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Parameters of [`Ddm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DdmSettings {
    /// Values before the first decision; 30.
    pub warm_start: u64,
    /// Deviations above the lowest rate that warn, above 0; 2.
    pub warning_threshold: f64,
    /// Deviations above the lowest rate that alarm, above 0; 3.
    pub drift_threshold: f64,
}

impl Default for DdmSettings {
    fn default() -> Self {
        Self {
            warm_start: 30,
            warning_threshold: 2.0,
            drift_threshold: 3.0,
        }
    }
}

impl DdmSettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::whole(
                "warm_start",
                &mut self.warm_start,
                0,
                1_000_000,
                "values before the first decision",
            ),
            Parameter::real(
                "warning_threshold",
                &mut self.warning_threshold,
                0.0,
                f64::MAX,
                "deviations that warn",
            ),
            Parameter::real(
                "drift_threshold",
                &mut self.drift_threshold,
                0.0,
                f64::MAX,
                "deviations that alarm",
            ),
        ]
    }
}

/// The detector's state: five numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    settings: DdmSettings,
    rate: Mean,
    lowest: Option<Lowest>,
}

/// Rate and deviation where their sum was lowest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Lowest {
    rate: f64,
    deviation: f64,
}

impl Ddm {
    pub(super) fn new(settings: &DdmSettings) -> Self {
        Self {
            settings: settings.clone(),
            rate: Mean::default(),
            lowest: None,
        }
    }

    pub(super) fn settings(&self) -> &DdmSettings {
        &self.settings
    }
}

impl ChangeDetector for Ddm {
    fn update(&mut self, x: f64) -> Signal {
        self.rate.update(x);
        let Mean { n, mean: rate } = self.rate;
        if n <= self.settings.warm_start as f64 {
            return Signal::None;
        }
        let deviation = (rate * (1.0 - rate) / n).sqrt();
        let level = rate + deviation;
        let lowest = match self.lowest {
            Some(lowest) if level > lowest.rate + lowest.deviation => lowest,
            Some(_) | None => *self.lowest.insert(Lowest { rate, deviation }),
        };
        if level > lowest.rate + self.settings.drift_threshold * lowest.deviation {
            Signal::Drift
        } else if level > lowest.rate + self.settings.warning_threshold * lowest.deviation {
            Signal::Warning
        } else {
            Signal::None
        }
    }

    fn reset(&mut self) {
        self.rate = Mean::default();
        self.lowest = None;
    }
}
