//! A member of a group, as a process has it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::log::{
    Consumer, ConsumerSettings, Fetched, GroupToken, LogError, Polled, TopicPartition,
};
use config::{Start, TopicName};

use super::{Connection, digest};
use crate::simulation::cluster::{Cluster, MemberId, Told};
use crate::simulation::mutation::Mutation;
use crate::simulation::process::Process;

/// Most polls that a delay lasts.
const DELAYED_POLLS: usize = 5;

/// How long another member stays, at most.
const GUEST_MS: usize = 2_000;

struct SimulatedConsumer {
    process: Arc<Process>,
    settings: ConsumerSettings,
    partitions: Vec<TopicPartition>,
    member: MemberId,
    reading: BTreeMap<TopicPartition, Reading>,
    /// The partition that was read last: the next one's turn comes.
    turn: Option<TopicPartition>,
    /// What the last poll brought.
    last: Option<(TopicPartition, Fetched)>,
    /// Polls that still bring nothing.
    delayed: usize,
    /// Told to go; gone at the next poll.
    giving: Vec<TopicPartition>,
}

struct Reading {
    /// `None` until it is needed: asking for it decides what is pending.
    position: Option<i64>,
    paused: bool,
}

pub(super) fn open(
    connection: &Connection,
    settings: &ConsumerSettings,
) -> Result<Box<dyn Consumer>, LogError> {
    let now = connection.process.world.elapsed();
    let (partitions, member) = connection.call(format_args!("join"), |cluster| {
        let partitions = partitions_of(cluster, &settings.topics)?;
        let member = cluster.group(&settings.group).join(partitions.clone(), now);
        Ok((partitions, member))
    })?;
    Ok(Box::new(SimulatedConsumer {
        process: Arc::clone(&connection.process),
        settings: settings.clone(),
        partitions,
        member,
        reading: BTreeMap::new(),
        turn: None,
        last: None,
        delayed: 0,
        giving: Vec::new(),
    }))
}

fn partitions_of(
    cluster: &Cluster,
    topics: &[(TopicName, Start)],
) -> Result<Vec<TopicPartition>, LogError> {
    let mut partitions = Vec::new();
    for (name, _) in topics {
        let info = cluster.topic(name);
        let info = info.ok_or_else(|| LogError::NoTopic(name.to_string()))?;
        let numbers = 0..info.spec.partitions;
        partitions.extend(numbers.map(|nth| TopicPartition::new(name.clone(), nth)));
    }
    Ok(partitions)
}

impl Consumer for SimulatedConsumer {
    fn poll(&mut self, _: Duration) -> Result<Polled, LogError> {
        self.process.check()?;
        for at in std::mem::take(&mut self.giving) {
            self.reading.remove(&at);
        }
        if let Some(polled) = self.goes_wrong()? {
            return Ok(polled);
        }
        let process = Arc::clone(&self.process);
        let (world, node) = (&process.world, &process.node);
        let mut cluster = world.cluster.lock();
        cluster.expire(world.elapsed());
        let group = cluster.group(&self.settings.group);
        let polled = match group.poll(self.member, world.elapsed()) {
            None => {
                self.member = group.join(self.partitions.clone(), world.elapsed());
                self.last = None;
                let partitions: Vec<TopicPartition> =
                    std::mem::take(&mut self.reading).into_keys().collect();
                match partitions.is_empty() {
                    true => Polled::Nothing,
                    false => Polled::Revoked {
                        partitions,
                        lost: true,
                    },
                }
            }
            Some(Some(Told::Assigned(partitions))) => {
                for at in &partitions {
                    let reading = Reading {
                        position: None,
                        paused: false,
                    };
                    self.reading.insert(at.clone(), reading);
                }
                Polled::Assigned(partitions)
            }
            Some(Some(Told::Revoked(partitions))) => {
                self.last = None;
                self.giving.clone_from(&partitions);
                Polled::Revoked {
                    partitions,
                    lost: false,
                }
            }
            Some(None) => self.take(&mut cluster)?,
        };
        drop(cluster);
        match &polled {
            Polled::Nothing => {}
            Polled::Records(at, fetched) => {
                self.last = Some((at.clone(), fetched.clone()));
                let digest = digest(&fetched.records);
                let next = fetched.next_offset;
                world.note(format_args!("{node} polls {at} to {next}: {digest:x}"));
            }
            Polled::Assigned(_) | Polled::Revoked { .. } => {
                world.note(format_args!("{node} polls {polled:?}"));
            }
        }
        Ok(polled)
    }

    fn subscribe(&mut self, topics: &[(TopicName, Start)]) -> Result<(), LogError> {
        self.process.check()?;
        let mut cluster = self.process.world.cluster.lock();
        self.partitions = partitions_of(&cluster, topics)?;
        self.settings.topics = topics.to_vec();
        let group = cluster.group(&self.settings.group);
        group.want(self.member, self.partitions.clone());
        Ok(())
    }

    fn pause(&mut self, at: &TopicPartition) {
        self.forget(at);
        if let Some(reading) = self.reading.get_mut(at) {
            reading.paused = true;
        }
    }

