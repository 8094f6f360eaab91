//! Experiments on sessions, overload, panics and hangs: small in the test suite, in full by their programs
//! (`docs/benchmarks.md`).

pub mod flood;
pub mod hangs;
pub mod passivation;
pub mod restarts;
pub mod sessions;
pub mod soak;

use std::time::Duration;

/// The example card-fraud, with other text in these places.
///
/// # Panics
/// If it is not valid: the experiment is wrong then.
#[must_use]
pub fn card_fraud(changes: &[(&str, &str)]) -> config::Topology {
    let text = include_str!("../../../examples/card-fraud/topology.toml");
    let models = ("\"models/fraud\"", "\"examples/card-fraud/models/fraud\"");
    let mut text = text.replace(models.0, models.1);
    for (from, to) in changes {
        text = text.replace(from, to);
    }
    crate::inside::topology(&text)
}

/// Of times in ascending order: within which so many percent of them are.
#[must_use]
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(last * percent / 100)
        .copied()
        .unwrap_or_default()
}
