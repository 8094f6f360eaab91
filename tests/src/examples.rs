//! Topologies of `examples/`, for tests that want them smaller.

/// The beginning of what card-fraud has for learning; it stands at the end of the file.
const LEARNS: &str = "\n# How the model learns.";

/// `examples/card-fraud/topology.toml` without what makes its model learn.
///
/// # Panics
/// If the example does not say where that begins.
#[must_use]
pub fn card_fraud() -> &'static str {
    let whole = include_str!("../../examples/card-fraud/topology.toml");
    let (scoring, _) = whole.split_once(LEARNS).expect("a section on learning");
    scoring
}
