//! The log, the operators, the state, and every actor.
//!
//! In the order of a record's way: [`log`] (where records live) → [`feeds`] (what fills it from
//! outside) → [`codec`] (bytes to columns and back) → [`operators`] (pure kernels) → [`state`]
//! (what sessions leave behind) → [`nodes`] (the actors that move it all).

pub mod clock;
pub mod batch;
pub mod watermark;
pub mod log;
pub mod feeds;
pub mod codec;
pub mod operators;
pub mod state;
pub mod nodes;
