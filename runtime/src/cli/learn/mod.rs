//! `thalweg train` and `thalweg evaluate`: models from rows that are there, and how good they are on others.
//!
//! `source` reads rows of a file or a topic as columns by name → `table` makes of them the examples of a model (features,
//! label, slices, in the order of time) → `subject` says which model is meant and who is champion, `flags` how it is trained →
//! `train` and `evaluate` do their work, by the measures of `measured`, and `report` prints it.

mod error;
mod source;
mod table;
mod subject;
mod flags;
mod measured;
mod report;
mod train;
mod evaluate;
#[cfg(test)]
mod tests;

pub(super) use evaluate::{EvaluateArguments, evaluate};
pub(super) use train::{TrainArguments, train};
