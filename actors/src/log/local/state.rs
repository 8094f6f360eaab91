//! What a local log knows without asking its storage: topics, the index of chunks, groups' offsets
//! and who may write. All of it behind one lock that is never held while bytes are read or written.

use std::collections::{BTreeMap, HashMap, VecDeque};

use config::TopicName;

use super::chunk::Summary;
use super::entry::Entry;
use super::storage::ChunkKey;
use crate::log::{Committed, LogError, OffsetRange, TopicPartition, TopicSpec};

/// Everything in memory.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By name.
    pub(super) topics: BTreeMap<TopicName, Topic>,
    /// By id.
    pub(super) groups: HashMap<String, Group>,
    /// Newest epoch of each transactional id. Not stored: whoever opens the log is alone with it.
    pub(super) producers: HashMap<String, u64>,
    /// Why writing is over until the log is opened again.
    pub(super) broken: Option<String>,
}

/// A topic.
#[derive(Debug)]
pub(super) struct Topic {
    /// Stands for the name in keys.
    pub(super) number: u32,
    /// Its settings.
    pub(super) spec: TopicSpec,
    /// By number.
    pub(super) partitions: Vec<Partition>,
}

/// A partition: `chunks` in order of offset, within `range` but for the first, which may begin before.
#[derive(Debug, Default)]
pub(super) struct Partition {
    /// What can be read.
    pub(super) range: OffsetRange,
    /// Summary and generation.
    pub(super) chunks: VecDeque<Indexed>,
    /// Of all chunks.
    pub(super) bytes: u64,
    /// Before this offset no key is twice; 0 in a topic that is not compacted.
    pub(super) clean_to: i64,
}

/// A chunk in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indexed {
    /// What it stands for.
    pub(super) summary: Summary,
    /// How often it was rewritten.
    pub(super) generation: u32,
}

/// A group: one member at most, with everything.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Counts its members over time; the newest is the member.
    pub(super) generation: u64,
    /// Committed positions by topic's number and partition.
    pub(super) positions: HashMap<(u32, u32), Committed>,
}

impl State {
    /// Rebuilds the state from the index's entries; what is left over is to be removed.
    ///
    /// # Errors
    /// [`LogError::Damaged`] if an entry speaks of a topic or partition that is not there.
    pub(super) fn from_entries(entries: Vec<Entry>) -> Result<(Self, Vec<ChunkKey>), LogError> {
        let mut state = Self::default();
        let mut by_number: HashMap<u32, TopicName> = HashMap::new();
        for entry in &entries {
            if let Entry::Topic(number, spec) = entry {
                by_number.insert(*number, spec.name.clone());
                state
                    .topics
                    .insert(spec.name.clone(), Topic::new(*number, spec.clone()));
            }
        }
        let mut doomed = Vec::new();
        for entry in entries {
            match entry {
                Entry::Format | Entry::Topic(..) => {}
                Entry::Range(topic, partition, range) => {
                    state.stored_partition(&by_number, topic, partition)?.range = range;
                }
                Entry::Chunk(topic, partition, summary, generation) => state
                    .stored_partition(&by_number, topic, partition)?
                    .push(Indexed {
                        summary,
                        generation,
                    }),
                Entry::Position(group, topic, partition, committed) => {
                    let group = state.groups.entry(group).or_default();
                    group.positions.insert((topic, partition), committed);
                }
                Entry::Doomed(key) => doomed.push(key),
                Entry::Clean(topic, partition, offset) => {
                    state
                        .stored_partition(&by_number, topic, partition)?
                        .clean_to = offset;
                }
            }
        }
        Ok((state, doomed))
    }

    fn stored_partition(
        &mut self,
        names: &HashMap<u32, TopicName>,
        topic: u32,
        partition: u32,
    ) -> Result<&mut Partition, LogError> {
        names
            .get(&topic)
            .and_then(|name| self.topics.get_mut(name))
            .and_then(|topic| topic.partitions.get_mut(partition as usize))
            .ok_or_else(|| LogError::Damaged(format!("the index has no topic {topic}-{partition}")))
    }

