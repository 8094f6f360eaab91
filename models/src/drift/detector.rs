//! Online change detectors behind one face: a number in, a [`Signal`] out.
//!
//! The arithmetic is that of river 0.26 (<https://riverml.xyz>), operation by operation, so that both alarm at the
//! same values; each detector names its paper. After an alarm a detector forgets everything and begins again with the
//! next value. Memory is bounded whatever the stream's length. A detector is a value: serialised and read back, it
//! goes on as if nothing had happened.
//!
//! Called by the runtime's monitors, by `thalweg drift` and by `calibrate`.

mod mean;
mod settings;
mod adwin;
mod ddm;
mod eddm;
mod hddm_a;
mod hddm_w;
mod page_hinkley;
mod mersenne;
mod kswin;
#[cfg(test)]
pub(super) mod tests;

use serde::{Deserialize, Serialize};

pub use adwin::{Adwin, AdwinSettings};
pub use ddm::{Ddm, DdmSettings};
pub use eddm::{Eddm, EddmSettings};
pub use hddm_a::{HddmA, HddmASettings};
pub use hddm_w::{HddmW, HddmWSettings};
pub use kswin::{Kswin, KswinSettings};
pub use page_hinkley::{PageHinkley, PageHinkleySettings, Side};
pub use settings::{DetectorKind, DetectorSettings, ParameterInfo};

use super::DriftError;

/// What a detector says of the value it was just given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// As before.
    None,
    /// It may be changing. Only DDM, EDDM and HDDM warn.
    Warning,
    /// It has changed; the detector begins again with the next value.
    Drift,
}

/// What the numbers of a stream stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// 1 where the model was wrong, 0 where it was right.
    Error,
    /// 1 where the model was right, 0 where it was wrong; detectors see the opposite.
    Correct,
    /// Any finite number: a score, a residual, a feature. For HDDM from 0 to 1, which its bounds rest on.
    Value,
}

/// A change detector without its stream: what it does with one number.
pub trait ChangeDetector {
    /// Takes the next number, which its caller has checked.
    fn update(&mut self, x: f64) -> Signal;

    /// Forgets all numbers taken; settings stay.
    fn reset(&mut self);
}

/// A change detector on a stream: checks what it is given, begins again after each alarm, and can be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Detector {
    input: Input,
    warm_up: u64,
    cool_down: u64,
    seen: u64,
    /// Values counted from 0 before this one raise no signal.
    quiet_until: u64,
    algorithm: Algorithm,
}

impl Detector {
    /// A detector of checked settings at the beginning of a stream.
    ///
    /// # Errors
    /// If a parameter is outside its range, or the detector cannot watch `input` (DDM and EDDM only take errors).
    pub fn try_new(settings: &DetectorSettings, input: Input) -> Result<Self, DriftError> {
        settings.check()?;
        let binary = matches!(settings.kind(), DetectorKind::Ddm | DetectorKind::Eddm);
        if binary && input == Input::Value {
            let detector = settings.kind().name();
            return Err(DriftError::Input { detector });
        }
        Ok(Self {
            input,
            warm_up: 0,
            cool_down: 0,
            seen: 0,
            quiet_until: 0,
            algorithm: Algorithm::new(settings),
        })
    }

    /// Says nothing of the first `warm_up` values of the stream, nor of `cool_down` values behind each alarm.
    /// The detector sees them all the same. Both are 0 unless set.
    #[must_use]
    pub fn quiet(mut self, warm_up: u64, cool_down: u64) -> Self {
        (self.warm_up, self.cool_down) = (warm_up, cool_down);
        self.quiet_until = warm_up;
        self
    }

    /// Takes the next number of the stream.
    ///
    /// # Errors
    /// If it is not what the input stands for: not 0 or 1, not finite. The detector is then as it was.
    pub fn update(&mut self, x: f64) -> Result<Signal, DriftError> {
        let x = self.checked(x)?;
        let signal = self.algorithm.update(x);
        if signal == Signal::Drift {
            self.algorithm.reset();
        }
        let index = self.seen;
        self.seen += 1;
        if index < self.quiet_until {
            return Ok(Signal::None);
        }
        if signal == Signal::Drift {
            self.quiet_until = self.seen.saturating_add(self.cool_down);
        }
        Ok(signal)
    }

    /// Begins again, as if the stream began here.
    pub fn reset(&mut self) {
        self.algorithm.reset();
        self.seen = 0;
        self.quiet_until = self.warm_up;
    }

