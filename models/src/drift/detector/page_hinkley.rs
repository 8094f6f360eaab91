//! Page-Hinkley: sums of deviations from the mean so far.
//!
//! E. S. Page: Continuous inspection schemes. Biometrika 41, 1954; in the two-sided form with forgetting of
//! R. Sebastião, J. M. Fernandes, ISMIS 2017. A sum that rises `threshold` above its lowest says that values have
//! risen; one that falls `threshold` below its highest, that they have fallen. Both depend on the scale of the values.

use serde::{Deserialize, Serialize};

use super::mean::Mean;
use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Which change of the mean is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Rises only.
    Up,
    /// Falls only.
    Down,
    /// Either.
    Both,
}

/// Parameters of [`PageHinkley`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkleySettings {
    /// Values before the first decision; 30.
    pub min_instances: u64,
    /// Change per value that is tolerated, in units of the values; 0.005.
    pub delta: f64,
    /// Sum of deviations that alarms, above 0, in units of the values; 50.
    pub threshold: f64,
    /// What remains of a sum after each value, above 0, at most 1; 0.9999.
    pub alpha: f64,
    /// Which change of the mean is looked for; both.
    pub mode: Side,
}

impl Default for PageHinkleySettings {
    fn default() -> Self {
        Self {
            min_instances: 30,
            delta: 0.005,
            threshold: 50.0,
            alpha: 1.0 - 0.0001,
            mode: Side::Both,
        }
    }
}

impl PageHinkleySettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::whole(
                "min_instances",
                &mut self.min_instances,
                0,
                1_000_000,
                "values before the first decision",
            ),
            Parameter::real(
                "delta",
                &mut self.delta,
                -1.0,
                f64::MAX,
                "change per value that is tolerated",
            ),
            Parameter::real(
                "threshold",
                &mut self.threshold,
                0.0,
                f64::MAX,
                "sum of deviations that alarms",
            ),
            Parameter::real(
                "alpha",
                &mut self.alpha,
                0.0,
                1.0,
                "what remains of a sum after each value",
            ),
            Parameter::side("mode", &mut self.mode, "rises, falls, or both"),
        ]
    }
}

/// The detector's state: six numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    settings: PageHinkleySettings,
    mean: Mean,
    rise: f64,
    /// The lowest `rise` so far; infinite before the first, which JSON cannot say.
    lowest_rise: Option<f64>,
    fall: f64,
    highest_fall: f64,
}

impl PageHinkley {
    pub(super) fn new(settings: &PageHinkleySettings) -> Self {
        Self {
            settings: settings.clone(),
            mean: Mean::default(),
            rise: 0.0,
            lowest_rise: None,
            fall: 0.0,
            // River's first value; it matters where `delta` is negative only.
            highest_fall: -1.0,
        }
    }

    pub(super) fn settings(&self) -> &PageHinkleySettings {
        &self.settings
    }
}

impl ChangeDetector for PageHinkley {
    fn update(&mut self, x: f64) -> Signal {
        let settings = &self.settings;
        self.mean.update(x);
        let deviation = x - self.mean.mean;
        self.rise = settings.alpha * self.rise + deviation - settings.delta;
        self.fall = settings.alpha * self.fall + deviation + settings.delta;
        let lowest = match self.lowest_rise {
            Some(lowest) if lowest <= self.rise => lowest,
            Some(_) | None => self.rise,
        };
        self.lowest_rise = Some(lowest);
        self.highest_fall = self.highest_fall.max(self.fall);
        if self.mean.n < settings.min_instances as f64 {
            return Signal::None;
        }
        let risen = self.rise - lowest > settings.threshold;
        let fallen = self.highest_fall - self.fall > settings.threshold;
        let changed = match settings.mode {
            Side::Up => risen,
            Side::Down => fallen,
            Side::Both => risen || fallen,
        };
        match changed {
            true => Signal::Drift,
            false => Signal::None,
        }
    }

    fn reset(&mut self) {
        *self = Self::new(&self.settings);
    }
}
