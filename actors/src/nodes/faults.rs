//! Test hook: makes actors panic or fail where a test says so. Without a hook it costs a branch.

use std::fmt;
use std::sync::Arc;

/// Called with the kind of the actor that handles a message; may panic.
pub type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// The hook, if any.
#[derive(Clone, Default)]
pub struct Faults(Option<Hook>);

impl Faults {
    /// Calls this on every message of every actor.
    #[must_use]
    pub fn new(hook: Hook) -> Self {
        Self(Some(hook))
    }

    /// An actor of this kind handles a message.
    ///
    /// # Panics
    /// If the hook does.
    pub fn hit(&self, kind: &str) {
        if let Some(hook) = &self.0 {
            hook(kind);
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Faults").field(&self.0.is_some()).finish()
    }
}
