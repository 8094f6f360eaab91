//! A cluster as far as a client can tell: topics with offsets, transactions, groups. A model of
//! Kafka's rules, not of its code, and independent of every log in `actors`.
//!
//! Each transaction ends with a marker that takes an offset in each partition it wrote to. One that is
//! *pending* hides everything behind it from readers until it is decided: when its producer's successor
//! opens, or when somebody asks for positions or for what is settled.

mod group;

use std::collections::BTreeMap;
use std::time::Duration;

use actors::log::{
    Committed, LogError, LogRecord, OffsetCommit, OffsetRange, TopicInfo, TopicPartition, TopicSpec,
};
use config::TopicName;

pub(super) use group::{Group, MemberId, Told};

/// All that brokers keep.
#[derive(Default)]
pub(super) struct Cluster {
    topics: BTreeMap<TopicName, Topic>,
    groups: BTreeMap<String, Group>,
    /// Newest epoch by transactional id.
    producers: BTreeMap<String, u64>,
    pending: Vec<Pending>,
    transactions: u64,
}

struct Topic {
    spec: TopicSpec,
    partitions: Vec<Partition>,
}

/// Slots by offset.
#[derive(Default)]
struct Partition {
    start: usize,
    slots: Vec<Slot>,
}

enum Slot {
    Record(LogRecord),
    /// Of a transaction that is pending.
    Open(u64, LogRecord),
    /// A marker, or what was aborted.
    Hidden,
}

/// What a producer gathered.
#[derive(Default, Clone)]
pub(super) struct Transaction {
    /// In the order in which they were sent.
    pub(super) sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    /// By group.
    pub(super) offsets: Vec<(String, OffsetCommit)>,
    /// Generations that the groups must still have.
    pub(super) members: Vec<(String, u64)>,
}

/// A transaction whose outcome is fixed and not yet visible.
struct Pending {
    number: u64,
    producer: String,
    transaction: Transaction,
    commits: bool,
}

impl Cluster {
    pub(super) fn topics(&self) -> Vec<TopicInfo> {
        self.topics.values().map(Topic::info).collect()
    }

    pub(super) fn topic(&self, name: &TopicName) -> Option<TopicInfo> {
        self.topics.get(name).map(Topic::info)
    }

    pub(super) fn ensure_topic(&mut self, spec: &TopicSpec) -> Result<bool, LogError> {
        if let Some(found) = self.topics.get(&spec.name) {
            if found.spec.partitions != spec.partitions {
                return Err(LogError::PartitionCount {
                    topic: spec.name.to_string(),
                    found: found.spec.partitions,
                    wanted: spec.partitions,
                });
            }
            return Ok(false);
        }
        let topic = Topic {
            spec: spec.clone(),
            partitions: (0..spec.partitions).map(|_| Partition::default()).collect(),
        };
        self.topics.insert(spec.name.clone(), topic);
        Ok(true)
    }

