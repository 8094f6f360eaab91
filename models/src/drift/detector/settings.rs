//! Parameters of the detectors by name: one table a detector gives names, meanings, ranges, defaults and the setting
//! of each from text, so that the command line, topology files and documentation cannot disagree.

use serde::{Deserialize, Serialize};

use super::{
    AdwinSettings, DdmSettings, EddmSettings, HddmASettings, HddmWSettings, KswinSettings,
    PageHinkleySettings, Side,
};
use crate::drift::DriftError;

/// The detectors there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DetectorKind {
    /// Adaptive windowing.
    Adwin,
    /// Drift detection method.
    Ddm,
    /// Early drift detection method.
    Eddm,
    /// Hoeffding's bound on averages.
    HddmA,
    /// McDiarmid's bound on weighted averages.
    HddmW,
    /// Page-Hinkley test.
    PageHinkley,
    /// Kolmogorov-Smirnov windowing.
    Kswin,
}

impl DetectorKind {
    /// All, in the order in which lists show them.
    pub const ALL: [Self; 7] = [
        Self::Adwin,
        Self::Ddm,
        Self::Eddm,
        Self::HddmA,
        Self::HddmW,
        Self::PageHinkley,
        Self::Kswin,
    ];

    /// Its name in files and commands.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Adwin => "adwin",
            Self::Ddm => "ddm",
            Self::Eddm => "eddm",
            Self::HddmA => "hddm-a",
            Self::HddmW => "hddm-w",
            Self::PageHinkley => "page-hinkley",
            Self::Kswin => "kswin",
        }
    }

    /// The detector of a name; case, `-` and `_` do not count.
    ///
    /// # Errors
    /// If there is none.
    pub fn parse(name: &str) -> Result<Self, DriftError> {
        let wanted = plain(name);
        let found = Self::ALL
            .into_iter()
            .find(|kind| plain(kind.name()) == wanted);
        found.ok_or_else(|| DriftError::UnknownDetector { name: name.into() })
    }

    /// One line on what it watches.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Adwin => "a window that shrinks where two halves differ; any value",
            Self::Ddm => "the error rate against its lowest; errors that become more",
            Self::Eddm => "the distance between errors; slow drifts, many false alarms",
            Self::HddmA => "Hoeffding's bound on averages; abrupt changes of errors",
            Self::HddmW => "McDiarmid's bound on weighted averages; gradual changes of errors",
            Self::PageHinkley => {
                "sums of deviations from the mean; any value, depends on its scale"
            }
            Self::Kswin => "Kolmogorov-Smirnov test on a sliding window; any value, any change",
        }
    }

    /// Whether it watches errors unless told otherwise.
    #[must_use]
    pub fn watches_errors(self) -> bool {
        match self {
            Self::Ddm | Self::Eddm | Self::HddmA | Self::HddmW => true,
            Self::Adwin | Self::PageHinkley | Self::Kswin => false,
        }
    }
}

fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| !matches!(letter, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Settings of one detector. Fields are public; [`DetectorSettings::check`] knows the ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "detector")]
pub enum DetectorSettings {
    /// Of [`super::Adwin`].
    Adwin(AdwinSettings),
    /// Of [`super::Ddm`].
    Ddm(DdmSettings),
    /// Of [`super::Eddm`].
    Eddm(EddmSettings),
    /// Of [`super::HddmA`].
    HddmA(HddmASettings),
    /// Of [`super::HddmW`].
    HddmW(HddmWSettings),
    /// Of [`super::PageHinkley`].
    PageHinkley(PageHinkleySettings),
    /// Of [`super::Kswin`].
    Kswin(KswinSettings),
}

/// A parameter, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParameterInfo {
    /// River's name for it.
    pub name: &'static str,
    /// Its value, as text.
    pub value: String,
    /// What it may be.
    pub range: String,
    /// What it does.
    pub meaning: &'static str,
}

impl DetectorSettings {
    /// The published defaults, as in river.
    #[must_use]
    pub fn of(kind: DetectorKind) -> Self {
        match kind {
            DetectorKind::Adwin => Self::Adwin(AdwinSettings::default()),
            DetectorKind::Ddm => Self::Ddm(DdmSettings::default()),
            DetectorKind::Eddm => Self::Eddm(EddmSettings::default()),
            DetectorKind::HddmA => Self::HddmA(HddmASettings::default()),
            DetectorKind::HddmW => Self::HddmW(HddmWSettings::default()),
            DetectorKind::PageHinkley => Self::PageHinkley(PageHinkleySettings::default()),
            DetectorKind::Kswin => Self::Kswin(KswinSettings::default()),
        }
    }

    /// Whose settings they are.
    #[must_use]
    pub fn kind(&self) -> DetectorKind {
        match self {
            Self::Adwin(_) => DetectorKind::Adwin,
            Self::Ddm(_) => DetectorKind::Ddm,
            Self::Eddm(_) => DetectorKind::Eddm,
            Self::HddmA(_) => DetectorKind::HddmA,
            Self::HddmW(_) => DetectorKind::HddmW,
            Self::PageHinkley(_) => DetectorKind::PageHinkley,
            Self::Kswin(_) => DetectorKind::Kswin,
        }
    }

