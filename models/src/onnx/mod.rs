//! ONNX: a file becomes messages, messages a plan, and the plan runs.
//!
//! `proto` mirrors the file → `initializer` and `attributes` read its numbers → `plan` checks the graph once, folds
//! constants and decides where each value dies → `operators` and `ml` are the kernels, a file a family. Values have no
//! rank in their type (`value`, `float`, `host`); shapes and indices stay in plain memory.

mod fault;
mod shape;
mod host;
mod float;
mod value;
pub(crate) mod proto;
mod initializer;
mod attributes;
mod arguments;
mod node;
mod liveness;
mod planner;
mod plan;
mod operators;
mod ml;

pub(crate) use host::Host;
pub(crate) use plan::{GraphInput, Plan};
pub(crate) use planner::plan;
pub(crate) use value::Value;

#[cfg(test)]
pub(crate) mod cases;
#[cfg(test)]
mod tests;
