//! What can be wrong with what a drift statistic is given: place, cause, cure.

/// Why a statistic of drift cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// No detector has this name.
    #[error("there is no detector \"{name}\"")]
    UnknownDetector {
        /// The name asked for.
        name: String,
    },
    /// The detector has no parameter of this name.
    #[error("detector \"{detector}\" has no parameter \"{parameter}\"; it has {known}")]
    UnknownParameter {
        /// The detector.
        detector: &'static str,
        /// The name asked for.
        parameter: String,
        /// The names it has.
        known: String,
    },
    /// A parameter's value is outside its range.
    #[error("detector \"{detector}\": {parameter} = {value} is not {range}")]
    Parameter {
        /// The detector.
        detector: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value, as given.
        value: String,
        /// What it may be.
        range: String,
    },
    /// Parameters that exclude each other.
    #[error("detector \"{detector}\": {rule}")]
    Rule {
        /// The detector.
        detector: &'static str,
        /// The rule broken.
        rule: &'static str,
    },
    /// The detector cannot watch this kind of input.
    #[error("detector \"{detector}\" watches errors (0 or 1), not values")]
    Input {
        /// The detector.
        detector: &'static str,
    },
    /// A number that is not of the kind that the detector watches.
    #[error("{value} is not {expected}")]
    Value {
        /// The number, as text.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl DriftError {
    /// What to do about it, in a sentence.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::UnknownDetector { .. } => {
                "choose adwin, ddm, eddm, hddm-a, hddm-w, page-hinkley or kswin"
            }
            Self::UnknownParameter { .. } | Self::Parameter { .. } | Self::Rule { .. } => {
                "`thalweg drift --list` shows each detector's parameters, ranges and defaults"
            }
            Self::Input { .. } => {
                "say input = \"error\" (1 = wrong) or \"correct\" (1 = right), or watch values with adwin, page-hinkley or kswin"
            }
            Self::Value { .. } => {
                "leave missing numbers out; say input = \"value\" for a detector that takes any number"
            }
        }
    }
}
