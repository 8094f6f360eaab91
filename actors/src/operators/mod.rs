//! Pure, synchronous kernels: columns in, columns out. No runtime, no log, no clock.
//!
//! [`stateless`] operators take whole batches; [`keyed`] ones take rows of one key in order, with the
//! key's state. A number that is not finite (NaN, infinity) is no value here: expressions give NULL
//! instead of one, and aggregates ignore one that a source let in, as they do NULL.

pub mod expression;
pub mod stateless;
pub mod keyed;
mod aggregate;
mod rolling;
mod window;
mod detect;
mod label;
mod steward;
pub mod sketch;
mod watch;
pub mod alert;
#[cfg(test)]
mod fixture;

use std::fmt;

use config::NodeId;

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

impl OperatorError {
    /// Of the operator of this id.
    pub(in crate::operators) fn of(operator: &NodeId, why: impl ToString) -> Self {
        Self {
            operator: operator.to_string(),
            message: why.to_string(),
        }
    }
}

/// An operator without state: whole batches at a time.
pub trait StatelessOperator: Send + Sync + fmt::Debug {
    /// Batches for the ports that have rows: (port position, batch).
    ///
    /// # Errors
    /// If the columns are not those of its input schema.
    fn apply(&self, input: &Batch) -> Result<Vec<(usize, Batch)>, OperatorError>;

    /// How many values so far are NULL because there is none: division by zero, overflow, out of domain.
    fn nulled(&self) -> u64;
}
