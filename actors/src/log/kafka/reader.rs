//! Reads one partition by position.

use std::sync::Arc;

use super::Shared;
use crate::log::{Fetched, LogError, TopicPartition};

/// Readers of partitions.
pub(super) struct Readers {
    #[expect(dead_code, reason = "readers are made with it")]
    shared: Arc<Shared>,
}

impl Readers {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn read(
        &self,
        _: &TopicPartition,
        _: i64,
        _: usize,
        _: usize,
    ) -> Result<Fetched, LogError> {
        Err(LogError::State("reading from Kafka is being built"))
    }

    pub(super) fn drop_idle(&self) {}
}