    /// A partition and its topic's number.
    ///
    /// # Errors
    /// No such topic or partition.
    pub(super) fn partition(&self, at: &TopicPartition) -> Result<(u32, &Partition), LogError> {
        let topic = self
            .topics
            .get(&at.topic)
            .ok_or_else(|| LogError::NoTopic(at.topic.to_string()))?;
        let partition = topic
            .partitions
            .get(at.partition as usize)
            .ok_or_else(|| LogError::NoPartition(at.clone()))?;
        Ok((topic.number, partition))
    }

    /// A partition to change.
    ///
    /// # Errors
    /// No such topic or partition.
    pub(super) fn partition_mut(
        &mut self,
        at: &TopicPartition,
    ) -> Result<&mut Partition, LogError> {
        self.topics
            .get_mut(&at.topic)
            .ok_or_else(|| LogError::NoTopic(at.topic.to_string()))?
            .partitions
            .get_mut(at.partition as usize)
            .ok_or_else(|| LogError::NoPartition(at.clone()))
    }

    /// Where a group goes on.
    ///
    /// # Errors
    /// No such topic or partition.
    pub(super) fn committed(
        &self,
        group: &str,
        at: &TopicPartition,
    ) -> Result<Option<Committed>, LogError> {
        let (number, _) = self.partition(at)?;
        let group = self.groups.get(group);
        Ok(group.and_then(|g| g.positions.get(&(number, at.partition)).cloned()))
    }

    /// Whether writing goes on.
    ///
    /// # Errors
    /// [`LogError::Storage`] after a write failed.
    pub(super) fn check_writable(&self) -> Result<(), LogError> {
        match &self.broken {
            None => Ok(()),
            Some(cause) => Err(LogError::Storage(format!(
                "an earlier write failed, open the log again: {cause}"
            ))),
        }
    }

    /// Whether this is the newest producer with its id.
    ///
    /// # Errors
    /// [`LogError::Fenced`] if not.
    pub(super) fn check_producer(&self, id: &str, epoch: u64) -> Result<(), LogError> {
        if self.producers.get(id) == Some(&epoch) {
            Ok(())
        } else {
            Err(LogError::Fenced(id.to_owned()))
        }
    }

    /// Whether this is the group's member.
    ///
    /// # Errors
    /// [`LogError::Fenced`] if a newer one took over.
    pub(super) fn check_member(&self, group: &str, generation: u64) -> Result<(), LogError> {
        if self.groups.get(group).map(|g| g.generation) == Some(generation) {
            Ok(())
        } else {
            Err(LogError::Fenced(format!("group {group}")))
        }
    }
}

impl Topic {
    /// A topic without records.
    pub(super) fn new(number: u32, spec: TopicSpec) -> Self {
        let partitions = (0..spec.partitions).map(|_| Partition::default()).collect();
        Self {
            number,
            spec,
            partitions,
        }
    }
}

impl Partition {
    /// Adds a chunk behind the others.
    pub(super) fn push(&mut self, chunk: Indexed) {
        self.bytes += u64::from(chunk.summary.bytes);
        self.chunks.push_back(chunk);
    }

    /// Position in `chunks` of the first chunk that stands for an offset at or after this one.
    pub(super) fn first_at(&self, offset: i64) -> usize {
        self.chunks
            .partition_point(|chunk| chunk.summary.next <= offset)
    }

    /// Replaces chunks by others that stand for the same offsets; false if they are not there any more.
    pub(super) fn replace(&mut self, old: &[Indexed], new: Option<Indexed>) -> bool {
        let Some(at) = self.position_of(old) else {
            return false;
        };
        let removed: u64 = old.iter().map(|c| u64::from(c.summary.bytes)).sum();
        self.bytes -= removed;
        self.bytes += new.map_or(0, |c| u64::from(c.summary.bytes));
        self.chunks.drain(at..at + old.len());
        if let Some(new) = new {
            self.chunks.insert(at, new);
        }
        true
    }

    /// Where these chunks lie, if all of them are there.
    pub(super) fn position_of(&self, chunks: &[Indexed]) -> Option<usize> {
        let first = chunks.first()?;
        let at = self.first_at(first.summary.base);
        let there = self.chunks.iter().skip(at).take(chunks.len());
        there.eq(chunks).then_some(at)
    }
}
