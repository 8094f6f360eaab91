//! How good a model is: each measure in a pure file, with its source.
//!
//! `confusion`, `probability` and `regression` are running sums; `ranking` and `card_precision` need all scores at once;
//! `prequential` and `live` follow a stream in bounded memory; `report` names all that can be said of some answers.
//! `models/tests/metrics/make.py` computes what the tests expect with scikit-learn and river.

mod confusion;
mod prequential;
mod ranking;
mod card_precision;
mod probability;
mod regression;
mod report;
mod live;
mod slices;
#[cfg(test)]
mod tests;

pub use card_precision::{Payment, card_precision};
pub use confusion::Confusion;
pub use live::Live;
pub use prequential::{Prequential, kappa_temporal};
pub use probability::{ProbabilityScores, log_loss};
pub use ranking::Ranking;
pub use regression::Errors;
pub use report::Report;
pub(crate) use report::most_probable;
pub use slices::Slices;
