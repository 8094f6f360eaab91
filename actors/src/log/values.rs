//! What a log is asked for and gives: records, topics, positions.

use std::fmt;

use bytes::Bytes;
use config::TopicName;

use super::Headers;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// Topic.
    pub topic: TopicName,
    /// Partition, from 0.
    pub partition: u32,
}

/// A record as the log has it: bytes. Cloning is cheap (the bytes are shared).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Position in its partition. Ignored when appending.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Key, if any.
    pub key: Option<Bytes>,
    /// Value; `None` is a delete in compacted topics.
    pub value: Option<Bytes>,
    /// Headers.
    pub headers: Headers,
}

/// Records of one partition in order.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// The records.
    pub records: Vec<LogRecord>,
    /// Where to read on: past the last record and what is not visible behind it.
    pub next_offset: i64,
}

/// What a topic is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: TopicName,
    /// Partitions, at least 1.
    pub partitions: u32,
    /// Keeps the last record of each key instead of a span of time.
    pub compacted: bool,
    /// Records may go when they are older than this, in milliseconds; `None`: never.
    pub retention_ms: Option<i64>,
    /// Oldest records of a partition may go when it is larger than this; `None`: never.
    pub retention_bytes: Option<u64>,
}

/// What a topic is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Its settings.
    pub spec: TopicSpec,
    /// Per partition: what can be read.
    pub ranges: Vec<OffsetRange>,
}

/// Offsets of one partition that can be read: `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffsetRange {
    /// First record there is.
    pub start: i64,
    /// Past the last committed record (Kafka: last stable offset).
    pub end: i64,
}

/// A group's position in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Next record to read.
    pub offset: i64,
    /// What was committed with it; small text.
    pub metadata: String,
}

/// A position to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetCommit {
    /// Where.
    pub at: TopicPartition,
    /// Next record to read.
    pub offset: i64,
    /// What goes with it; at most 4,000 bytes.
    pub metadata: String,
}

impl TopicPartition {
    /// A partition of a topic.
    #[must_use]
    pub fn new(topic: TopicName, partition: u32) -> Self {
        Self { topic, partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

impl LogRecord {
    /// A record to append: no offset yet.
    #[must_use]
    pub fn new(key: Option<Bytes>, value: Option<Bytes>, timestamp: i64) -> Self {
        Self {
            offset: -1,
            timestamp,
            key,
            value,
            headers: Headers::default(),
        }
    }
}
