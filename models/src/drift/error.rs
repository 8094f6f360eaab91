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
    /// Too few values for what is asked of them.
    #[error("{found} values, where at least {needed} are needed")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many it takes.
        needed: usize,
    },
    /// A column without any value.
    #[error("column \"{column}\" has no values")]
    NoValues {
        /// The column.
        column: String,
    },
    /// A column of another kind than the reference's.
    #[error("column \"{column}\": numbers and categories are not compared")]
    Kind {
        /// The column.
        column: String,
    },
    /// Another number of columns than the reference has.
    #[error("{given} columns, where the reference has {expected}")]
    Columns {
        /// Columns of the reference.
        expected: usize,
        /// Columns given.
        given: usize,
    },
    /// Columns of unequal length.
    #[error("a column of {given} rows beside one of {expected}")]
    Rows {
        /// Rows of the first column.
        expected: usize,
        /// Rows of another.
        given: usize,
    },
    /// A window over other bins or categories.
    #[error("the window was counted in the bins of another reference")]
    OtherReference,
    /// No setting alarms as seldom as wished.
    #[error(
        "detector \"{detector}\" alarms {alarms} times in {values} values even at its least sensitive"
    )]
    Uncalibrated {
        /// The detector.
        detector: &'static str,
        /// Its alarms.
        alarms: usize,
        /// On so many simulated values.
        values: usize,
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
            Self::NoValues { .. } => "leave the column out of the reference",
            Self::Kind { .. } | Self::Columns { .. } | Self::Rows { .. } => {
                "give the columns of the reference, in its order"
            }
            Self::OtherReference => "count a new window for this reference",
            Self::TooFew { .. } => "collect more values",
            Self::Uncalibrated { .. } => {
                "choose another detector, a higher rate, or values in which nothing changes"
            }
            Self::Value { .. } => {
                "leave missing numbers out; say input = \"value\" for a detector that takes any number"
            }
        }
    }
}
