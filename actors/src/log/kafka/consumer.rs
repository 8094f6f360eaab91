//! A member of a group on Kafka.
//!
//! Records come in batches of several partitions and are handed out one partition at a time, in
//! turns. A paused partition's records that are here already wait in its stash; only when that is
//! full the brokers are asked for no more, until it is empty: pausing at the client drops what it has
//! fetched, so it must be rare.

mod stash;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use config::{Start, TopicName};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::client::Assignment;
use super::error;
use super::native::{NativeConsumer, Rebalance};
use super::{Place, Shared, partition_id};
use crate::log::{
    Consumer, ConsumerSettings, GroupToken, LogError, Membership, Polled, TopicPartition,
};

use stash::{Sorter, Stashes};

/// A seek is answered by the client itself; one that is not has lost its partition.
const SEEK_WITHIN: Duration = Duration::from_secs(2);
/// Leaving takes a few ways to the coordinator; one that does not answer notices by itself.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// One wait while leaving or seeking.
const STEP: Duration = Duration::from_millis(5);

struct KafkaConsumer {
    native: NativeConsumer,
    shared: Arc<Shared>,
    group: String,
    stashes: Stashes,
    events: VecDeque<Polled>,
    /// Told as revoked; given up at the next poll.
    revoked: Vec<TopicPartition>,
    max_records: usize,
    max_bytes: usize,
    buffer: BytesMut,
}

/// Opens a member of a group.
pub(super) fn open(
    shared: &Arc<Shared>,
    settings: &ConsumerSettings,
) -> Result<Box<dyn Consumer>, LogError> {
    let doing = format!("joining group \"{}\"", settings.group);
    let place = Place::new(&doing);
    let assignment = match settings.together {
        true => Assignment::Range,
        false => Assignment::Sticky,
    };
    let config = shared.clients.group_consumer(&settings.group, assignment);
    let native = NativeConsumer::open(&config, shared.reporter.clone())
        .map_err(|error| shared.failed(&error, &place))?;
    shared.sign_in(native.client())?;
    let mut consumer = KafkaConsumer {
        native,
        shared: Arc::clone(shared),
        group: settings.group.clone(),
        stashes: Stashes::new(settings.max_records),
        events: VecDeque::new(),
        revoked: Vec::new(),
        max_records: settings.max_records.max(1),
        max_bytes: settings.max_bytes,
        buffer: BytesMut::new(),
    };
    consumer.subscribe(&settings.topics)?;
    if settings.topics.is_empty() {
        // A group gives nothing to whoever reads nothing yet.
        consumer.events.push_back(Polled::Assigned(Vec::new()));
    }
    Ok(Box::new(consumer))
}

impl Consumer for KafkaConsumer {
    fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        self.give_up_revoked()?;
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        if let Some((at, fetched)) = self.stashes.take() {
            return Ok(Polled::Records(at, fetched));
        }
        self.fetch(timeout)?;
        self.rebalances()?;
        self.throttle()?;
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        if let Some((at, fetched)) = self.stashes.take() {
            return Ok(Polled::Records(at, fetched));
        }
        self.look_behind_records()?;
        Ok(match self.stashes.take() {
            Some((at, fetched)) => Polled::Records(at, fetched),
            None => Polled::Nothing,
        })
    }

    fn subscribe(&mut self, topics: &[(TopicName, Start)]) -> Result<(), LogError> {
        let doing = format!("joining group \"{}\"", self.group);
        let names: Vec<&str> = topics.iter().map(|(topic, _)| topic.as_str()).collect();
        let subscribed = match names.is_empty() {
            true => self.native.unsubscribe(),
            false => self.native.subscribe(&names),
        };
        subscribed.map_err(|code| error::coded(code, &Place::new(&doing)))
    }

    fn pause(&mut self, at: &TopicPartition) {
        self.stashes.set_paused(at, true);
    }

    fn resume(&mut self, at: &TopicPartition) {
        self.stashes.set_paused(at, false);
    }

    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        if !self.stashes.restart(at, offset) {
            return Err(LogError::NoPartition(at.clone()));
        }
        let mut list = TopicPartitionList::with_capacity(1);
        let added =
            list.add_partition_offset(at.topic.as_str(), partition_id(at)?, Offset::Offset(offset));
        added.map_err(|_| LogError::State("an offset that is none"))?;
        let deadline = Instant::now() + SEEK_WITHIN;
        loop {
            let place = Place::new("seeking in topic").of_topic(at.topic.as_str());
            let asked = self.native.seek(&list, SEEK_WITHIN);
            asked.map_err(|told| error::transaction(&told, &place))?;
            let outcome = list.elements().first().map(|e| e.error());
            let error = match outcome {
                Some(Err(error)) => error,
                Some(Ok(())) | None => return Ok(()),
            };
            // A partition just assigned cannot be sought in before its first fetch is prepared.
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::State)
                || Instant::now() > deadline
            {
                return Err(error::request(&error, &place));
            }
            std::thread::park_timeout(STEP);
        }
    }

    fn token(&self) -> Result<GroupToken, LogError> {
        let member = self.native.group_metadata();
        let member = member.ok_or(LogError::State("the consumer is in no group"))?;
        Ok(GroupToken(Membership::Kafka(member)))
    }

    fn leave(&mut self) {
        let asked = self.native.unsubscribe();
        let deadline = Instant::now() + LEAVE_WITHIN;
        while asked.is_ok() && Instant::now() < deadline {
            self.native.poll(STEP, 1, |_| {});
            if let Some(Rebalance::Revoke(partitions)) = self.native.rebalance() {
                if let Err(told) = self.native.unassign(&list_of(&partitions)) {
                    tracing::debug!(error = told.text, "partitions cannot be given up");
                }
                break;
            }
        }
    }
}

