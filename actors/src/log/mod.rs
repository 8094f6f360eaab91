//! Where records live: topics cut into partitions, with offsets, and transactions over them.
//!
//! The seam between Thalweg and its log. Implementations: [`embedded`] (sled, one machine) and
//! [`memory`] (tests; with injected faults), both on the engine `local`, and [`kafka`]. All calls block;
//! callers give them threads.
//!
//! Promises of every implementation: a transaction's records and offsets become visible together or
//! not at all; readers see committed records only; offsets of a partition grow but may have gaps;
//! opening a producer with a transactional id fences the older producers with that id, and whatever
//! they had in flight is either committed before or aborted.

mod error;
mod headers;
mod partitioner;
mod values;

mod local;
pub mod memory;
pub mod embedded;
pub mod kafka;
#[cfg(test)]
mod conformance;

use std::fmt;
use std::time::Duration;

use config::TopicName;

pub(crate) use error::describe;
pub use error::{LogError, Remedy};
pub use headers::{Headers, HeadersBuilder};
pub use local::Maintained;
pub use partitioner::partition_for_key;
pub use values::{
    Committed, Fetched, LogRecord, OffsetCommit, OffsetRange, TopicInfo, TopicPartition, TopicSpec,
};

/// What a consumer's poll brought.
#[derive(Debug)]
pub enum Polled {
    /// Nothing within the time given.
    Nothing,
    /// Records of one partition, never empty.
    Records(TopicPartition, Fetched),
    /// Partitions are this consumer's now; it reads from their committed offsets or the start policy.
    Assigned(Vec<TopicPartition>),
    /// Partitions are no longer this consumer's after the next poll; `lost`: they already are not.
    Revoked {
        /// Which.
        partitions: Vec<TopicPartition>,
        /// Nothing may be committed for them any more.
        lost: bool,
    },
}

/// Proof of group membership at a moment, for committing offsets in a transaction. Opaque.
pub struct GroupToken(pub(crate) Membership);

/// What the log that gave a token keeps in it.
pub(crate) enum Membership {
    /// Of a log in this process.
    Local {
        /// Group.
        group: String,
        /// Which of the group's members over time.
        generation: u64,
    },
    /// Of brokers.
    Kafka(kafka::GroupMetadata),
}

impl GroupToken {
    /// A token of a log in this process: a group and which of its generations is meant.
    #[must_use]
    pub fn local(group: &str, generation: u64) -> Self {
        Self(Membership::Local {
            group: group.to_owned(),
            generation,
        })
    }

    /// Group and generation of a token that [`Self::local`] made.
    #[must_use]
    pub fn as_local(&self) -> Option<(&str, u64)> {
        match &self.0 {
            Membership::Local { group, generation } => Some((group, *generation)),
            Membership::Kafka(_) => None,
        }
    }
}

impl fmt::Debug for GroupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupToken")
    }
}

/// A log.
pub trait Log: Send + Sync + 'static {
    /// All topics.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError>;

    /// Names of all topics, which cost less than all there is to know of them.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn names(&self) -> Result<Vec<TopicName>, LogError> {
        let topics = self.topics()?.into_iter();
        Ok(topics.map(|topic| topic.spec.name).collect())
    }

    /// How many partitions a topic has, which costs less than all there is to know of it; `None` if it
    /// does not exist.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn partitions(&self, name: &TopicName) -> Result<Option<u32>, LogError> {
        Ok(self.topic(name)?.map(|topic| topic.spec.partitions))
    }

    /// One topic, if it exists.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError>;

    /// Creates a topic if it is missing; an existing one is left as it is. True if it was created.
    ///
    /// # Errors
    /// If the existing one has another number of partitions, or the log cannot be reached.
    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError>;

    /// Committed records of a partition from an offset on; at most `max_records` and about
    /// `max_bytes`, at least one if there is any. Does not wait. An offset before the start reads
    /// from the start.
    ///
    /// # Errors
    /// No such topic or partition; the log cannot be reached; damaged data.
    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError>;

    /// First offset whose record has a timestamp at or after this; the end if there is none.
    ///
    /// # Errors
    /// As [`Log::read`].
    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError>;

    /// What can be read of these partitions, in their order, once every transaction is decided that
    /// has written to them by now: the ends are past everything written before the call. Waits for
    /// those transactions, for at most their timeout.
    ///
    /// [`Log::topic`] is not enough for a restore: a dead member's open transaction would hide what
    /// others have committed behind it.
    ///
    /// # Errors
    /// As [`Log::read`]; [`LogError::Unavailable`] if a transaction stays open for longer.
    fn settled(&self, at: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        let range = |at: &TopicPartition| {
            let topic = self.topic(&at.topic)?;
            let topic = topic.ok_or_else(|| LogError::NoTopic(at.topic.to_string()))?;
            let range = topic.ranges.get(at.partition as usize).copied();
            range.ok_or_else(|| LogError::NoPartition(at.clone()))
        };
        at.iter().map(range).collect()
    }

    /// A group's committed positions in these partitions, in their order.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError>;

    /// Forgets records before an offset (repartition topics after commit). Idempotent.
    ///
    /// # Errors
    /// As [`Log::read`].
    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError>;

    /// Offsets that a commit takes in each partition it wrote to, beside its records (Kafka: one, for
    /// the control record).
    fn offsets_of_commit(&self) -> i64 {
        0
    }

    /// One bounded step of keeping within its bounds: retention, compaction. The daemon calls it
    /// every few seconds.
    ///
    /// # Errors
    /// If storage fails.
    fn maintain(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// A consumer in a group. Closed when dropped.
    ///
    /// # Errors
    /// If a topic is missing or the log cannot be reached.
    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError>;

    /// A producer; fences the older ones with this transactional id.
    ///
    /// # Errors
    /// If the log cannot be reached.
    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError>;

    /// Writes records that are visible at once, whatever becomes of any transaction.
    ///
    /// # Errors
    /// If the log cannot be reached, or has no such way.
    fn appender(&self) -> Result<Box<dyn Appender>, LogError> {
        Err(LogError::Refused(
            "this log writes in transactions only".into(),
        ))
    }
}

