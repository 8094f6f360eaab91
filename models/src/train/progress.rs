//! How far a training is, and how much of a core it may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a training is after a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The epoch of this step, from 1.
    pub epoch: usize,
    /// Epochs, at most.
    pub epochs: usize,
    /// Steps of this epoch that are done.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Rows learned from so far, over all epochs; divided by the time taken it is the pace.
    pub rows_seen: u64,
    /// Mean loss of this epoch's steps.
    pub training_loss: f64,
    /// Loss on the validation rows after the last whole epoch; none before, or without such rows.
    pub validation_loss: Option<f64>,
    /// The lowest loss after an epoch, and that epoch.
    pub best: Option<(f64, usize)>,
    /// Whether the training has ended.
    pub done: bool,
}

/// Keeps a training to a share of a core by the pauses between its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    share: f64,
}

impl Pace {
    /// The longest pause: a thread that sleeps longer would be late to hear that it is cancelled.
    const PAUSE_MAX: Duration = Duration::from_millis(500);

    /// A share of a core in (0, 1]; anything else is taken as the nearest of 0.01 and 1.
    #[must_use]
    pub fn new(share: f64) -> Self {
        let share = if share.is_nan() { 1.0 } else { share };
        Self {
            share: share.clamp(0.01, 1.0),
        }
    }

    /// How long to sleep after a step that took so long.
    #[must_use]
    pub fn pause(self, busy: Duration) -> Duration {
        let pause = busy.mul_f64(1.0 / self.share - 1.0);
        pause.min(Self::PAUSE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_core_sleeps_as_long_as_it_works() {
        let busy = Duration::from_millis(4);
        assert_eq!(Pace::new(0.5).pause(busy), busy);
        assert_eq!(Pace::new(1.0).pause(busy), Duration::ZERO);
    }

    #[test]
    fn a_share_out_of_range_is_brought_into_it() {
        let busy = Duration::from_millis(1);
        assert_eq!(Pace::new(7.0).pause(busy), Duration::ZERO);
        assert_eq!(Pace::new(-1.0).pause(busy), Duration::from_millis(99));
        assert_eq!(Pace::new(f64::NAN).pause(busy), Duration::ZERO);
    }
}
