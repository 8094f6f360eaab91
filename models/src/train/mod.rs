//! Training: rows with labels in, a model file out.
//!
//! The way of a training: `examples` are the rows in the order of time → `scaling` and `targets` are fitted on those
//! that are learned from → `trainer` steps through them batch by batch (`loss`, `descent`, `run`), checkpointed at any
//! step → `trained` holds the weights of the best epoch → `export` makes ONNX of them → `publish` puts a version into the
//! model's folder, with a `record` of how it came to be.
//!
//! Nothing here has a clock or a thread: the caller drives [`Trainer::step`], sleeps as [`Pace`] says, keeps
//! checkpoints, and drops the trainer to cancel it.

mod error;
mod examples;
mod scaling;
mod targets;
mod loss;
mod descent;
mod run;
mod checkpoint;
mod progress;
mod trainer;
mod online;
mod trained;
mod export;
mod record;
mod publish;
#[cfg(test)]
mod tests;

pub use error::TrainError;
pub use examples::Examples;
pub(crate) use online::Online;
pub use progress::{Pace, Progress};
pub use publish::{install, next_version, publish};
pub use record::{OffsetRange, TrainingRecord};
pub use trained::Trained;
pub use trainer::Trainer;
