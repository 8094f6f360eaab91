//! Topics that are there already, as the log has them.

use std::collections::HashMap;
use std::path::Path;

use actors::log::{Log, TopicSpec};
use actors::nodes::topics::{matching, patterns, topics};
use config::{KafkaSettings, LogSettings, TopicName, Topology};

use crate::access::{Access, AccessError, connect};
use crate::control::{ControlError, TopicView};

/// A topic that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Found {
    /// Partitions.
    pub(in crate::cli) partitions: u32,
    /// Keeps the last record of each key.
    pub(in crate::cli) compacted: bool,
    /// Old records are deleted after so many milliseconds; `None`: never.
    pub(in crate::cli) retention_ms: Option<i64>,
    /// Replicas of each partition, where there are such.
    pub(in crate::cli) replication: Option<u16>,
}

/// Those of the topics that a topology needs, by name, and those that match its patterns.
pub(in crate::cli) type FoundTopics = HashMap<String, Found>;

/// Asks the log of a topology: none where no log is yet.
///
/// # Errors
/// If the log cannot be asked.
pub(in crate::cli) fn found(
    topology: &Topology,
    data_dir: &Path,
) -> Result<FoundTopics, AccessError> {
    match &topology.log {
        LogSettings::Embedded if !data_dir.join("log").exists() => Ok(HashMap::new()),
        LogSettings::Embedded => Ok(embedded(Access::open(data_dir)?.topics()?)),
        LogSettings::Kafka(kafka) => cluster(kafka, topology),
    }
}

fn embedded(topics: Vec<TopicView>) -> FoundTopics {
    let found = topics.into_iter().map(|topic| {
        let found = Found {
            partitions: u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX),
            compacted: topic.compacted,
            retention_ms: None,
            replication: None,
        };
        (topic.name, found)
    });
    found.collect()
}

fn cluster(kafka: &KafkaSettings, topology: &Topology) -> Result<FoundTopics, AccessError> {
    let specs = topics(topology).into_iter();
    let mut names: Vec<TopicName> = specs.map(|(_, TopicSpec { name, .. })| name).collect();
    let log = connect(kafka)?;
    if patterns(topology).next().is_some() {
        let all = log.names().map_err(ControlError::from)?;
        for (_, pattern) in patterns(topology) {
            names.extend(matching(topology, pattern, all.iter()));
        }
    }
    let described = log.look(&names).map_err(ControlError::from)?;
    let found = described.into_iter().flatten().map(|topic| {
        let deletes = topic.deletes;
        let found = Found {
            partitions: topic.spec.partitions,
            compacted: topic.spec.compacted,
            retention_ms: topic.spec.retention_ms.filter(|_| deletes),
            replication: Some(topic.replication),
        };
        (topic.spec.name.to_string(), found)
    });
    Ok(found.collect())
}