/// How a consumer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// Group.
    pub group: String,
    /// Topics, with where to begin without committed offset.
    pub topics: Vec<(TopicName, config::Start)>,
    /// Most records of one poll.
    pub max_records: usize,
    /// About the most bytes of one poll.
    pub max_bytes: usize,
    /// Partitions with the same number belong together: one member gets all of them.
    pub together: bool,
}

/// A member of a group. Used from one thread.
pub trait Consumer: Send {
    /// Waits for something for at most so long. Partitions take turns.
    ///
    /// # Errors
    /// If the log cannot be reached or data are damaged.
    fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError>;

    /// Reads these topics from now on, instead of those before. What is new is told as assigned, what
    /// goes as revoked, by polls.
    ///
    /// # Errors
    /// A topic that does not exist, or a log that refuses.
    fn subscribe(&mut self, topics: &[(TopicName, config::Start)]) -> Result<(), LogError>;

    /// Stops delivering records of a partition until [`Consumer::resume`].
    fn pause(&mut self, at: &TopicPartition);

    /// Delivers records of a partition again.
    fn resume(&mut self, at: &TopicPartition);

    /// Reads on from an offset.
    ///
    /// # Errors
    /// If the partition is not assigned.
    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError>;

    /// Proof of membership as of now.
    ///
    /// # Errors
    /// If the consumer is no member.
    fn token(&self) -> Result<GroupToken, LogError>;

    /// Leaves the group for good, so that other members take over at once; only dropped afterwards.
    fn leave(&mut self) {}
}

/// A transactional producer. Used from one thread. Any error but a retriable one: abort or drop it.
pub trait Producer: Send {
    /// Opens a transaction.
    ///
    /// # Errors
    /// If one is open, the producer is fenced, or the log cannot be reached.
    fn begin(&mut self) -> Result<(), LogError>;

    /// Adds records to the open transaction.
    ///
    /// # Errors
    /// No open transaction; no such topic or partition; a record too large; fenced.
    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError>;

    /// The same for records without headers whose time nobody asks for, as those of a changelog: a
    /// log that has a cheaper way for them may give them the time of this call.
    ///
    /// # Errors
    /// As [`Producer::send`].
    fn send_state(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        self.send(to, records)
    }

    /// Adds a group's positions to the open transaction. `token` may be `None` for a group without members (feeds).
    ///
    /// # Errors
    /// No open transaction; the membership is over; fenced.
    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError>;

    /// Makes all of it visible, durably.
    ///
    /// # Errors
    /// With [`Remedy::Abort`] nothing is visible; with [`Remedy::Reopen`] the outcome is unknown: open a new producer, compare the committed offsets.
    fn commit(&mut self) -> Result<(), LogError>;

    /// Drops the open transaction; harmless without one.
    ///
    /// # Errors
    /// If the producer is fenced or the log cannot be reached: open a new one.
    fn abort(&mut self) -> Result<(), LogError>;
}

/// Writes outside transactions. Used by one caller at a time. Records of a partition keep their order,
/// and are there once unless the process ends meanwhile. Any error: drop it.
pub trait Appender: Send {
    /// Sends records on their way; waits only while too many are.
    ///
    /// # Errors
    /// No such topic or partition; a record too large; what [`Appender::flush`] tells.
    fn append(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError>;

    /// Waits until all records are in the log, durably.
    ///
    /// # Errors
    /// If one of them is not: then it is unknown which are.
    fn flush(&mut self) -> Result<(), LogError>;
}