    /// Records from an offset on and where to read on, as a reader of what is committed sees them.
    pub(super) fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
    ) -> Result<(Vec<LogRecord>, i64), LogError> {
        let partition = self.partition(at)?;
        let end = partition.stable_end();
        let mut next = index(from).max(partition.start);
        let mut records = Vec::new();
        while next < end && records.len() < max_records.max(1) {
            if let Slot::Record(record) = &partition.slots[next] {
                records.push(record.clone());
            }
            next += 1;
        }
        Ok((records, offset(next)))
    }

    /// What can be read of a partition.
    pub(super) fn range(&self, at: &TopicPartition) -> Result<OffsetRange, LogError> {
        Ok(self.partition(at)?.range())
    }

    pub(super) fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        let partition = self.partition(at)?;
        let readable = &partition.slots[..partition.stable_end()];
        let first = readable.iter().enumerate().skip(partition.start).find(
            |(_, slot)| matches!(slot, Slot::Record(record) if record.timestamp >= timestamp),
        );
        Ok(first.map_or(partition.range().end, |(at, _)| offset(at)))
    }

    pub(super) fn delete_before(&mut self, at: &TopicPartition, to: i64) -> Result<(), LogError> {
        let partition = self.partition_mut(at)?;
        let to = index(to).min(partition.stable_end());
        partition.start = partition.start.max(to);
        Ok(())
    }

    pub(super) fn committed(&self, group: &str, at: &TopicPartition) -> Option<Committed> {
        let group = self.groups.get(group)?;
        group.committed.get(at).cloned()
    }

    pub(super) fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    /// A new producer with an id: the older ones are fenced, and what they left is decided.
    pub(super) fn open_producer(&mut self, id: &str) -> u64 {
        self.decide(|pending| pending.producer == id);
        let epoch = self.producers.entry(id.to_owned()).or_default();
        *epoch += 1;
        *epoch
    }

    /// Whether this is the newest producer with its id.
    pub(super) fn check_producer(&self, id: &str, epoch: u64) -> Result<(), LogError> {
        match self.producers.get(id) == Some(&epoch) {
            true => Ok(()),
            false => Err(LogError::Fenced(id.to_owned())),
        }
    }

    /// Whether a transaction may be committed now.
    pub(super) fn check(&self, transaction: &Transaction) -> Result<(), LogError> {
        for (name, generation) in &transaction.members {
            if self.groups.get(name).map(|group| group.generation) != Some(*generation) {
                return Err(LogError::Aborted(format!(
                    "group \"{name}\" is not in generation {generation} any more"
                )));
            }
        }
        Ok(())
    }

    /// Makes a transaction visible.
    pub(super) fn commit(&mut self, transaction: Transaction) -> Result<(), LogError> {
        self.append(&transaction, Slot::Record)?;
        self.commit_offsets(transaction.offsets);
        Ok(())
    }

    /// Drops a transaction; what it had sent takes offsets all the same.
    pub(super) fn abort(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        self.append(transaction, |_| Slot::Hidden)
    }

    /// Leaves a transaction to be decided later, and fixes how.
    pub(super) fn leave_pending(
        &mut self,
        producer: &str,
        transaction: Transaction,
        commits: bool,
    ) -> Result<(), LogError> {
        self.transactions += 1;
        let number = self.transactions;
        for (at, records) in &transaction.sends {
            let partition = self.partition_mut(at)?;
            partition.extend(records, |record| Slot::Open(number, record));
        }
        self.pending.push(Pending {
            number,
            producer: producer.to_owned(),
            transaction,
            commits,
        });
        Ok(())
    }

    /// Decides all pending transactions.
    pub(super) fn decide_all(&mut self) {
        self.decide(|_| true);
    }

    /// Records that anybody can see, of all topics: grows while anything happens.
    pub(super) fn visible(&self) -> usize {
        let partitions = self.topics.values().flat_map(|topic| &topic.partitions);
        let slots = partitions.flat_map(|partition| &partition.slots);
        slots.filter(|slot| matches!(slot, Slot::Record(_))).count()
    }

    /// Whether a group has committed positions behind every record of these topics.
    pub(super) fn is_read(&self, group: &str, topics: &[TopicName]) -> bool {
        topics.iter().all(|name| {
            let partitions = self.topics.get(name).map(|topic| &topic.partitions);
            let mut numbered = (0..).zip(partitions.into_iter().flatten());
            numbered.all(|(nth, partition)| {
                let at = TopicPartition::new(name.clone(), nth);
                let position = self.committed(group, &at).map_or(0, |c| index(c.offset));
                let rest = partition.slots.iter().skip(position.max(partition.start));
                !rest.into_iter().any(|slot| matches!(slot, Slot::Record(_)))
            })
        })
    }

    /// Members that have not polled for this long are members no more.
    pub(super) fn expire(&mut self, now: Duration) {
        for group in self.groups.values_mut() {
            group.expire(now);
        }
    }

    fn decide(&mut self, which: impl Fn(&Pending) -> bool) {
        let pending = std::mem::take(&mut self.pending);
        let (now, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(which);
        self.pending = later;
        for pending in now {
            for (at, _) in &pending.transaction.sends {
                if let Ok(partition) = self.partition_mut(at) {
                    partition.close(pending.number, pending.commits);
                }
            }
            if pending.commits {
                self.commit_offsets(pending.transaction.offsets);
            }
        }
    }

    fn append(
        &mut self,
        transaction: &Transaction,
        slot: impl Fn(LogRecord) -> Slot,
    ) -> Result<(), LogError> {
        let mut touched: Vec<&TopicPartition> = Vec::new();
        for (at, records) in &transaction.sends {
            self.partition_mut(at)?.extend(records, &slot);
            if !touched.contains(&at) {
                touched.push(at);
            }
        }
        for at in touched {
            self.partition_mut(at)?.slots.push(Slot::Hidden);
        }
        Ok(())
    }

    fn commit_offsets(&mut self, offsets: Vec<(String, OffsetCommit)>) {
        for (group, commit) in offsets {
            let committed = Committed {
                offset: commit.offset,
                metadata: commit.metadata,
            };
            self.group(&group).committed.insert(commit.at, committed);
        }
    }

    fn partition(&self, at: &TopicPartition) -> Result<&Partition, LogError> {
        let topic = self.topics.get(&at.topic);
        let topic = topic.ok_or_else(|| LogError::NoTopic(at.topic.to_string()))?;
        let partition = topic.partitions.get(at.partition as usize);
        partition.ok_or_else(|| LogError::NoPartition(at.clone()))
    }

    fn partition_mut(&mut self, at: &TopicPartition) -> Result<&mut Partition, LogError> {
        let topic = self.topics.get_mut(&at.topic);
        let topic = topic.ok_or_else(|| LogError::NoTopic(at.topic.to_string()))?;
        let partition = topic.partitions.get_mut(at.partition as usize);
        partition.ok_or_else(|| LogError::NoPartition(at.clone()))
    }
}

impl Topic {
    fn info(&self) -> TopicInfo {
        TopicInfo {
            spec: self.spec.clone(),
            ranges: self.partitions.iter().map(Partition::range).collect(),
        }
    }
}

impl Partition {
    fn range(&self) -> OffsetRange {
        OffsetRange {
            start: offset(self.start),
            end: offset(self.stable_end()),
        }
    }

    /// The first slot that is pending, or the end.
    fn stable_end(&self) -> usize {
        let open = |slot: &Slot| matches!(slot, Slot::Open(..));
        let first = self.slots[self.start..].iter().position(open);
        first.map_or(self.slots.len(), |first| self.start + first)
    }

    fn extend(&mut self, records: &[LogRecord], slot: impl Fn(LogRecord) -> Slot) {
        for record in records {
            let mut record = record.clone();
            record.offset = offset(self.slots.len());
            self.slots.push(slot(record));
        }
    }

    /// Decides one transaction's slots; a second call for the same does nothing.
    fn close(&mut self, number: u64, commits: bool) {
        let mut found = false;
        for slot in &mut self.slots {
            if let Slot::Open(of, record) = slot
                && *of == number
            {
                found = true;
                *slot = match commits {
                    true => Slot::Record(record.clone()),
                    false => Slot::Hidden,
                };
            }
        }
        if found {
            self.slots.push(Slot::Hidden);
        }
    }
}

fn index(offset: i64) -> usize {
    usize::try_from(offset).unwrap_or(0)
}

fn offset(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
