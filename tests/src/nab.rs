//! The Numenta Anomaly Benchmark, v1.1, as far as its series are among the shared data (Ahmad, Lavin, Purdy, Agha:
//! *Unsupervised real-time anomaly detection for streaming data*, Neurocomputing 2017): its series, what our detectors
//! say of them, and its scorer, written anew from the published rules.
//!
//! Only the past reaches a score, and one threshold holds for all series.

mod data;
mod detectors;
mod scorer;
#[cfg(test)]
mod tests;

pub use data::{Series, series};
pub use detectors::{Rows, detect, golden_ewma, golden_lcg, settings};
pub use scorer::{Best, Counts, PROFILES, Profile, Scored, at, best, normalised};
