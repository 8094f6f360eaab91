//! A version on trial beside the one in service: it answers for a share of the keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use models::LoadedModel;
use models::gate::{Arm, arm};

/// A version on trial.
#[derive(Debug)]
pub struct Trial {
    model: Arc<LoadedModel>,
    share: f64,
    salt: String,
    /// Rows in sequence that it failed on, of all partitions.
    failures: AtomicU32,
}

impl Trial {
    /// A loaded version for a share of the keys, in 0..=1.
    #[must_use]
    pub fn new(model: Arc<LoadedModel>, share: f64, salt: &str) -> Self {
        Self {
            model,
            share,
            salt: salt.to_owned(),
            failures: AtomicU32::new(0),
        }
    }

    /// Whether a key is answered by it: the same everywhere, always, and for every greater share.
    #[must_use]
    pub fn takes(&self, key: &[u8]) -> bool {
        arm(key, &self.salt, self.share) == Arm::Challenger
    }

    /// The version.
    #[must_use]
    pub fn model(&self) -> &Arc<LoadedModel> {
        &self.model
    }

    /// Share of the keys.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.share
    }

    /// What decides arms with the keys.
    #[must_use]
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// It has answered rows, or failed on them.
    pub(in crate::nodes) fn answered(&self, rows: u32, failed: bool) {
        if failed {
            self.failures.fetch_add(rows, Ordering::Relaxed);
        } else {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Rows in sequence that it failed on.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }
}
