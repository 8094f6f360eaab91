//! Topics: what there is, what is to be, and what may go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use config::TopicName;
use parking_lot::Mutex;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::MetadataTopic;

use super::admin::{Admin, Settings};
use super::offsets::{Offsets, Sees, Where};
use super::{Place, REQUEST_WITHIN, Shared};
use crate::log::{LogError, OffsetRange, TopicInfo, TopicPartition, TopicSpec};

/// A topic's settings are asked for again after this long; its ranges are asked for each time.
const SPEC_KEPT: Duration = Duration::from_secs(10);
/// How long an open transaction may hold a partition's end back beyond its timeout: brokers look
/// every ten seconds for those that are over.
const TIMED_OUT_SEEN_WITHIN: Duration = Duration::from_secs(15);
/// How often it is asked whether it still does.
const SETTLED_EVERY: Duration = Duration::from_millis(20);
/// How often it is asked whether a created topic is there.
const CREATED_EVERY: Duration = Duration::from_millis(50);

/// A topic as the brokers have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its settings.
    pub spec: TopicSpec,
    /// Replicas of each partition.
    pub replication: u16,
    /// Old records are deleted, compacted or not.
    pub deletes: bool,
}

/// Topics of a cluster.
pub(super) struct Topics {
    shared: Arc<Shared>,
    offsets: Offsets,
    admin: Admin,
    specs: Mutex<HashMap<String, (Instant, TopicSpec)>>,
}

