//! Records that are here and wait for their turn, by partition.

use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;

use bytes::{Bytes, BytesMut};
use config::TopicName;
use rdkafka::error::RDKafkaErrorCode;

use crate::log::kafka::native::Message;
use crate::log::{Fetched, HeadersBuilder, LogRecord, TopicPartition};

/// A partition whose stash holds so many polls' worth of records is fetched no further.
const FULL: usize = 3;

/// The stashes of all partitions of a member.
pub(super) struct Stashes {
    by_partition: HashMap<TopicPartition, Stash>,
    /// Whose turn it is.
    turns: VecDeque<TopicPartition>,
    full: usize,
}

#[derive(Default)]
struct Stash {
    waiting: VecDeque<Fetched>,
    records: usize,
    /// By this consumer's user.
    paused: bool,
    /// At the client.
    held: bool,
    /// Next offset that the last record here leads to.
    next: Option<i64>,
}

impl Stashes {
    pub(super) fn new(max_records: usize) -> Self {
        Self {
            by_partition: HashMap::new(),
            turns: VecDeque::new(),
            full: max_records * FULL,
        }
    }

    pub(super) fn add(&mut self, at: TopicPartition) {
        if self
            .by_partition
            .insert(at.clone(), Stash::default())
            .is_none()
        {
            self.turns.push_back(at);
        }
    }

    pub(super) fn remove(&mut self, at: &TopicPartition) {
        self.by_partition.remove(at);
        self.turns.retain(|other| other != at);
    }

    pub(super) fn set_paused(&mut self, at: &TopicPartition, paused: bool) {
        if let Some(stash) = self.by_partition.get_mut(at) {
            stash.paused = paused;
        }
    }

    /// Forgets what waits, and goes on at an offset. False if the partition is not this member's.
    pub(super) fn restart(&mut self, at: &TopicPartition, offset: i64) -> bool {
        let Some(stash) = self.by_partition.get_mut(at) else {
            return false;
        };
        stash.waiting.clear();
        stash.records = 0;
        stash.next = Some(offset);
        true
    }

    /// The next records of the partition whose turn it is, among those that are not paused.
    pub(super) fn take(&mut self) -> Option<(TopicPartition, Fetched)> {
        let ready = |at: &TopicPartition| {
            let stash = self.by_partition.get(at);
            stash.is_some_and(|stash| !stash.paused && !stash.waiting.is_empty())
        };
        let turn = self.turns.iter().position(ready)?;
        let at = self.turns.remove(turn)?;
        self.turns.push_back(at.clone());
        let stash = self.by_partition.get_mut(&at)?;
        let fetched = stash.waiting.pop_front()?;
        stash.records -= fetched.records.len();
        Some((at, fetched))
    }

    /// Partitions to stop fetching (`hold`), or to fetch again, now; they count as switched.
    pub(super) fn switch(&mut self, hold: bool) -> Vec<TopicPartition> {
        let mut switched = Vec::new();
        for (at, stash) in &mut self.by_partition {
            let wants = match hold {
                true => !stash.held && stash.records >= self.full,
                false => stash.held && stash.records == 0 && !stash.paused,
            };
            if wants {
                stash.held = hold;
                switched.push(at.clone());
            }
        }
        switched
    }

    fn put(&mut self, at: &TopicPartition, fetched: Fetched) {
        if let Some(stash) = self.by_partition.get_mut(at) {
            stash.records += fetched.records.len();
            stash.next = Some(fetched.next_offset);
            stash.waiting.push_back(fetched);
        }
    }

    /// Partitions all of whose records have been handed out.
    pub(super) fn empty(&self) -> impl Iterator<Item = &TopicPartition> {
        let empty = self.by_partition.iter();
        let empty = empty.filter(|(_, stash)| stash.waiting.is_empty() && !stash.paused);
        empty.map(|(at, _)| at)
    }