    /// How many numbers it has taken.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// What the numbers stand for.
    #[must_use]
    pub fn input(&self) -> Input {
        self.input
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> DetectorSettings {
        self.algorithm.settings()
    }

    fn checked(&self, x: f64) -> Result<f64, DriftError> {
        let expected = match self.input {
            Input::Error if x == 0.0 || x == 1.0 => return Ok(x),
            Input::Correct if x == 0.0 || x == 1.0 => return Ok(1.0 - x),
            Input::Error => "an error: 1 (wrong) or 0 (right)",
            Input::Correct => "1 (right) or 0 (wrong)",
            Input::Value if self.algorithm.takes(x) => return Ok(x),
            Input::Value if x.is_finite() => "from 0 to 1, as hddm needs it",
            Input::Value => "a finite number",
        };
        let value = x.to_string();
        Err(DriftError::Value { value, expected })
    }
}

/// Which detector, with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Algorithm {
    Adwin(Adwin),
    Ddm(Ddm),
    Eddm(Eddm),
    HddmA(HddmA),
    HddmW(HddmW),
    PageHinkley(PageHinkley),
    Kswin(Kswin),
}

impl Algorithm {
    fn new(settings: &DetectorSettings) -> Self {
        match settings {
            DetectorSettings::Adwin(settings) => Self::Adwin(Adwin::new(settings)),
            DetectorSettings::Ddm(settings) => Self::Ddm(Ddm::new(settings)),
            DetectorSettings::Eddm(settings) => Self::Eddm(Eddm::new(settings)),
            DetectorSettings::HddmA(settings) => Self::HddmA(HddmA::new(settings)),
            DetectorSettings::HddmW(settings) => Self::HddmW(HddmW::new(settings)),
            DetectorSettings::PageHinkley(settings) => {
                Self::PageHinkley(PageHinkley::new(settings))
            }
            DetectorSettings::Kswin(settings) => Self::Kswin(Kswin::new(settings)),
        }
    }

    fn settings(&self) -> DetectorSettings {
        match self {
            Self::Adwin(detector) => DetectorSettings::Adwin(detector.settings().clone()),
            Self::Ddm(detector) => DetectorSettings::Ddm(detector.settings().clone()),
            Self::Eddm(detector) => DetectorSettings::Eddm(detector.settings().clone()),
            Self::HddmA(detector) => DetectorSettings::HddmA(detector.settings().clone()),
            Self::HddmW(detector) => DetectorSettings::HddmW(detector.settings().clone()),
            Self::PageHinkley(detector) => {
                DetectorSettings::PageHinkley(detector.settings().clone())
            }
            Self::Kswin(detector) => DetectorSettings::Kswin(detector.settings().clone()),
        }
    }

    fn takes(&self, x: f64) -> bool {
        match self {
            Self::HddmA(_) | Self::HddmW(_) => (0.0..=1.0).contains(&x),
            Self::Adwin(_) | Self::PageHinkley(_) | Self::Kswin(_) => x.is_finite(),
            // Refused at the making: they know errors only.
            Self::Ddm(_) | Self::Eddm(_) => false,
        }
    }

    fn update(&mut self, x: f64) -> Signal {
        match self {
            Self::Adwin(detector) => detector.update(x),
            Self::Ddm(detector) => detector.update(x),
            Self::Eddm(detector) => detector.update(x),
            Self::HddmA(detector) => detector.update(x),
            Self::HddmW(detector) => detector.update(x),
            Self::PageHinkley(detector) => detector.update(x),
            Self::Kswin(detector) => detector.update(x),
        }
    }

    fn reset(&mut self) {
        match self {
            Self::Adwin(detector) => detector.reset(),
            Self::Ddm(detector) => detector.reset(),
            Self::Eddm(detector) => detector.reset(),
            Self::HddmA(detector) => detector.reset(),
            Self::HddmW(detector) => detector.reset(),
            Self::PageHinkley(detector) => detector.reset(),
            Self::Kswin(detector) => detector.reset(),
        }
    }
}

/// The form in which a [`Detector`] is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of this form: 1. Another one is refused, so that a change of the arithmetic can refuse old state.
    version: u32,
    input: Input,
    warm_up: u64,
    cool_down: u64,
    seen: u64,
    quiet_until: u64,
    algorithm: Algorithm,
}

const VERSION: u32 = 1;

impl From<Detector> for Kept {
    fn from(detector: Detector) -> Self {
        Self {
            version: VERSION,
            input: detector.input,
            warm_up: detector.warm_up,
            cool_down: detector.cool_down,
            seen: detector.seen,
            quiet_until: detector.quiet_until,
            algorithm: detector.algorithm,
        }
    }
}

impl TryFrom<Kept> for Detector {
    type Error = String;

    fn try_from(kept: Kept) -> Result<Self, String> {
        if kept.version != VERSION {
            return Err(format!(
                "a detector of form {}, not {VERSION}",
                kept.version
            ));
        }
        kept.algorithm
            .settings()
            .check()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            input: kept.input,
            warm_up: kept.warm_up,
            cool_down: kept.cool_down,
            seen: kept.seen,
            quiet_until: kept.quiet_until,
            algorithm: kept.algorithm,
        })
    }
}