impl KafkaConsumer {
    /// One batch call into the stashes.
    fn fetch(&mut self, timeout: Duration) -> Result<(), LogError> {
        let mut sorter = Sorter::new(&mut self.stashes, &mut self.buffer, self.max_bytes);
        // The batch call waits until its buffer is full: wait for the first, then take what is there.
        let first = self.native.poll(timeout, 1, |message| sorter.take(message));
        let more = self.max_records - 1;
        if first > 0 && more > 0 {
            self.native
                .poll(Duration::ZERO, more, |message| sorter.take(message));
        }
        if let Some((code, topic)) = sorter.finish() {
            let doing = match topic.is_empty() {
                true => format!("following group \"{}\"", self.group),
                false => format!("reading topic \"{topic}\""),
            };
            return Err(error::coded(code, &Place::new(&doing)));
        }
        match self.native.fatal_error() {
            Some((code, text)) => {
                let place = format!("group \"{}\": {text}", self.group);
                let is_rival = code == RDKafkaErrorCode::FencedInstanceId;
                Err(match error::coded(code, &Place::new(&place)) {
                    // Once may be an earlier client of this process that was cut off while it joined.
                    LogError::Refused(_)
                        if is_rival && !self.shared.rivals.expelled(Instant::now()) =>
                    {
                        LogError::Fenced(place)
                    }
                    refused @ LogError::Refused(_) => refused,
                    _ => LogError::Fenced(place),
                })
            }
            None => Ok(()),
        }
    }

    /// Nothing came: what follows the last records may be control records, which take offsets too.
    fn look_behind_records(&mut self) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        for at in self.stashes.empty() {
            list.add_partition(at.topic.as_str(), partition_id(at)?);
        }
        let place = Place::new("asking for positions");
        let asked = self.native.positions(&list);
        asked.map_err(|code| error::coded(code, &place))?;
        for element in list.elements() {
            // Without a position, nothing has been given yet.
            if let Offset::Offset(offset) = element.offset() {
                let at = named(&[(element.topic().to_owned(), element.partition())]);
                at.iter().for_each(|at| self.stashes.reached(at, offset));
            }
        }
        Ok(())
    }

    /// Answers what the group gave; passes on what it takes, to be answered at the next poll.
    fn rebalances(&mut self) -> Result<(), LogError> {
        while let Some(rebalance) = self.native.rebalance() {
            match rebalance {
                Rebalance::Assign(partitions) => {
                    let assigned = self.native.assign(&list_of(&partitions));
                    assigned.map_err(|told| self.failed(&told))?;
                    let partitions = named(&partitions);
                    for at in &partitions {
                        self.stashes.add(at.clone());
                    }
                    self.events.push_back(Polled::Assigned(partitions));
                }
                Rebalance::Revoke(partitions) => {
                    let lost = self.native.is_assignment_lost();
                    let partitions = named(&partitions);
                    self.revoked.extend(partitions.iter().cloned());
                    self.events.push_back(Polled::Revoked { partitions, lost });
                    // What comes after waits for the answer.
                    break;
                }
            }
        }
        Ok(())
    }

    fn give_up_revoked(&mut self) -> Result<(), LogError> {
        let told = |event: &Polled| matches!(event, Polled::Revoked { .. });
        if self.revoked.is_empty() || self.events.iter().any(told) {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(self.revoked.len());
        for at in self.revoked.drain(..) {
            list.add_partition(at.topic.as_str(), partition_id(&at)?);
            self.stashes.remove(&at);
        }
        let given = self.native.unassign(&list);
        given.map_err(|told| self.failed(&told))
    }

    /// Stops and resumes fetching as the stashes fill and empty.
    fn throttle(&mut self) -> Result<(), LogError> {
        for paused in [true, false] {
            let partitions = self.stashes.switch(paused);
            if partitions.is_empty() {
                continue;
            }
            let mut list = TopicPartitionList::with_capacity(partitions.len());
            for at in &partitions {
                list.add_partition(at.topic.as_str(), partition_id(at)?);
            }
            let place = Place::new("pausing partitions");
            let switched = self.native.set_paused(&list, paused);
            switched.map_err(|code| error::coded(code, &place))?;
        }
        Ok(())
    }

    fn failed(&self, told: &error::Told) -> LogError {
        let doing = format!("following group \"{}\"", self.group);
        let error = error::transaction(told, &Place::new(&doing));
        self.shared.explained(error)
    }
}

fn list_of(partitions: &[(String, i32)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// Partitions by our names; the group subscribed to topics whose names were valid.
fn named(partitions: &[(String, i32)]) -> Vec<TopicPartition> {
    let name = |(topic, partition): &(String, i32)| {
        let topic = TopicName::parse(topic).ok()?;
        Some(TopicPartition::new(topic, u32::try_from(*partition).ok()?))
    };
    partitions.iter().filter_map(name).collect()
}
