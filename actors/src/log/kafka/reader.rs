//! Reads one partition by position, as a member of nothing.
//!
//! A reader goes on prefetching behind the last read, so that reads that follow each other cost no
//! request. A few are kept for their partitions; the longest unused gives way, and idle ones are
//! dropped: what they prefetch is memory and traffic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::native::{Message, NativeConsumer};
use super::topics::Topics;
use super::{Place, REQUEST_WITHIN, Shared, error};
use crate::log::{Fetched, HeadersBuilder, LogError, LogRecord, OffsetRange, TopicPartition};

/// Readers that are kept.
const READERS_MAX: usize = 4;
/// A reader unused for so long is dropped.
const IDLE: Duration = Duration::from_secs(5);
/// How long one wait for messages takes, between looks at the deadline.
const WAIT: Duration = Duration::from_millis(100);
/// Messages of one batch, at most: what is over a read's bytes at its end is at most so many.
const BATCH: usize = 512;
/// The group whose member no reader is; librdkafka assigns no partition without the name of one.
const GROUP: &str = "thalweg-reader";

/// Readers of partitions.
pub(super) struct Readers {
    shared: Arc<Shared>,
    topics: Arc<Topics>,
    kept: Mutex<Vec<Reader>>,
}

struct Reader {
    native: NativeConsumer,
    at: TopicPartition,
    /// Where it reads on.
    next: i64,
    /// It has been told that the partition ends at `next`.
    at_end: bool,
    used: Instant,
}

impl Readers {
    pub(super) fn new(shared: Arc<Shared>, topics: Arc<Topics>) -> Self {
        Self {
            shared,
            topics,
            kept: Mutex::default(),
        }
    }

    /// Committed records from an offset on.
    pub(super) fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        let mut reader = match self.take(at, from) {
            Some(reader) => reader,
            None => {
                self.topics.exists(at)?;
                if from >= self.range(at)?.end {
                    return Ok(Fetched {
                        records: Vec::new(),
                        next_offset: from,
                    });
                }
                self.open(at, from)?
            }
        };
        let place = Place::new("reading topic").of_topic(at.topic.as_str());
        let fetched = reader.fetch(max_records.max(1), max_bytes);
        let fetched = fetched.map_err(|failed| self.explained(failed, &place))?;
        if reader.at_end {
            // It is assigned anew before it is used again; until then it asks for nothing.
            let unassigned = reader.native.unassign(&TopicPartitionList::new());
            unassigned.map_err(|told| self.shared.explained(error::transaction(&told, &place)))?;
        }
        self.keep(reader);
        Ok(fetched)
    }

    fn range(&self, at: &TopicPartition) -> Result<OffsetRange, LogError> {
        let ranges = self.topics.ranges_of(std::slice::from_ref(at))?;
        Ok(ranges.first().copied().unwrap_or_default())
    }

    /// A kept reader that is where this read begins. One that was told its partition's end is asked
    /// for its place anew: it is not told again, and librdkafka (2.12) takes the end for a record there.
    fn take(&self, at: &TopicPartition, from: i64) -> Option<Reader> {
        let mut kept = self.kept.lock();
        let there = kept
            .iter()
            .position(|reader| !reader.at_end && reader.next == from && reader.at == *at)?;
        Some(kept.swap_remove(there))
    }

    fn keep(&self, mut reader: Reader) {
        reader.used = now();
        let mut kept = self.kept.lock();
        kept.push(reader);
        if kept.len() > READERS_MAX {
            let unused = kept.iter().enumerate().min_by_key(|(_, r)| r.used);
            if let Some(index) = unused.map(|(index, _)| index) {
                let dropped = kept.swap_remove(index);
                // Dropping a client waits for its threads.
                drop(kept);
                drop(dropped);
            }
        }
    }

    /// A reader of a partition from an offset on: one that was kept for it, or a new one.
    fn open(&self, at: &TopicPartition, from: i64) -> Result<Reader, LogError> {
        let doing = format!("reading partition \"{at}\"");
        let place = Place::new(&doing);
        let failed = |error: KafkaError| self.shared.failed(&error, &place);
        let used = {
            let mut kept = self.kept.lock();
            let same = kept.iter().position(|reader| reader.at == *at);
            same.map(|index| kept.swap_remove(index).native)
        };
        let native = match used {
            Some(native) => native,
            None => {
                let config = self.shared.clients.reader(GROUP);
                let native = NativeConsumer::open(&config, self.shared.reporter.clone());
                let native = native.map_err(failed)?;
                self.shared.sign_in(native.client())?;
                native
            }
        };
        let mut list = TopicPartitionList::with_capacity(1);
        let id = super::partition_id(at)?;
        list.add_partition_offset(at.topic.as_str(), id, Offset::Offset(from))
            .map_err(failed)?;
        let assigned = native.assign(&list);
        assigned.map_err(|told| self.shared.explained(error::transaction(&told, &place)))?;
        Ok(Reader {
            native,
            at: at.clone(),
            next: from,
            at_end: false,
            used: now(),
        })
    }

    fn explained(&self, failed: Failed, place: &Place<'_>) -> LogError {
        match failed {
            Failed::Code(code) => self.shared.explained(error::coded(code, place)),
            Failed::Silence => {
                let within = REQUEST_WITHIN.as_secs();
                let text = format!("{place}: no answer within {within} s");
                self.shared.explained(LogError::Unavailable(text))
            }
        }
    }

    /// Drops readers that no one has used for a while.
    pub(super) fn drop_idle(&self) {
        let now = now();
        let mut kept = self.kept.lock();
        let (stay, go): (Vec<_>, Vec<_>) = kept
            .drain(..)
            .partition(|reader| now.saturating_duration_since(reader.used) < IDLE);
        *kept = stay;
        drop(kept);
        drop(go);
    }
}

