//! The daemon and its command line. It composes the other crates and decides nothing about records.
//!
//! `cli` turns arguments into calls; `daemon` is the life of a running topology (start, ready,
//! drain, stop); `control` is the one door through which the API and the commands see and act on it;
//! `api` is HTTP; `access` is how commands reach a log that a daemon may have; `telemetry` and `live`
//! say what happens; `allocator` keeps memory in bounds.

mod allocator;
pub mod telemetry;
pub mod daemon;
pub mod control;
pub mod api;
pub mod live;
pub mod access;
pub mod cli;
