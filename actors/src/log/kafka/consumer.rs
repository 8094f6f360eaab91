//! A member of a group.

use super::Shared;
use crate::log::{Consumer, ConsumerSettings, LogError};

/// Opens a member of a group.
pub(super) fn open(_: &Shared, _: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
    Err(LogError::State("consumers of Kafka are being built"))
}
