//! Test hooks: make actors panic, fail or wait where a test says so. Without a hook each costs a branch.
//! No topology file reaches them: only who makes a shard's context in code sets one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::batch::{Batch, Row};
use crate::log::LogRecord;

/// Called with the kind of the actor that handles a message; may panic.
pub type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// Called with a stage (`codec`, `operator`, `session`, `session-end`, `timer`, `model`, `sink`, and
/// `task`, where nothing catches) and
/// the bytes at work there: a record's value, a timer's key, a model's features as little-endian
/// float32; may panic.
pub type ContentHook = Arc<dyn Fn(&str, &[u8]) + Send + Sync>;

/// Called with a place that is reached: how long it takes to go on. For the runtime's clock, so it is of
/// use where that is paused.
pub type DelayHook = Arc<dyn Fn(&str) -> Duration + Send + Sync>;

/// The hooks, if any.
#[derive(Clone, Default)]
pub struct Faults {
    hit: Option<Hook>,
    content: Option<ContentHook>,
    delay: Option<DelayHook>,
}

impl Faults {
    /// Calls this on every message of every actor.
    #[must_use]
    pub fn new(hook: Hook) -> Self {
        Self {
            hit: Some(hook),
            ..Self::default()
        }
    }

    /// Calls this on every record at every stage.
    #[must_use]
    pub fn by_content(hook: ContentHook) -> Self {
        Self {
            content: Some(hook),
            ..Self::default()
        }
    }

    /// Hooks that panic at a stage on what contains these bytes.
    ///
    /// # Panics
    /// Never; the hooks do.
    #[must_use]
    pub fn poison(stage: &'static str, poison: impl Into<Vec<u8>>) -> Self {
        let poison: Vec<u8> = poison.into();
        Self::by_content(Arc::new(move |at: &str, bytes: &[u8]| {
            if at == stage {
                let mut places = bytes.windows(poison.len());
                assert!(!places.any(|place| place == poison), "poison in {at}");
            }
        }))
    }

    /// The same hooks, and this one on every message of every actor.
    #[must_use]
    pub fn and(self, hook: Hook) -> Self {
        Self {
            hit: Some(hook),
            ..self
        }
    }

    /// The same hooks, and this one for how long things take.
    #[must_use]
    pub fn delayed(self, hook: DelayHook) -> Self {
        Self {
            delay: Some(hook),
            ..self
        }
    }

    /// A place is reached at which time may pass.
    pub async fn wait(&self, place: &str) {
        if let Some(hook) = &self.delay {
            let delay = hook(place);
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
        }
    }

    /// An actor of this kind is to handle a message: [`Self::wait`] and [`Self::hit`].
    ///
    /// # Panics
    /// If the hook does.
    pub async fn reach(&self, kind: &str) {
        self.wait(kind).await;
        self.hit(kind);
    }

    /// An actor of this kind handles a message.
    ///
    /// # Panics
    /// If the hook does.
    pub fn hit(&self, kind: &str) {
        if let Some(hook) = &self.hit {
            hook(kind);
        }
    }

    /// A stage works on these bytes.
    ///
    /// # Panics
    /// If the hook does.
    pub fn content(&self, stage: &str, bytes: &[u8]) {
        if let Some(hook) = &self.content {
            hook(stage, bytes);
        }
    }

    /// A stage works on a row of a batch with these records; where no single record made the row,
    /// the hook is not called.
    ///
    /// # Panics
    /// If the hook does.
    pub fn row(&self, stage: &str, raw: &[LogRecord], row: &Row) {
        if let Some(hook) = &self.content
            && let Some(record) = raw.get(row.index as usize)
        {
            hook(stage, record.value.as_deref().unwrap_or_default());
        }
    }

    /// A stage works on all rows of a batch.
    ///
    /// # Panics
    /// If the hook does.
    pub fn rows(&self, stage: &str, batch: &Batch) {
        if self.content.is_some() {
            for row in &batch.rows {
                self.row(stage, &batch.raw, row);
            }
        }
    }

    /// A model works on feature rows of `columns` numbers each.
    ///
    /// # Panics
    /// If the hook does.
    pub fn features(&self, values: &[f32], columns: usize) {
        if let Some(hook) = &self.content {
            for row in values.chunks_exact(columns.max(1)) {
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                hook("model", &bytes);
            }
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [
            self.hit.is_some(),
            self.content.is_some(),
            self.delay.is_some(),
        ];
        f.debug_tuple("Faults").field(&set).finish()
    }
}