    fn resume(&mut self, at: &TopicPartition) {
        if let Some(reading) = self.reading.get_mut(at) {
            reading.paused = false;
        }
    }

    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.forget(at);
        let reading = self.reading.get_mut(at);
        let reading = reading.ok_or_else(|| LogError::NoPartition(at.clone()))?;
        reading.position = Some(offset);
        let Process { world, node, .. } = &*self.process;
        world.note(format_args!("{node} seeks {at} {offset}"));
        Ok(())
    }

    fn token(&self) -> Result<GroupToken, LogError> {
        self.process.check()?;
        let Process { world, node, .. } = &*self.process;
        let mut cluster = world.cluster.lock();
        let group = cluster.group(&self.settings.group);
        let mut generation = match group.has(self.member) {
            true => group.generation,
            // What it had is worth nothing any more.
            false => 0,
        };
        drop(cluster);
        if world.is_mutated(Mutation::TokenFirst)
            && let Some(early) = *self.process.generation.lock()
        {
            generation = early;
        }
        self.process.token_given();
        world.note(format_args!("{node} token {generation}"));
        Ok(GroupToken::local(&self.settings.group, generation))
    }

    fn leave(&mut self) {
        self.quit();
    }
}

impl Drop for SimulatedConsumer {
    fn drop(&mut self) {
        if self.process.check().is_ok() {
            self.quit();
        }
    }
}

impl SimulatedConsumer {
    fn quit(&self) {
        let world = &self.process.world;
        let mut cluster = world.cluster.lock();
        let group = cluster.group(&self.settings.group);
        group.remove(self.member, world.elapsed());
    }

    /// What a network and a group do to a member.
    fn goes_wrong(&mut self) -> Result<Option<Polled>, LogError> {
        let process = Arc::clone(&self.process);
        let (world, chances) = (&process.world, &process.world.chances);
        if self.delayed > 0 {
            self.delayed -= 1;
            return Ok(Some(Polled::Nothing));
        }
        if world.strikes(chances.poll_delayed) {
            self.delayed = world.draw(0..DELAYED_POLLS);
            return Ok(Some(Polled::Nothing));
        }
        if world.strikes(chances.poll_fails) {
            return Err(LogError::Unavailable("an injected fault".to_owned()));
        }
        if world.strikes(chances.delivered_twice)
            && let Some((at, fetched)) = self.last.take()
        {
            return Ok(Some(Polled::Records(at, fetched)));
        }
        let name = &self.settings.group;
        if world.strikes(chances.membership_lost) {
            world.note(format_args!("{} is thrown out", process.node));
            let now = world.elapsed();
            world.cluster.lock().group(name).remove(self.member, now);
        }
        if world.strikes(chances.generation) {
            world.note(format_args!("the group has a new generation"));
            let now = world.elapsed();
            world.cluster.lock().group(name).new_generation(now);
        }
        if world.strikes(chances.rebalance) {
            let stays = Duration::from_millis(world.draw(1..GUEST_MS) as u64);
            world.note(format_args!("another member comes for {stays:?}"));
            let now = world.elapsed();
            let mut cluster = world.cluster.lock();
            let group = cluster.group(name);
            group.join_guest(self.partitions.clone(), now, now + stays);
        }
        Ok(None)
    }

    /// Where a partition begins that was just assigned.
    fn beginning(&self, cluster: &mut Cluster, at: &TopicPartition) -> Result<i64, LogError> {
        cluster.decide_all();
        if let Some(committed) = cluster.committed(&self.settings.group, at) {
            return Ok(committed.offset);
        }
        let topics = &self.settings.topics;
        let start = topics.iter().find(|(name, _)| *name == at.topic);
        match start.map_or(Start::Earliest, |(_, start)| *start) {
            Start::Earliest => Ok(cluster.range(at)?.start),
            Start::Latest => Ok(cluster.range(at)?.end),
            Start::Timestamp(timestamp) => cluster.offset_at(at, timestamp),
        }
    }

    /// Records of the partition whose turn it is.
    fn take(&mut self, cluster: &mut Cluster) -> Result<Polled, LogError> {
        let later = self
            .reading
            .keys()
            .filter(|at| Some(*at) > self.turn.as_ref());
        let earlier = self
            .reading
            .keys()
            .filter(|at| Some(*at) <= self.turn.as_ref());
        let order: Vec<TopicPartition> = later.chain(earlier).cloned().collect();
        for at in order {
            let Some(Reading { position, paused }) = self.reading.get(&at) else {
                continue;
            };
            if *paused {
                continue;
            }
            let position = match position {
                Some(position) => *position,
                None => self.beginning(cluster, &at)?,
            };
            let most = self.settings.max_records;
            let (records, next_offset) = cluster.read(&at, position, most)?;
            let moved = position != next_offset;
            let reading = Reading {
                position: Some(next_offset),
                paused: false,
            };
            self.reading.insert(at.clone(), reading);
            // Without a record too, as Kafka's consumer tells what it has passed.
            if moved {
                self.turn = Some(at.clone());
                let fetched = Fetched {
                    records,
                    next_offset,
                };
                return Ok(Polled::Records(at, fetched));
            }
        }
        Ok(Polled::Nothing)
    }

    /// A partition that was paused or moved does not bring again what it brought before.
    fn forget(&mut self, at: &TopicPartition) {
        if self.last.as_ref().is_some_and(|(last, _)| last == at) {
            self.last = None;
        }
    }
}
