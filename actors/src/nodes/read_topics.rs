//! The topics that an entry reads: as they are named, or those that match its pattern now.

use std::sync::Arc;

use config::{TopicName, TopicPattern};
use parking_lot::RwLock;

use super::program::{Entry, EntryKind, Program, only};
use crate::log::TopicPartition;

/// Topics that an entry reads; those of a pattern change while it runs. Tasks take them as they are
/// when they start.
#[derive(Debug)]
pub struct ReadTopics {
    /// Which topics are meant, if they are not named.
    pub pattern: Option<TopicPattern>,
    now: RwLock<Now>,
}

#[derive(Debug, Default)]
struct Now {
    topics: Arc<Vec<TopicName>>,
    /// Those that were there at the first look: the source's `start` is about them.
    first: Option<Arc<Vec<TopicName>>>,
}

impl ReadTopics {
    /// Topics with these names.
    #[must_use]
    pub fn named(topics: Vec<TopicName>) -> Self {
        let topics = Arc::new(topics);
        let first = Some(Arc::clone(&topics));
        Self {
            pattern: None,
            now: RwLock::new(Now { topics, first }),
        }
    }

    /// Topics that match; none before the first look.
    #[must_use]
    pub fn matching(pattern: TopicPattern) -> Self {
        Self {
            pattern: Some(pattern),
            now: RwLock::default(),
        }
    }

    /// The topics now.
    #[must_use]
    pub fn now(&self) -> Arc<Vec<TopicName>> {
        Arc::clone(&self.now.read().topics)
    }

    /// Says which match now. True if that is news.
    pub fn set(&self, topics: Vec<TopicName>) -> bool {
        let mut now = self.now.write();
        if now.first.is_some() && *now.topics == topics {
            return false;
        }
        now.topics = Arc::new(topics);
        if now.first.is_none() {
            now.first = Some(Arc::clone(&now.topics));
        }
        true
    }

    /// Whether a topic came after the first look: it is read from its first record on.
    #[must_use]
    pub fn came_later(&self, topic: &TopicName) -> bool {
        let first = self.now.read().first.clone();
        first.is_some_and(|first| !first.contains(topic))
    }
}

impl Program {
    /// The topic that the records came from at first, if it is one: rows do not remember which of
    /// several it was.
    #[must_use]
    pub fn origin_topic(&self) -> Option<TopicName> {
        match self.entries.as_slice() {
            [entry] => match &entry.kind {
                EntryKind::Source(source, _) => only(source),
                EntryKind::Repartition { origin, .. } => origin.clone(),
            },
            _ => None,
        }
    }

    /// Whether a task reads several partitions, or may come to.
    #[must_use]
    pub fn reads_several(&self) -> bool {
        let follows = |entry: &Entry| entry.topics.pattern.is_some();
        self.entries.iter().any(follows) || self.inputs(0).count() > 1
    }

    /// Input partitions of the task with this partition, with the entry they belong to.
    pub fn inputs(&self, partition: u32) -> impl Iterator<Item = (&Entry, TopicPartition)> {
        self.entries.iter().flat_map(move |entry| {
            let topics = entry.topics.now();
            let count = topics.len();
            let at = move |nth: usize| (entry, TopicPartition::new(topics[nth].clone(), partition));
            (0..count).map(at)
        })
    }
}
