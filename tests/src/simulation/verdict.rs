//! What a run left behind, and whether it is what a run without faults leaves.
//!
//! Outputs: each key's records in their order; how keys interleave is free. Dead letters: each once, in
//! any order. State: the last record of each key of each changelog, and what the stores of the tasks'
//! owners hold. Nothing here is the runtime's own arithmetic: it is compared with itself, undisturbed.

use std::collections::BTreeMap;
use std::sync::Arc;

use actors::log::{LogRecord, TopicPartition};
use bytes::Bytes;
use config::TopicName;

use super::cluster::Cluster;
use super::node::Node;

/// Records of a key, in order: value and time.
type Records = Vec<(Option<Bytes>, i64)>;

/// What is compared.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Left {
    /// By topic and key.
    outputs: BTreeMap<(String, Bytes), Records>,
    /// Sorted.
    dead_letters: Vec<(Bytes, Bytes, Bytes)>,
    /// By topic, partition and key.
    state: BTreeMap<(String, u32, Bytes), Bytes>,
}

impl Left {
    /// Reads it off the cluster.
    pub(super) fn of(cluster: &Cluster, sinks: &[&'static str]) -> Self {
        let mut left = Self::default();
        for info in cluster.topics() {
            let name = &info.spec.name;
            let is_sink = sinks.contains(&name.as_str());
            let is_dead = name.as_str().ends_with(".dead-letters");
            for partition in 0..info.spec.partitions {
                for record in all(cluster, name, partition) {
                    if is_sink {
                        left.output(name, record);
                    } else if is_dead {
                        left.dead_letter(&record);
                    } else if info.spec.compacted {
                        left.state(name, partition, record);
                    }
                }
            }
        }
        left.dead_letters.sort();
        left
    }

    fn output(&mut self, topic: &TopicName, record: LogRecord) {
        let key = (topic.to_string(), record.key.unwrap_or_default());
        let records = self.outputs.entry(key).or_default();
        records.push((record.value, record.timestamp));
    }

    fn dead_letter(&mut self, record: &LogRecord) {
        let code = record.headers.get("thalweg.code").unwrap_or_default();
        self.dead_letters.push((
            Bytes::copy_from_slice(code),
            record.key.clone().unwrap_or_default(),
            record.value.clone().unwrap_or_default(),
        ));
    }

    fn state(&mut self, topic: &TopicName, partition: u32, record: LogRecord) {
        let key = (topic.to_string(), partition, record.key.unwrap_or_default());
        match record.value {
            Some(value) => self.state.insert(key, value),
            None => self.state.remove(&key),
        };
    }

    /// How many outputs there are.
    pub(super) fn outputs(&self) -> usize {
        self.outputs.values().map(Vec::len).sum()
    }

    /// The first difference from what should be there, in words.
    pub(super) fn differs_from(&self, right: &Self) -> Option<String> {
        for key in self.outputs.keys().chain(right.outputs.keys()) {
            let (found, expected) = (self.outputs.get(key), right.outputs.get(key));
            if found != expected {
                let (topic, key) = (&key.0, String::from_utf8_lossy(&key.1));
                return Some(format!(
                    "topic \"{topic}\", key \"{key}\": {}",
                    first_difference(found, expected)
                ));
            }
        }
        if self.dead_letters != right.dead_letters {
            return Some(format!(
                "dead letters {:?}, not {:?}",
                self.dead_letters, right.dead_letters
            ));
        }
        for key in self.state.keys().chain(right.state.keys()) {
            let (found, expected) = (self.state.get(key), right.state.get(key));
            if found != expected {
                let (topic, partition, key) = (&key.0, key.1, String::from_utf8_lossy(&key.2));
                return Some(format!(
                    "state of \"{key}\" in {topic}-{partition}: {found:?}, not {expected:?}"
                ));
            }
        }
        None
    }
}

fn first_difference(found: Option<&Records>, expected: Option<&Records>) -> String {
    let none = Records::new();
    let (found, expected) = (found.unwrap_or(&none), expected.unwrap_or(&none));
    let text = |record: Option<&(Option<Bytes>, i64)>| match record {
        Some((Some(value), _)) => String::from_utf8_lossy(value).into_owned(),
        Some((None, _)) => "a delete".to_owned(),
        None => "nothing".to_owned(),
    };
    let longest = found.len().max(expected.len());
    let first = (0..longest).find(|at| found.get(*at) != expected.get(*at));
    let at = first.unwrap_or(0);
    format!(
        "record {at} of {} is {}, not {} (of {})",
        found.len(),
        text(found.get(at)),
        text(expected.get(at)),
        expected.len()
    )
}

/// Whether the stores of the tasks that nodes ran last hold what the changelogs say.
pub(super) fn wrong_store(cluster: &Cluster, owners: &[(Arc<Node>, Owned)]) -> Option<String> {
    for (node, owned) in owners {
        for (store, changelogs) in owned {
            let Some(content) = node.disk.content(store) else {
                continue;
            };
            let mut expected = BTreeMap::new();
            for (space, at) in (0..).zip(changelogs) {
                for record in all(cluster, &at.topic, at.partition) {
                    let key = (space, record.key.unwrap_or_default());
                    match record.value {
                        Some(value) => expected.insert(key, value),
                        None => expected.remove(&key),
                    };
                }
            }
            if content.values != expected {
                return Some(format!(
                    "store \"{store}\" of {} is not what its changelogs say, {:?}",
                    node.name, content.marker
                ));
            }
        }
    }
    None
}

/// Stores of tasks, with their changelogs in the order of their spaces.
pub(super) type Owned = Vec<(String, Vec<TopicPartition>)>;

fn all(cluster: &Cluster, topic: &TopicName, partition: u32) -> Vec<LogRecord> {
    let at = TopicPartition::new(topic.clone(), partition);
    let read = cluster.read(&at, 0, usize::MAX);
    read.map(|(records, _)| records).unwrap_or_default()
}