impl Topics {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            offsets: Offsets::new(Arc::clone(&shared)),
            admin: Admin::new(Arc::clone(&shared)),
            shared,
            specs: Mutex::default(),
        }
    }

    /// All topics but the brokers' own.
    pub(super) fn all(&self) -> Result<Vec<TopicInfo>, LogError> {
        let found = self.names()?;
        let specs = self.describe(&found)?;
        let places: Vec<_> = specs.iter().flat_map(places).collect();
        let mut ranges = self.ranges_of(&places)?.into_iter();
        let infos = specs.into_iter().map(|spec| TopicInfo {
            ranges: ranges.by_ref().take(spec.partitions as usize).collect(),
            spec,
        });
        Ok(infos.collect())
    }

    /// Names of all topics but the brokers' own, with their partitions.
    pub(super) fn names(&self) -> Result<Vec<(TopicName, u32)>, LogError> {
        let metadata = self.offsets.metadata(None)?;
        let mut found: Vec<(TopicName, u32)> = metadata
            .topics()
            .iter()
            .filter(|topic| topic.error().is_none() && !topic.name().starts_with("__"))
            .filter_map(|topic| Some((TopicName::parse(topic.name()).ok()?, partitions(topic))))
            .collect();
        found.sort();
        Ok(found)
    }

    /// One topic.
    pub(super) fn one(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        let Some(spec) = self.spec(name)? else {
            return Ok(None);
        };
        let ranges = self.ranges_of(&places(&spec))?;
        Ok(Some(TopicInfo { spec, ranges }))
    }

    /// A topic's settings; `None` if there is no such topic.
    fn spec(&self, name: &TopicName) -> Result<Option<TopicSpec>, LogError> {
        if let Some((asked, spec)) = self.specs.lock().get(name.as_str())
            && asked.elapsed() < SPEC_KEPT
        {
            return Ok(Some(spec.clone()));
        }
        let Some(partitions) = self.partitions(name)? else {
            return Ok(None);
        };
        Ok(self.describe(&[(name.clone(), partitions)])?.pop())
    }

    /// What topics are, `None` for those that do not exist.
    pub(super) fn look(&self, names: &[TopicName]) -> Result<Vec<Option<Described>>, LogError> {
        let mut found = Vec::with_capacity(names.len());
        for name in names {
            found.push(
                self.found(name)?
                    .map(|(partitions, replication)| ((name.clone(), partitions), replication)),
            );
        }
        let there: Vec<_> = found
            .iter()
            .flatten()
            .map(|(topic, _)| topic.clone())
            .collect();
        let names: Vec<&str> = there.iter().map(|(name, _)| name.as_str()).collect();
        let settings = self.admin.topics(&names)?;
        for (name, settings) in &settings {
            settings.told(&format!("topic \"{name}\""))?;
        }
        let described = found.into_iter().map(|found| {
            let ((name, partitions), replication) = found?;
            let settings = settings.get(name.as_str());
            let policy = settings.and_then(|told| told.get("cleanup.policy"));
            Some(Described {
                spec: spec_of(&name, partitions, settings),
                replication,
                deletes: policy.is_none_or(|policy| policy.contains("delete")),
            })
        });
        Ok(described.collect())
    }

    /// How many partitions a topic has; `None` if it does not exist.
    pub(super) fn partitions(&self, name: &TopicName) -> Result<Option<u32>, LogError> {
        Ok(self.found(name)?.map(|(partitions, _)| partitions))
    }

    /// A topic's partitions and replicas; `None` if it does not exist.
    fn found(&self, name: &TopicName) -> Result<Option<(u32, u16)>, LogError> {
        let metadata = self.offsets.metadata(Some(name.as_str()))?;
        let Some(topic) = metadata.topics().first() else {
            return Ok(None);
        };
        match topic.error().map(RDKafkaErrorCode::from) {
            None => {
                let replicas = topic.partitions().iter().map(|p| p.replicas().len()).min();
                let replicas = u16::try_from(replicas.unwrap_or(0)).unwrap_or(u16::MAX);
                Ok(Some((partitions(topic), replicas)))
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(None),
            Some(code) => {
                let place = Place::new("asking for topic").of_topic(name.as_str());
                Err(self.shared.explained(super::error::coded(code, &place)))
            }
        }
    }

    /// What can be read of partitions now.
    pub(super) fn ranges_of(&self, at: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        let starts = self.offsets.of(Sees::Committed, at, Where::Start)?;
        let ends = self.offsets.of(Sees::Committed, at, Where::End)?;
        let ranges = starts.into_iter().zip(ends);
        Ok(ranges
            .map(|(start, end)| OffsetRange { start, end })
            .collect())
    }

    /// First offset at or after a time.
    pub(super) fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.exists(at)?;
        let offsets = self.offsets.of(
            Sees::Committed,
            std::slice::from_ref(at),
            Where::At(timestamp),
        )?;
        let found = offsets.first().copied();
        found.ok_or_else(|| LogError::NoPartition(at.clone()))
    }

    /// What can be read once every transaction that is open now is decided.
    pub(super) fn settled(&self, at: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        for at in at {
            self.exists(at)?;
        }
        let written = self.offsets.of(Sees::Everything, at, Where::End)?;
        let began = now();
        let within = self.shared.clients.transaction_timeout() + TIMED_OUT_SEEN_WITHIN;
        loop {
            let ranges = self.ranges_of(at)?;
            let held = ranges
                .iter()
                .zip(&written)
                .position(|(range, written)| range.end < *written);
            let Some(held) = held else {
                return Ok(ranges);
            };
            if began.elapsed() > within {
                return Err(LogError::Unavailable(format!(
                    "an open transaction holds back readers of partition \"{}\" at offset {}, \
                     though {} are written; `thalweg doctor` says for how long",
                    at[held], ranges[held].end, written[held]
                )));
            }
            std::thread::park_timeout(SETTLED_EVERY);
        }
    }

    /// An error if there is no such partition.
    pub(super) fn exists(&self, at: &TopicPartition) -> Result<(), LogError> {
        match self.spec(&at.topic)? {
            None => Err(LogError::NoTopic(at.topic.to_string())),
            Some(spec) if at.partition >= spec.partitions => Err(LogError::NoPartition(at.clone())),
            Some(_) => Ok(()),
        }
    }

    /// Settings of topics whose number of partitions is known. Where they may not be asked for, a
    /// topic is taken for one that keeps everything: only plans need to know better.
    fn describe(&self, topics: &[(TopicName, u32)]) -> Result<Vec<TopicSpec>, LogError> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = topics.iter().map(|(name, _)| name.as_str()).collect();
        let settings = self.admin.topics(&names)?;
        let asked = now();
        let mut specs = self.specs.lock();
        let made = topics.iter().map(|(name, partitions)| {
            let spec = spec_of(name, *partitions, settings.get(name.as_str()));
            specs.insert(name.to_string(), (asked, spec.clone()));
            spec
        });
        Ok(made.collect())
    }

    /// Creates a topic if it is missing, and waits until every partition has a leader.
    pub(super) fn ensure(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        if let Some(found) = self.partitions(&spec.name)? {
            return self.agree(spec, found).map(|()| false);
        }
        let place = Place::new("creating topic").of_topic(spec.name.as_str());
        let created = match self.admin.create(spec)? {
            None => true,
            // Another node was faster.
            Some(RDKafkaErrorCode::TopicAlreadyExists) => false,
            Some(code) => {
                return Err(self.shared.explained(super::error::coded(code, &place)));
            }
        };
        let began = now();
        loop {
            if let Some(found) = self.leaders(&spec.name)? {
                self.agree(spec, found)?;
                return Ok(created);
            }
            if began.elapsed() > REQUEST_WITHIN {
                let text = format!("{place}: its partitions have no leaders yet");
                return Err(self.shared.explained(LogError::Unavailable(text)));
            }
            std::thread::park_timeout(CREATED_EVERY);
        }
    }

    fn agree(&self, spec: &TopicSpec, found: u32) -> Result<(), LogError> {
        if found == spec.partitions {
            return Ok(());
        }
        Err(LogError::PartitionCount {
            topic: spec.name.to_string(),
            found,
            wanted: spec.partitions,
        })
    }

    /// Partitions of a topic once each has a leader.
    fn leaders(&self, name: &TopicName) -> Result<Option<u32>, LogError> {
        let metadata = self.offsets.metadata(Some(name.as_str()))?;
        let topic = metadata.topics().first();
        let ready = topic.filter(|topic| {
            let mut partitions = topic.partitions().iter();
            topic.error().is_none()
                && !topic.partitions().is_empty()
                && partitions.all(|p| p.error().is_none() && p.leader() >= 0)
        });
        Ok(ready.map(partitions))
    }

    /// Forgets records before an offset.
    pub(super) fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.exists(at)?;
        let range = self.ranges_of(std::slice::from_ref(at))?;
        let range = range.first().copied().unwrap_or_default();
        // The brokers refuse an offset past the end.
        let offset = offset.min(range.end);
        if offset <= range.start {
            return Ok(());
        }
        self.admin.delete_before(at, offset)
    }

    pub(super) fn admin(&self) -> &Admin {
        &self.admin
    }

    pub(super) fn offsets(&self) -> &Offsets {
        &self.offsets
    }
}

fn places(spec: &TopicSpec) -> Vec<TopicPartition> {
    let partitions = 0..spec.partitions;
    partitions
        .map(|p| TopicPartition::new(spec.name.clone(), p))
        .collect()
}

fn partitions(topic: &MetadataTopic) -> u32 {
    u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX)
}

/// Topic settings as the brokers tell them. A negative bound is none.
fn spec_of(name: &TopicName, partitions: u32, told: Option<&Settings>) -> TopicSpec {
    let value = |name: &str| told?.get(name);
    let bound = |name: &str| value(name)?.parse::<i64>().ok().filter(|n| *n >= 0);
    TopicSpec {
        name: name.clone(),
        partitions,
        compacted: value("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
        retention_ms: bound("retention.ms"),
        retention_bytes: bound("retention.bytes").and_then(|n| u64::try_from(n).ok()),
    }
}

fn now() -> Instant {
    Instant::now()
}
