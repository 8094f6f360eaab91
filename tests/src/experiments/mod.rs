//! Experiments on sessions and overload: small in the test suite, in full by their programs
//! (`docs/benchmarks.md`).

pub mod flood;
pub mod passivation;
pub mod sessions;
