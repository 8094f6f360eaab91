//! A model in service: many ask, one replaces.

use std::fmt;
use std::sync::Arc;

use config::Signature;
use parking_lot::RwLock;

use crate::{LoadedModel, Matrix, ModelError, Tensor};

/// A model in service. Clones share it: what one swaps in, all ask.
#[derive(Clone)]
pub struct ModelHandle {
    shared: Arc<Shared>,
}

struct Shared {
    /// Held only to copy or exchange the `Arc`, never while a model computes.
    current: RwLock<Arc<LoadedModel>>,
    signature: Signature,
}

/// The outputs for some rows, and the one version that computed all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Version of the model.
    pub version: u64,
    /// One tensor for each output of the signature, in its order.
    pub outputs: Vec<Tensor>,
}

impl ModelHandle {
    /// Puts a model into service.
    #[must_use]
    pub fn new(model: LoadedModel) -> Self {
        let signature = model.signature().clone();
        let current = RwLock::new(Arc::new(model));
        Self {
            shared: Arc::new(Shared { current, signature }),
        }
    }

    /// The version in service now. Whoever holds it keeps it alive and may go on asking it after a swap.
    #[must_use]
    pub fn current(&self) -> Arc<LoadedModel> {
        Arc::clone(&self.shared.current.read())
    }

    /// Number of the version in service now.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.current().version()
    }

    /// What the model takes and gives; no swap changes it.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.shared.signature
    }

    /// The outputs for the rows, as [`LoadedModel::infer`].
    ///
    /// # Errors
    /// As [`LoadedModel::infer`].
    pub fn infer(&self, rows: &Matrix) -> Result<Vec<Tensor>, ModelError> {
        self.current().infer(rows)
    }

    /// The outputs for the rows together with the version they come from. An answer begun before a swap is finished
    /// by the version it began with.
    ///
    /// # Errors
    /// As [`LoadedModel::infer`].
    pub fn answer(&self, rows: &Matrix) -> Result<Answer, ModelError> {
        let model = self.current();
        Ok(Answer {
            version: model.version(),
            outputs: model.infer(rows)?,
        })
    }

    /// Puts another version in the place of the one in service, and returns that one.
    ///
    /// # Errors
    /// If the new version takes or gives something else; the old one stays in service.
    pub fn swap(&self, model: LoadedModel) -> Result<Arc<LoadedModel>, ModelError> {
        if !model.signature().stands_in_for(&self.shared.signature) {
            return Err(ModelError::SignatureChanged {
                path: model.path().into(),
                old: self.version(),
                new: model.version(),
            });
        }
        let model = Arc::new(model.in_place_of(&self.shared.signature));
        Ok(std::mem::replace(&mut *self.shared.current.write(), model))
    }
}

impl fmt::Debug for ModelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ModelHandle").field(&self.current()).finish()
    }
}

#[cfg(test)]
mod tests;