/// Why a reader brought nothing.
enum Failed {
    Code(RDKafkaErrorCode),
    Silence,
}

impl Reader {
    /// Waits until there are records or the partition's end is told; then takes what is there.
    fn fetch(&mut self, max_records: usize, max_bytes: usize) -> Result<Fetched, Failed> {
        let deadline = now() + REQUEST_WITHIN;
        let mut fetched = Fetched {
            records: Vec::new(),
            next_offset: self.next,
        };
        let mut headers = HeadersBuilder::default();
        let (mut bytes, mut objection) = (0, None);
        self.at_end = false;
        while !self.at_end && fetched.records.len() < max_records && bytes <= max_bytes {
            // A batch call waits until it is full: so the first message is waited for alone.
            let (wait, most) = match fetched.records.len() {
                0 => (WAIT, 1),
                some => (Duration::ZERO, (max_records - some).min(BATCH)),
            };
            let mut nothing = true;
            let at_end = &mut self.at_end;
            self.native.poll(wait, most, |message| {
                nothing = false;
                match message.error() {
                    None => {
                        let record = record(message, &mut headers);
                        bytes += record.key.as_ref().map_or(0, Bytes::len);
                        bytes += record.value.as_ref().map_or(0, Bytes::len);
                        fetched.next_offset = record.offset + 1;
                        fetched.records.push(record);
                        *at_end = false;
                    }
                    Some(RDKafkaErrorCode::PartitionEOF) => {
                        fetched.next_offset = fetched.next_offset.max(message.offset());
                        *at_end = true;
                    }
                    // Of a connection or the group's coordinator: they pass, or nothing comes.
                    Some(code) => objection = Some(code),
                }
            });
            if (nothing && !fetched.records.is_empty()) || now() > deadline {
                break;
            }
        }
        self.next = fetched.next_offset;
        match (fetched.records.is_empty() && !self.at_end, objection) {
            (false, _) => Ok(fetched),
            (true, Some(code)) => Err(Failed::Code(code)),
            (true, None) => Err(Failed::Silence),
        }
    }
}

/// Copies a message; key and value share one allocation. A message without timestamp (of brokers
/// before 0.10) is of 1970.
fn record(message: &Message<'_>, headers: &mut HeadersBuilder) -> LogRecord {
    let (key, value) = match (message.key(), message.value()) {
        (Some(key), Some(value)) => {
            let mut both = Vec::with_capacity(key.len() + value.len());
            both.extend_from_slice(key);
            both.extend_from_slice(value);
            let mut both = Bytes::from(both);
            let key = both.split_to(key.len());
            (Some(key), Some(both))
        }
        (key, value) => (
            key.map(Bytes::copy_from_slice),
            value.map(Bytes::copy_from_slice),
        ),
    };
    message.headers(|name, value| headers.push(name, value));
    LogRecord {
        offset: message.offset(),
        timestamp: message.timestamp().max(0),
        key,
        value,
        headers: headers.finish(),
    }
}

fn now() -> Instant {
    Instant::now()
}
