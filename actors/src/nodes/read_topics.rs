//! The topics that an entry reads: as they are named, or those that match its pattern now.

use std::sync::Arc;

use config::{TopicName, TopicPattern};
use parking_lot::RwLock;

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