    /// Sets a parameter by river's name (`-` for `_` is fine) from text: a number, `true`, `false`, or a word.
    ///
    /// # Errors
    /// If there is no such parameter, or the value is outside its range; the settings are then as they were.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), DriftError> {
        let detector = self.kind().name();
        let wanted = plain(name);
        let mut parameters = self.parameters_mut();
        let Some(parameter) = parameters
            .iter_mut()
            .find(|found| plain(found.name) == wanted)
        else {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
            return Err(DriftError::UnknownParameter {
                detector,
                parameter: name.into(),
                known: known.join(", "),
            });
        };
        if parameter.slot.set(value) {
            return Ok(());
        }
        Err(DriftError::Parameter {
            detector,
            parameter: parameter.name,
            value: value.into(),
            range: parameter.slot.range(),
        })
    }

    /// All parameters with their values.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        let mut settings = self.clone();
        let describe = |parameter: Parameter<'_>| ParameterInfo {
            name: parameter.name,
            value: parameter.slot.value(),
            range: parameter.slot.range(),
            meaning: parameter.meaning,
        };
        settings
            .parameters_mut()
            .into_iter()
            .map(describe)
            .collect()
    }

    /// Whether each parameter is within its range, and they fit together.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), DriftError> {
        let detector = self.kind().name();
        let mut settings = self.clone();
        for mut parameter in settings.parameters_mut() {
            let value = parameter.slot.value();
            if !parameter.slot.set(&value) {
                let (parameter, range) = (parameter.name, parameter.slot.range());
                return Err(DriftError::Parameter {
                    detector,
                    parameter,
                    value,
                    range,
                });
            }
        }
        let rule = match self {
            Self::Eddm(settings) if settings.alpha < settings.beta => {
                "alpha (warning) must not be below beta (drift)"
            }
            Self::Kswin(settings) if settings.window_size / 2 < settings.stat_size => {
                "stat_size must be at most half of window_size, as many older values are drawn"
            }
            Self::Adwin(_)
            | Self::Ddm(_)
            | Self::Eddm(_)
            | Self::HddmA(_)
            | Self::HddmW(_)
            | Self::PageHinkley(_)
            | Self::Kswin(_) => return Ok(()),
        };
        Err(DriftError::Rule { detector, rule })
    }

    fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Adwin(settings) => settings.parameters_mut(),
            Self::Ddm(settings) => settings.parameters_mut(),
            Self::Eddm(settings) => settings.parameters_mut(),
            Self::HddmA(settings) => settings.parameters_mut(),
            Self::HddmW(settings) => settings.parameters_mut(),
            Self::PageHinkley(settings) => settings.parameters_mut(),
            Self::Kswin(settings) => settings.parameters_mut(),
        }
    }
}

/// One parameter of a detector: its name, its meaning, and where its value lies.
pub(super) struct Parameter<'a> {
    name: &'static str,
    meaning: &'static str,
    slot: Slot<'a>,
}

enum Slot<'a> {
    /// A number strictly above the first bound and at most the second.
    Real(&'a mut f64, f64, f64),
    /// A whole number within both bounds.
    Whole(&'a mut u64, u64, u64),
    Flag(&'a mut bool),
    Side(&'a mut Side),
}

impl<'a> Parameter<'a> {
    /// A number above `low` and at most `high`.
    pub(super) fn real(
        name: &'static str,
        value: &'a mut f64,
        low: f64,
        high: f64,
        meaning: &'static str,
    ) -> Self {
        let slot = Slot::Real(value, low, high);
        Self {
            name,
            meaning,
            slot,
        }
    }

    /// A whole number from `low` to `high`.
    pub(super) fn whole(
        name: &'static str,
        value: &'a mut u64,
        low: u64,
        high: u64,
        meaning: &'static str,
    ) -> Self {
        let slot = Slot::Whole(value, low, high);
        Self {
            name,
            meaning,
            slot,
        }
    }

    /// True or false.
    pub(super) fn flag(name: &'static str, value: &'a mut bool, meaning: &'static str) -> Self {
        let slot = Slot::Flag(value);
        Self {
            name,
            meaning,
            slot,
        }
    }

    /// A direction of change.
    pub(super) fn side(name: &'static str, value: &'a mut Side, meaning: &'static str) -> Self {
        let slot = Slot::Side(value);
        Self {
            name,
            meaning,
            slot,
        }
    }
}

impl Slot<'_> {
    /// Whether the text is a value within the range, which then is set.
    fn set(&mut self, text: &str) -> bool {
        match self {
            Self::Real(value, low, high) => match text.parse::<f64>() {
                Ok(number) if number > *low && number <= *high => **value = number,
                Ok(_) | Err(_) => return false,
            },
            Self::Whole(value, low, high) => match text.parse::<u64>() {
                Ok(number) if (*low..=*high).contains(&number) => **value = number,
                Ok(_) | Err(_) => return false,
            },
            Self::Flag(value) => match text.to_ascii_lowercase().as_str() {
                "true" => **value = true,
                "false" => **value = false,
                _ => return false,
            },
            Self::Side(value) => match text {
                "up" => **value = Side::Up,
                "down" => **value = Side::Down,
                "both" => **value = Side::Both,
                _ => return false,
            },
        }
        true
    }

    fn value(&self) -> String {
        match self {
            Self::Real(value, ..) => value.to_string(),
            Self::Whole(value, ..) => value.to_string(),
            Self::Flag(value) => value.to_string(),
            Self::Side(Side::Up) => "up".into(),
            Self::Side(Side::Down) => "down".into(),
            Self::Side(Side::Both) => "both".into(),
        }
    }

    fn range(&self) -> String {
        match self {
            Self::Real(_, low, high) if *high == f64::MAX => format!("a number above {low}"),
            Self::Real(_, low, high) => format!("a number above {low}, at most {high}"),
            Self::Whole(_, low, high) => format!("a whole number from {low} to {high}"),
            Self::Flag(_) => "true or false".into(),
            Self::Side(_) => "up, down or both".into(),
        }
    }
}
