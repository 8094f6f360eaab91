//! Supervision as values: what `supervisors` carries out and `thalweg plan` prints.

use crate::Millis;

/// What else restarts when a child ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Only the child itself.
    OneForOne,
    /// All children.
    OneForAll,
    /// The child and those started after it.
    RestForOne,
}

/// How many restarts within how long; one more and the supervisor gives up (escalates).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Intensity {
    /// Restarts allowed; 0 escalates at once.
    pub restarts: u32,
    /// In a sliding window of this length.
    pub within: Millis,
}

/// Wait before a restart: none before the first within the window, before the n-th behind it full jitter over
/// 0..=min(max, initial·2^(n-1)) (Brooker, "Exponential Backoff And Jitter", 2015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// First ceiling.
    pub initial: Millis,
    /// Last ceiling.
    pub max: Millis,
}
