//! What the tasks read: topics as they are named, and those that match patterns now.

use std::collections::BTreeSet;

use config::{Start, TopicName};
use supervisors::TaskId;

use super::ShardContext;
use crate::log::{LogError, TopicPartition};
use crate::nodes::program::EntryKind;
use crate::nodes::topics::matching;

impl ShardContext {
    /// Looks which topics match the patterns of sources now, and remembers it. True if that is news.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn look_for_topics(&self) -> Result<bool, LogError> {
        let entries = self.programs.iter().flat_map(|program| {
            let entries = program.entries.iter();
            entries.map(|entry| (entry, program.partitions))
        });
        let followed = entries.filter_map(|(entry, partitions)| {
            Some((entry, entry.topics.pattern.as_ref()?, partitions))
        });
        let mut all = None;
        let mut news = false;
        for (entry, pattern, partitions) in followed {
            let all = match &all {
                Some(all) => all,
                None => all.insert(self.log.names()?),
            };
            let before = entry.topics.now();
            let mut fitting = Vec::new();
            for topic in matching(&self.topology, pattern, all.iter()) {
                if before.contains(&topic) || self.fits(&topic, partitions)? {
                    fitting.push(topic);
                }
            }
            if entry.topics.set(fitting) {
                let names: Vec<_> = entry
                    .topics
                    .now()
                    .iter()
                    .map(TopicName::to_string)
                    .collect();
                tracing::info!(%pattern, topics = names.join(" "), "topics that match");
                news = true;
            }
        }
        Ok(news)
    }

    /// Whether a topic has a partition for each task, and no more; says loudly if not.
    fn fits(&self, topic: &TopicName, partitions: u32) -> Result<bool, LogError> {
        let Some(info) = self.log.topic(topic)? else {
            return Ok(false);
        };
        if info.spec.partitions == partitions {
            return Ok(true);
        }
        tracing::error!(
            %topic, partitions = info.spec.partitions, wanted = partitions,
            "a topic matches, but has another number of partitions than the source: it is NOT read"
        );
        Ok(false)
    }

    /// Every topic that the tasks read, and where reading begins the first time.
    #[must_use]
    pub fn subscription(&self) -> Vec<(TopicName, Start)> {
        let entries = self.programs.iter().flat_map(|program| &program.entries);
        let topics = entries.flat_map(|entry| {
            let start = match &entry.kind {
                EntryKind::Source(source, _) => source.start,
                EntryKind::Repartition { .. } => Start::Earliest,
            };
            let topics = entry.topics.now();
            topics
                .iter()
                .map(|topic| (topic.clone(), start))
                .collect::<Vec<_>>()
        });
        topics.collect()
    }

    /// Every topic that the tasks read, with the partitions that it must have, and whether it may go:
    /// one of a pattern's may.
    #[must_use]
    pub fn read_topics(&self) -> Vec<(TopicName, u32, bool)> {
        let mut topics = Vec::new();
        for program in &self.programs {
            for entry in &program.entries {
                let may_go = entry.topics.pattern.is_some();
                for topic in entry.topics.now().iter() {
                    topics.push((topic.clone(), program.partitions, may_go));
                }
            }
        }
        topics
    }

    /// The partitions that tasks read, as topics are now.
    #[must_use]
    pub fn inputs_of(&self, tasks: &[TaskId]) -> BTreeSet<TopicPartition> {
        let inputs = tasks
            .iter()
            .flat_map(|task| self.program(*task).inputs(task.partition));
        inputs.map(|(_, at)| at).collect()
    }
}
