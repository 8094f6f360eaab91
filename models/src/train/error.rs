//! Why there is no model after a training: place, cause, cure.

/// What keeps a training from giving a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// Rows, labels and names do not fit together, or hold what no training can use.
    #[error("the training rows are unusable: {cause}")]
    Rows {
        /// The rule broken.
        cause: String,
    },
    /// Less than can teach anything.
    #[error("{given} training rows; {needed} are the least")]
    TooFewRows {
        /// Rows left for training once the validation tail is taken off.
        given: usize,
        /// Rows needed.
        needed: usize,
    },
    /// A classifier saw no second class, or none of a class that the labels count.
    #[error("no training row of class {missing}, among {classes} classes")]
    MissingClass {
        /// The first class without rows.
        missing: usize,
        /// Classes that the labels have.
        classes: usize,
    },
    /// The settings do not fit the rows.
    #[error("the settings do not fit the rows: {cause}")]
    Settings {
        /// What does not.
        cause: String,
    },
    /// The loss is no number any more, or a weight grew beyond all measure.
    #[error("the training diverged in epoch {epoch}: {cause}")]
    Diverged {
        /// Counted from 1.
        epoch: usize,
        /// What was seen.
        cause: String,
    },
    /// A checkpoint that is damaged, or of other rows or settings.
    #[error("the checkpoint cannot be continued: {cause}")]
    Checkpoint {
        /// The rule broken.
        cause: String,
    },
    /// The model was asked for before the training ended.
    #[error("the training has not ended: epoch {epoch} of at most {epochs}")]
    Unfinished {
        /// Epochs that have ended.
        epoch: usize,
        /// Epochs, at most.
        epochs: usize,
    },
    /// The device failed.
    #[error("the device failed: {cause}")]
    Device {
        /// What it said.
        cause: String,
    },
}

impl TrainError {
    /// What to do about it, in a sentence.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Rows { .. } => "missing numbers are NaN, classes are the whole numbers 0, 1, …",
            Self::TooFewRows { .. } => "wait for more labels, or take a longer range",
            Self::MissingClass { .. } => "take a range in which every class occurs",
            Self::Settings { .. } => "see docs/topology.md for what [model.train] takes",
            Self::Diverged { .. } => {
                "lower learning-rate, and look at the features for numbers far beyond the others"
            }
            Self::Checkpoint { .. } => "train from the start",
            Self::Unfinished { .. } => "this is a mistake in the caller",
            Self::Device { .. } => "train on the CPU",
        }
    }
}
