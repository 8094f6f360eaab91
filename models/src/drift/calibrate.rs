//! Which setting of a detector gives a wished rate of false alarms, from values during which nothing changed.
//!
//! The values are strung together anew, block by block, into a long stream in which nothing changes (moving-block
//! bootstrap: H. R. Künsch, Annals of Statistics 17, 1989), and the detector's one parameter for sensitivity is bisected
//! until it alarms on that stream no more often than wished. Same values, same seed: same answer.

#[cfg(test)]
mod tests;

use super::{Detector, DetectorKind, DetectorSettings, DriftError, Input, Signal};
use crate::random::Random;

/// False alarms that the simulated stream should hold at the wished rate; their count is then right within some 20 %.
const ALARMS: f64 = 25.0;
/// Values of the simulated stream at most: a wish below 1 alarm in 100,000 values is met with fewer alarms to count.
const SIMULATED: usize = 2_500_000;
/// Halvings: the answer is exact to a 1,000th of the parameter's range, on a scale of ratios.
const STEPS: u32 = 10;
/// Values below which blocks would repeat themselves rather than stand for the stream.
const FEWEST: usize = 100;

/// What [`calibrate`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The detector's settings with the parameter set.
    pub settings: DetectorSettings,
    /// The parameter that was sought.
    pub parameter: &'static str,
    /// Its value, of four digits.
    pub value: f64,
    /// Alarms a value on the simulated stream, at most the wished rate.
    pub rate: f64,
    /// Length of that stream.
    pub simulated: usize,
}

/// Seeks the most sensitive setting that raises at most `rate` alarms a value (0.0001: one in 10,000) on values like
/// `in_control`. The parameter sought is `delta` of ADWIN, `drift_threshold` of DDM, `beta` of EDDM,
/// `drift_confidence` of both HDDM, `threshold` of Page-Hinkley and `alpha` of KSWIN; where the detector warns, the
/// warning's parameter follows. All others stay as they are in `settings`.
///
/// # Errors
/// If there are fewer than 100 values or one is not what `input` stands for, `rate` is not between 0.000001 and 0.1, or
/// the detector alarms more often than wished at its least sensitive.
pub fn calibrate(
    settings: &DetectorSettings,
    input: Input,
    in_control: &[f64],
    rate: f64,
    seed: u64,
) -> Result<Calibration, DriftError> {
    if in_control.len() < FEWEST {
        let (found, needed) = (in_control.len(), FEWEST);
        return Err(DriftError::TooFew { found, needed });
    }
    if !(0.000_001..=0.1).contains(&rate) {
        let value = rate.to_string();
        let expected = "a rate from 0.000001 to 0.1 alarms a value";
        return Err(DriftError::Value { value, expected });
    }
    let length = ((ALARMS / rate) as usize).min(SIMULATED);
    let stream = resampled(in_control, length, seed);
    let knob = Knob::of(settings.kind(), in_control);
    let tried = |share: f64| -> Result<Calibration, DriftError> {
        let value = knob.at(share);
        let settings = knob.set(settings, value)?;
        let alarms = alarms(&settings, input, &stream)?;
        Ok(Calibration {
            settings,
            parameter: knob.name,
            value,
            rate: alarms as f64 / length as f64,
            simulated: length,
        })
    };
    let mut best = tried(1.0)?;
    if best.rate > rate {
        let detector = settings.kind().name();
        let alarms = (best.rate * length as f64) as usize;
        return Err(DriftError::Uncalibrated {
            detector,
            alarms,
            values: length,
        });
    }
    let (mut loose, mut strict) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = (loose + strict) / 2.0;
        let found = tried(middle)?;
        if found.rate > rate {
            loose = middle;
        } else {
            strict = middle;
            best = found;
        }
    }
    Ok(best)
}

/// A stream of blocks of the values, each as long as the root of their number, begun at random places.
fn resampled(values: &[f64], length: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let block = values.len().isqrt();
    let mut stream = Vec::with_capacity(length + block);
    while stream.len() < length {
        let from = random.below(values.len() - block + 1);
        stream.extend_from_slice(&values[from..from + block]);
    }
    stream.truncate(length);
    stream
}

fn alarms(settings: &DetectorSettings, input: Input, stream: &[f64]) -> Result<usize, DriftError> {
    let mut detector = Detector::try_new(settings, input)?;
    let mut alarms = 0;
    for x in stream {
        alarms += usize::from(detector.update(*x)? == Signal::Drift);
    }
    Ok(alarms)
}

/// A parameter of warnings, and its value for one of the parameter of alarms.
type Warning = (&'static str, fn(f64) -> f64);

/// The parameter that makes a detector more or less sensitive.
struct Knob {
    name: &'static str,
    warning: Option<Warning>,
    /// Where it alarms most, and where least.
    loose: f64,
    strict: f64,
}

impl Knob {
    fn of(kind: DetectorKind, values: &[f64]) -> Self {
        let (name, loose, strict) = match kind {
            DetectorKind::Adwin => ("delta", 1.0, 1e-12),
            DetectorKind::Ddm => ("drift_threshold", 0.5, 20.0),
            DetectorKind::Eddm => ("beta", 0.999, 0.05),
            DetectorKind::HddmA | DetectorKind::HddmW => ("drift_confidence", 0.5, 1e-15),
            DetectorKind::PageHinkley => {
                let scale = deviation(values);
                ("threshold", 0.1 * scale, 10_000.0 * scale)
            }
            DetectorKind::Kswin => ("alpha", 0.5, 1e-12),
        };
        let warning: Option<Warning> = match kind {
            DetectorKind::Ddm => Some(("warning_threshold", |drift| drift * 2.0 / 3.0)),
            DetectorKind::Eddm => Some(("alpha", |drift| (1.0 + drift) / 2.0)),
            DetectorKind::HddmA | DetectorKind::HddmW => {
                Some(("warning_confidence", |drift| (5.0 * drift).min(1.0)))
            }
            DetectorKind::Adwin | DetectorKind::PageHinkley | DetectorKind::Kswin => None,
        };
        Self {
            name,
            warning,
            loose,
            strict,
        }
    }

    /// Its value at a share of the way from loose to strict, in ratios, rounded to four digits.
    fn at(&self, share: f64) -> f64 {
        let value = self.loose * (self.strict / self.loose).powf(share);
        let digits = 10_f64.powi(3 - value.log10().floor() as i32);
        (value * digits).round() / digits
    }

    fn set(&self, settings: &DetectorSettings, value: f64) -> Result<DetectorSettings, DriftError> {
        let mut settings = settings.clone();
        settings.set(self.name, &value.to_string())?;
        if let Some((name, of)) = self.warning {
            settings.set(name, &of(value).to_string())?;
        }
        Ok(settings)
    }
}

/// Standard deviation; 1 where all values are the same.
fn deviation(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    let deviation = (squares / count).sqrt();
    match deviation.is_finite() && deviation > 0.0 {
        true => deviation,
        false => 1.0,
    }
}
