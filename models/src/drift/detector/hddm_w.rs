//! HDDM-W: the weighted average since the best moment, by McDiarmid's bound.
//!
//! The W-test of the paper named at `hddm_a`: averages are exponentially weighted, so that recent errors count more
//! and gradual changes show sooner.

use serde::{Deserialize, Serialize};

use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Parameters of [`HddmW`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HddmWSettings {
    /// Confidence of an alarm: the lower, the fewer. Above 0, at most 1; 0.001.
    pub drift_confidence: f64,
    /// Confidence of a warning, above 0, at most 1; 0.005.
    pub warning_confidence: f64,
    /// Weight of the newest value, above 0, at most 1; 0.05.
    pub lambda_val: f64,
    /// Whether errors that become fewer alarm too; false.
    pub two_sided_test: bool,
}

impl Default for HddmWSettings {
    fn default() -> Self {
        Self {
            drift_confidence: 0.001,
            warning_confidence: 0.005,
            lambda_val: 0.05,
            two_sided_test: false,
        }
    }
}

impl HddmWSettings {
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
            Parameter::real(
                "lambda_val",
                &mut self.lambda_val,
                0.0,
                1.0,
                "weight of the newest value",
            ),
            Parameter::flag(
                "two_sided_test",
                &mut self.two_sided_test,
                "alarm also when errors become fewer",
            ),
        ]
    }
}

/// The detector's state: five weighted averages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HddmW {
    settings: HddmWSettings,
    weights: Weights,
    total: Average,
    low: Cut,
    high: Cut,
}

/// What the settings fix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Weights {
    /// Of the newest value in an average.
    newest: f64,
    /// Its square, and that of the rest: how fast the bound settles.
    newest_squared: f64,
    rest_squared: f64,
    drift_log: f64,
    warning_log: f64,
}

/// An exponentially weighted average, and the sum of its squared weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Average {
    /// `None` before the first value.
    mean: Option<f64>,
    squared_weights: f64,
}

impl Average {
    const EMPTY: Self = Self {
        mean: None,
        squared_weights: 1.0,
    };

    fn update(&mut self, x: f64, weights: &Weights) {
        self.mean = Some(match self.mean {
            None => x,
            Some(mean) => weights.newest * x + (1.0 - weights.newest) * mean,
        });
        self.squared_weights = weights.newest_squared + weights.rest_squared * self.squared_weights;
    }
}

/// The averages up to the best moment, and since.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Cut {
    /// Mean and bound at the best moment; `None` before the first value.
    best: Option<f64>,
    before: Average,
    since: Average,
}

impl Cut {
    const NONE: Self = Self {
        best: None,
        before: Average::EMPTY,
        since: Average::EMPTY,
    };

    /// Begins again at this moment if it is better than the best so far, else takes the value behind it.
    fn update(&mut self, x: f64, level: f64, is_better: bool, total: &Average, weights: &Weights) {
        if is_better {
            *self = Self {
                best: Some(level),
                before: *total,
                since: Average::EMPTY,
            };
        } else {
            self.since.update(x, weights);
        }
    }

    /// Since minus before, and the sum of their squared weights.
    fn apart(&self) -> Option<(f64, f64)> {
        let apart = self.since.mean? - self.before.mean?;
        let weights = self.before.squared_weights + self.since.squared_weights;
        Some((apart, weights))
    }
}

fn bound(squared_weights: f64, log: f64) -> f64 {
    (squared_weights * log / 2.0).sqrt()
}

impl HddmW {
    pub(super) fn new(settings: &HddmWSettings) -> Self {
        let rest = 1.0 - settings.lambda_val;
        Self {
            settings: settings.clone(),
            weights: Weights {
                newest: settings.lambda_val,
                newest_squared: settings.lambda_val * settings.lambda_val,
                rest_squared: rest * rest,
                drift_log: (1.0 / settings.drift_confidence).ln(),
                warning_log: (1.0 / settings.warning_confidence).ln(),
            },
            total: Average::EMPTY,
            low: Cut::NONE,
            high: Cut::NONE,
        }
    }

    pub(super) fn settings(&self) -> &HddmWSettings {
        &self.settings
    }
}

impl ChangeDetector for HddmW {
    fn update(&mut self, x: f64) -> Signal {
        let weights = &self.weights;
        self.total.update(x, weights);
        let mean = self.total.mean.unwrap_or(x);
        let spread = bound(self.total.squared_weights, weights.drift_log);
        let (upper, lower) = (mean + spread, mean - spread);
        let lower_than_ever = self.low.best.is_none_or(|best| upper < best);
        self.low
            .update(x, upper, lower_than_ever, &self.total, weights);
        let two_sided = self.settings.two_sided_test;
        if two_sided {
            let higher_than_ever = self.high.best.is_none_or(|best| lower > best);
            self.high
                .update(x, lower, higher_than_ever, &self.total, weights);
        }
        let rise = self.low.apart();
        let fall = self.high.apart().map(|(apart, weights)| (-apart, weights));
        let beyond = |log| {
            let changed = |(apart, weights)| apart > bound(weights, log);
            rise.is_some_and(changed) || fall.is_some_and(changed)
        };
        if beyond(weights.drift_log) {
            Signal::Drift
        } else if beyond(weights.warning_log) {
            Signal::Warning
        } else {
            Signal::None
        }
    }

    fn reset(&mut self) {
        self.total = Average::EMPTY;
        (self.low, self.high) = (Cut::NONE, Cut::NONE);
    }
}
