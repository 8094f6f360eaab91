//! Models: files in, decisions out. The only crate that names Burn, and `device` the only file that names a backend.
//!
//! The way of a model: `registry` finds the file of a version → `onnx` reads it, plans it once → `tiles` runs rows
//! through the plan in blocks of fixed size, so that an answer never depends on the batch its row came in →
//! `handle` lets many threads ask while a newer version takes the older one's place.

mod error;
mod matrix;
mod device;
mod registry;
mod settings;
mod onnx;
mod tiles;
mod loaded;
mod handle;
mod random;
mod xxh64;
mod arch;
pub mod train;
pub mod evaluate;
pub mod gate;
pub mod drift;
pub mod detect;
pub mod steward;
pub mod watch;

pub use arch::Task;
pub use device::gpu_available;
pub use error::ModelError;
pub use handle::{Answer, ModelHandle};
pub use loaded::{LoadedModel, load, load_bytes, load_file};
pub use matrix::{Matrix, Tensor, TensorData};
pub use registry::ModelFolders;
