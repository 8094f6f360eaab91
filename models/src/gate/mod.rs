//! The gate: which model may answer, decided by numbers.
//!
//! Before it serves: `judge` compares a challenger with the champion on a holdout (`answers`, `measure`, `paired`) and
//! gives a `verdict`. While it serves a part of the keys: `arm` says which, and `sequential` tells the two apart as
//! their outcomes become known. All of it is pure; the caller measures latencies and keeps the state.

mod answers;
mod measure;
mod paired;
mod verdict;
mod judge;
mod arm;
mod sequential;
#[cfg(test)]
mod tests;

pub use answers::Answers;
pub use arm::{Arm, arm};
pub use judge::{Candidate, Holdout, Rules, judge};
pub use measure::Measure;
pub use paired::mcnemar;
pub use sequential::{Difference, SequentialTest};
pub use verdict::{Reason, Verdict};
