//! The consumer of a local log: the one member of its group, with all partitions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use config::{Start, TopicName};

use super::Shared;
use super::storage::Storage;
use crate::log::{
    Consumer, ConsumerSettings, GroupToken, LogError, Membership, Polled, TopicPartition,
};

struct LocalConsumer<S> {
    log: Arc<Shared<S>>,
    group: String,
    generation: u64,
    standing: Standing,
    partitions: Vec<Reading>,
    /// Subscribed to since, and not told yet.
    new: Vec<TopicPartition>,
    /// Index of the partition whose turn it is.
    turn: usize,
    max_records: usize,
    max_bytes: usize,
}

/// Where a consumer is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The next poll says what is assigned.
    Joining,
    /// Reads.
    Member,
    /// A newer consumer took over, and this one was told.
    Replaced,
}

/// A partition and how far it is read.
struct Reading {
    at: TopicPartition,
    position: i64,
    paused: bool,
}

/// Opens a consumer; it takes over from an older one of its group.
pub(super) fn open<S: Storage>(
    log: &Arc<Shared<S>>,
    settings: &ConsumerSettings,
) -> Result<impl Consumer + use<S>, LogError> {
    // A commit in progress of the older member ends before this one looks at the offsets.
    let writing = log.writing.lock();
    let partitions = begin(log, &settings.group, &settings.topics)?;
    let generation = {
        let mut state = log.state.lock();
        let group = state.groups.entry(settings.group.clone()).or_default();
        group.generation += 1;
        group.generation
    };
    drop(writing);
    // The older member is to hear of it now, not when its poll ends.
    log.changed.notify_all();
    Ok(LocalConsumer {
        log: Arc::clone(log),
        group: settings.group.clone(),
        generation,
        standing: Standing::Joining,
        partitions,
        new: Vec::new(),
        turn: 0,
        max_records: settings.max_records.max(1),
        max_bytes: settings.max_bytes,
    })
}

/// The partitions of topics, each where its group goes on.
fn begin<S: Storage>(
    log: &Shared<S>,
    group: &str,
    topics: &[(TopicName, Start)],
) -> Result<Vec<Reading>, LogError> {
    let mut found = Vec::new();
    {
        let state = log.state.lock();
        for (name, start) in topics {
            let topic = state.topics.get(name);
            let topic = topic.ok_or_else(|| LogError::NoTopic(name.to_string()))?;
            for partition in 0..topic.spec.partitions {
                let at = TopicPartition::new(name.clone(), partition);
                let committed = state.committed(group, &at)?;
                found.push((at, *start, committed.map(|c| c.offset)));
            }
        }
    }
    let begun = found.into_iter().map(|(at, start, committed)| {
        let position = match committed {
            Some(offset) => offset,
            None => start_of(log, &at, start)?,
        };
        Ok(Reading {
            at,
            position,
            paused: false,
        })
    });
    begun.collect()
}

fn start_of<S: Storage>(
    log: &Shared<S>,
    at: &TopicPartition,
    start: Start,
) -> Result<i64, LogError> {
    match start {
        Start::Earliest => Ok(log.state.lock().partition(at)?.1.range.start),
        Start::Latest => Ok(log.state.lock().partition(at)?.1.range.end),
        Start::Timestamp(timestamp) => log.offset_at(at, timestamp),
    }
}

impl<S: Storage> Consumer for LocalConsumer<S> {
    fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        match self.standing {
            Standing::Joining => {
                self.token()?;
                self.standing = Standing::Member;
                return Ok(Polled::Assigned(self.assigned()));
            }
            Standing::Member => {}
            Standing::Replaced => return Err(LogError::Fenced(format!("group {}", self.group))),
        }
        if !self.new.is_empty() {
            return Ok(Polled::Assigned(std::mem::take(&mut self.new)));
        }
        let deadline = Instant::now() + timeout;
        loop {
            match self.wait(deadline)? {
                Woken::Late => return Ok(Polled::Nothing),
                Woken::Records(turn) => {
                    if let Some(polled) = self.take(turn)? {
                        return Ok(polled);
                    }
                }
                Woken::Replaced => {
                    self.standing = Standing::Replaced;
                    return Ok(Polled::Revoked {
                        partitions: self.assigned(),
                        lost: true,
                    });
                }
            }
        }
    }

    fn subscribe(&mut self, topics: &[(TopicName, Start)]) -> Result<(), LogError> {
        // Topics of this log do not go: what is read stays.
        let known = |name: &TopicName| self.partitions.iter().any(|r| r.at.topic == *name);
        let new = topics.iter().filter(|(name, _)| !known(name)).cloned();
        let new: Vec<_> = new.collect();
        let new = begin(&self.log, &self.group, &new)?;
        self.new
            .extend(new.iter().map(|reading| reading.at.clone()));
        self.partitions.extend(new);
        Ok(())
    }

    fn pause(&mut self, at: &TopicPartition) {
        self.set_paused(at, true);
    }

    fn resume(&mut self, at: &TopicPartition) {
        self.set_paused(at, false);
    }

    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        let reading = self.partitions.iter_mut().find(|reading| reading.at == *at);
        let reading = reading.ok_or_else(|| LogError::NoPartition(at.clone()))?;
        reading.position = offset;
        Ok(())
    }

    fn token(&self) -> Result<GroupToken, LogError> {
        let state = self.log.state.lock();
        state.check_member(&self.group, self.generation)?;
        Ok(GroupToken(Membership::Local {
            group: self.group.clone(),
            generation: self.generation,
        }))
    }
}

/// Why waiting ended.
enum Woken {
    /// The deadline has come.
    Late,
    /// This partition has records to read.
    Records(usize),
    /// A newer consumer took over.
    Replaced,
}

impl<S: Storage> LocalConsumer<S> {
    /// Waits until a partition that is not paused has records; the one whose turn it is first.
    fn wait(&self, deadline: Instant) -> Result<Woken, LogError> {
        let mut state = self.log.state.lock();
        loop {
            if state.check_member(&self.group, self.generation).is_err() {
                return Ok(Woken::Replaced);
            }
            for step in 0..self.partitions.len() {
                let turn = (self.turn + step) % self.partitions.len();
                let reading = &self.partitions[turn];
                let (_, partition) = state.partition(&reading.at)?;
                if !reading.paused && reading.position < partition.range.end {
                    return Ok(Woken::Records(turn));
                }
            }
            if self
                .log
                .changed
                .wait_until(&mut state, deadline)
                .timed_out()
            {
                return Ok(Woken::Late);
            }
        }
    }

    /// Reads the partition's records; the next one's turn comes. `None` if all were compacted away.
    fn take(&mut self, turn: usize) -> Result<Option<Polled>, LogError> {
        let reading = &mut self.partitions[turn];
        let (records, bytes) = (self.max_records, self.max_bytes);
        let fetched = self
            .log
            .read(&reading.at, reading.position, records, bytes)?;
        reading.position = fetched.next_offset;
        self.turn = (turn + 1) % self.partitions.len();
        let records = !fetched.records.is_empty();
        Ok(records.then(|| Polled::Records(self.partitions[turn].at.clone(), fetched)))
    }

    fn assigned(&self) -> Vec<TopicPartition> {
        self.partitions
            .iter()
            .map(|reading| reading.at.clone())
            .collect()
    }

    fn set_paused(&mut self, at: &TopicPartition, paused: bool) {
        for reading in self
            .partitions
            .iter_mut()
            .filter(|reading| reading.at == *at)
        {
            reading.paused = paused;
        }
    }
}
