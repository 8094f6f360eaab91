//! One input partition of a task: where it stands, and what of it is committed.

use super::super::input::repartition::RepartitionInput;
use super::super::input::source::SourceInput;
use crate::log::{OffsetCommit, TopicPartition};

/// One input partition.
pub(super) struct Input {
    pub(super) at: TopicPartition,
    pub(super) slot: usize,
    /// Next offset expected; records before it were processed in this life.
    pub(super) position: i64,
    /// When records came last, by the clock.
    pub(super) last_ms: i64,
    pub(super) idle_ms: Option<i64>,
    pub(super) ended: bool,
    pub(super) kind: InputKind,
}

pub(super) enum InputKind {
    Source(Box<SourceInput>),
    Repartition(Box<RepartitionInput>),
}

impl Input {
    /// The offset to commit, with the progress behind it.
    pub(super) fn commit(&self) -> OffsetCommit {
        let (offset, metadata) = match &self.kind {
            InputKind::Source(source) => (self.position, source.progress().encode()),
            InputKind::Repartition(held) => {
                let (offset, progress) = held.progress();
                (offset, progress.encode())
            }
        };
        OffsetCommit {
            at: self.at.clone(),
            offset,
            metadata,
        }
    }

    /// Rows that wait for the watermark.
    pub(super) fn held_rows(&self) -> usize {
        match &self.kind {
            InputKind::Source(_) => 0,
            InputKind::Repartition(held) => held.held_rows(),
        }
    }
}
