//! Pure, synchronous kernels, one file each: columns in, columns out. No runtime, no log, no clock.

pub mod expression;
pub mod aggregate;
pub mod rolling;
pub mod window;
pub mod stateless;

use std::fmt;

use crate::batch::Batch;

/// An operator cannot do its work on a batch: a defect or data that no check could foresee.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("operator \"{operator}\" failed: {message}")]
pub struct OperatorError {
    /// Id.
    pub operator: String,
    /// Why.
    pub message: String,
}

/// An operator without state: whole batches at a time.
pub trait StatelessOperator: Send + Sync + fmt::Debug {
    /// Batches for the ports that have rows: (port position, batch).
    ///
    /// # Errors
    /// If the columns are not those of its input schema.
    fn apply(&self, input: Batch) -> Result<Vec<(usize, Batch)>, OperatorError>;
}
