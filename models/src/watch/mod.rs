//! Has what a model is given or answers changed? Windows of the stream against a reference, without labels.
//!
//! Pure. A [`Profile`] is kept with a version: what it was trained on. [`Sketch`]es count stretches of the stream in
//! its bins, one a partition at a time; a [`Watcher`] puts them together to windows, compares each with the profile
//! (or with an earlier window) and tells what it finds. Its state is a session's, so that windows are there once,
//! whatever crashes.

mod profile;
mod sketch;
mod findings;
mod past;
mod watcher;
#[cfg(test)]
mod tests;

pub use profile::{Calibration, FIRST_ROWS, Profile};
pub use sketch::{Expected, Part, Sketch};
pub use watcher::{Given, Watcher};
