//! Questions about partitions: their first and last offsets, and offsets at a time.
//!
//! Two clients that are members of nothing: one that sees committed records only, whose ends are last
//! stable offsets, and one that sees everything, whose ends are high watermarks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::{Offset, TopicPartitionList};

use super::reporter::Reporter;
use super::{Place, REQUEST_WITHIN, Shared};
use crate::log::{LogError, TopicPartition};

/// How soon a question is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// A client that is not answered says why only when it is listened to: after this time, then after
/// twice as long each time.
const LISTEN_AFTER: Duration = Duration::from_millis(500);
/// How soon after an error the brokers are asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// The clients, made when first needed.
pub(super) struct Offsets {
    shared: Arc<Shared>,
    committed: Mutex<Option<Arc<Asker>>>,
    everything: Mutex<Option<Arc<Asker>>>,
}

type Asker = BaseConsumer<Reporter>;

/// What a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sees {
    /// What is committed: its end is the last stable offset.
    Committed,
    /// Open transactions too: its end is the high watermark.
    Everything,
}

/// Which offset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// The first there is.
    Start,
    /// Past the last.
    End,
    /// Of the first record at or after a time in milliseconds; the end if there is none.
    At(i64),
}

impl Offsets {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            committed: Mutex::new(None),
            everything: Mutex::new(None),
        }
    }

    /// One offset per partition, in their order: one request for each broker that leads some.
    pub(super) fn of(
        &self,
        sees: Sees,
        at: &[TopicPartition],
        which: Where,
    ) -> Result<Vec<i64>, LogError> {
        if at.is_empty() {
            return Ok(Vec::new());
        }
        let name = at[0].topic.as_str();
        let place = Place::new("asking for offsets of topic").of_topic(name);
        let began = now();
        let found = loop {
            match self.ask(sees, at, which, &place) {
                // A partition that changes its leader has one again soon.
                Err(LogError::Unavailable(_)) if began.elapsed() < REQUEST_WITHIN => {
                    std::thread::park_timeout(AGAIN);
                }
                // A broker that has just come up leads partitions before it knows of them.
                Err(LogError::NoTopic(_)) if self.are_there(at)? => {
                    if began.elapsed() >= REQUEST_WITHIN {
                        let text =
                            format!("{place}: the partitions' leader does not know them yet");
                        return Err(self.shared.explained(LogError::Unavailable(text)));
                    }
                    std::thread::park_timeout(AGAIN);
                }
                answer => break answer?,
            }
        };
        if found.iter().all(Option::is_some) {
            return Ok(found.into_iter().flatten().collect());
        }
        if which == Where::End {
            let text = format!("{place}: a partition's end is not told");
            return Err(self.shared.explained(LogError::Unavailable(text)));
        }
        let ends = self.of(sees, at, Where::End)?;
        let pairs = found.into_iter().zip(ends);
        Ok(pairs.map(|(found, end)| found.unwrap_or(end)).collect())
    }

    /// One round of questions; `None` where there is no record that young.
    fn ask(
        &self,
        sees: Sees,
        at: &[TopicPartition],
        which: Where,
        place: &Place<'_>,
    ) -> Result<Vec<Option<i64>>, LogError> {
        let failed = |error: KafkaError| self.shared.failed(&error, place);
        let asker = self.asker(sees)?;
        let list = self.list(at, which, place)?;
        let answer = asker.offsets_for_times(list, REQUEST_WITHIN);
        serve(&asker);
        let answer = answer.map_err(failed)?;
        let found = answer.elements().into_iter().map(|element| {
            element.error().map_err(failed)?;
            Ok(match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            })
        });
        found.collect()
    }

    /// What the brokers say of one topic, or of all.
    pub(super) fn metadata(&self, topic: Option<&str>) -> Result<Metadata, LogError> {
        let asker = self.asker(Sees::Committed)?;
        let place = match topic {
            Some(name) => Place::new("asking for topic").of_topic(name),
            None => Place::new("asking for the topics"),
        };
        let (began, mut wait) = (now(), LISTEN_AFTER);
        loop {
            let left = REQUEST_WITHIN.saturating_sub(began.elapsed());
            let answer = asker.fetch_metadata(topic, wait.min(left));
            serve(&asker);
            match answer {
                Ok(metadata) => {
                    self.shared.reached();
                    return Ok(metadata);
                }
                Err(error) => {
                    self.shared.denied(&place)?;
                    if began.elapsed() >= REQUEST_WITHIN {
                        return Err(self.shared.failed(&error, &place));
                    }
                }
            }
            // An error may come at once: it is not asked for again at once.
            std::thread::park_timeout(AGAIN_AFTER.min(left));
            wait = (wait * 2).min(REQUEST_WITHIN);
        }
    }

    /// Whether the cluster has all of these partitions, whatever one broker says.
    fn are_there(&self, at: &[TopicPartition]) -> Result<bool, LogError> {
        let metadata = self.metadata(None)?;
        let is_there = |at: &TopicPartition| {
            let found = metadata.topics().iter();
            let mut found = found.filter(|topic| topic.name() == at.topic.as_str());
            found.any(|topic| {
                topic.error().is_none() && topic.partitions().len() > at.partition as usize
            })
        };
        Ok(at.iter().all(is_there))
    }

    fn list(
        &self,
        at: &[TopicPartition],
        which: Where,
        place: &Place<'_>,
    ) -> Result<TopicPartitionList, LogError> {
        // ListOffsets takes -2 and -1 in the place of a time; so does librdkafka.
        let offset = match which {
            Where::Start => Offset::Beginning,
            Where::End => Offset::End,
            Where::At(timestamp) => Offset::Offset(timestamp.max(0)),
        };
        let mut list = TopicPartitionList::with_capacity(at.len());
        for at in at {
            let partition = super::partition_id(at)?;
            list.add_partition_offset(at.topic.as_str(), partition, offset)
                .map_err(|error| self.shared.failed(&error, place))?;
        }
        Ok(list)
    }

    fn asker(&self, sees: Sees) -> Result<Arc<Asker>, LogError> {
        let mut slot = match sees {
            Sees::Committed => self.committed.lock(),
            Sees::Everything => self.everything.lock(),
        };
        if let Some(asker) = &*slot {
            return Ok(Arc::clone(asker));
        }
        let config = self.shared.clients.asker(sees == Sees::Committed);
        let made: Asker = config
            .create_with_context(self.shared.reporter.clone())
            .map_err(|error| self.shared.failed(&error, &Place::new("making a client")))?;
        let made = Arc::new(made);
        self.shared.sign_in(&made)?;
        *slot = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Takes what the clients have to say by themselves: it would pile up.
    pub(super) fn serve(&self) {
        for slot in [&self.committed, &self.everything] {
            if let Some(asker) = &*slot.lock() {
                serve(asker);
            }
        }
    }
}

/// A client without assignment has no records, but errors of connections: the reporter keeps them.
pub(super) fn serve(client: &BaseConsumer<Reporter>) {
    while client.poll(Duration::ZERO).is_some() {}
}

fn now() -> Instant {
    Instant::now()
}