    /// A partition has been read up to here: behind its last record may be what nobody sees.
    pub(super) fn reached(&mut self, at: &TopicPartition, offset: i64) {
        let known = self.by_partition.get(at).and_then(|stash| stash.next);
        if known.is_some_and(|known| known < offset) {
            let fetched = Fetched {
                records: Vec::new(),
                next_offset: offset,
            };
            self.put(at, fetched);
        }
    }
}

/// Sorts a batch of messages into the stashes. Their bytes are copied into one buffer, which all
/// records of the batch share.
pub(super) struct Sorter<'s> {
    stashes: &'s mut Stashes,
    buffer: &'s mut BytesMut,
    headers: HeadersBuilder,
    max_bytes: usize,
    run: Option<Run>,
    /// A right that is missing, and the topic that it is missing for, if it is one.
    denied: Option<(RDKafkaErrorCode, String)>,
}

/// Messages of one partition that follow each other.
struct Run {
    topic: *const c_void,
    partition: i32,
    at: Option<TopicPartition>,
    bytes: usize,
    fetched: Fetched,
}

impl<'s> Sorter<'s> {
    pub(super) fn new(
        stashes: &'s mut Stashes,
        buffer: &'s mut BytesMut,
        max_bytes: usize,
    ) -> Self {
        Self {
            stashes,
            buffer,
            headers: HeadersBuilder::default(),
            max_bytes,
            run: None,
            denied: None,
        }
    }

    pub(super) fn take(&mut self, message: &Message<'_>) {
        match message.error() {
            None => self.record(message),
            // Brokers that fall and come back tell so here; the client cures it by itself.
            Some(code) => {
                let (topic, partition) = (message.topic(), message.partition());
                tracing::info!(topic, partition, %code, "kafka consumer");
                if is_denial(code) {
                    self.denied = Some((code, topic.to_owned()));
                }
            }
        }
    }

    /// Puts what is left into its stash; gives a right that is missing, which waiting does not cure,
    /// with the topic if it is one's.
    pub(super) fn finish(mut self) -> Option<(RDKafkaErrorCode, String)> {
        self.close();
        self.denied
    }

    fn close(&mut self) {
        if let Some(run) = self.run.take()
            && let Some(at) = run.at
            && !run.fetched.records.is_empty()
        {
            self.stashes.put(&at, run.fetched);
        }
    }

    fn record(&mut self, message: &Message<'_>) {
        let (topic, partition) = (message.topic_id(), message.partition());
        let same = |run: &Run| {
            run.topic == topic && run.partition == partition && run.bytes < self.max_bytes
        };
        if !self.run.as_ref().is_some_and(same) {
            self.close();
            self.run = Some(Run {
                topic,
                partition,
                at: place(message),
                bytes: 0,
                fetched: Fetched::default(),
            });
        }
        let key = message.key().map(|bytes| copied(self.buffer, bytes));
        let value = message.value().map(|bytes| copied(self.buffer, bytes));
        message.headers(|name, value| self.headers.push(name, value));
        let Some(run) = &mut self.run else { return };
        run.bytes += value.as_ref().map_or(0, Bytes::len);
        run.fetched.next_offset = message.offset() + 1;
        run.fetched.records.push(LogRecord {
            offset: message.offset(),
            timestamp: message.timestamp().max(0),
            key,
            value,
            headers: self.headers.finish(),
        });
    }
}

fn is_denial(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
    )
}

/// Room that the buffer grows by: what is left of it stays behind with the records before.
const BUFFER_BYTES: usize = 256 * 1024;

fn copied(buffer: &mut BytesMut, bytes: &[u8]) -> Bytes {
    if buffer.capacity() - buffer.len() < bytes.len() {
        *buffer = BytesMut::with_capacity(BUFFER_BYTES.max(bytes.len()));
    }
    buffer.extend_from_slice(bytes);
    buffer.split().freeze()
}

fn place(message: &Message<'_>) -> Option<TopicPartition> {
    let topic = TopicName::parse(message.topic()).ok()?;
    let partition = u32::try_from(message.partition()).ok()?;
    Some(TopicPartition::new(topic, partition))
}
