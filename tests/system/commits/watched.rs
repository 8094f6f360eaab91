//! A log in memory on whose calls a test acts: what becomes of a commit, what happens meanwhile.

use std::sync::Arc;
use std::time::Duration;

use actors::log::memory::MemoryLog;
use actors::log::{
    Committed, Consumer, ConsumerSettings, Fetched, GroupToken, Log, LogError, LogRecord,
    OffsetCommit, Polled, Producer, TopicInfo, TopicPartition, TopicSpec,
};
use config::TopicName;

/// What a test does at the calls that decide over exactly-once. By default nothing.
pub(crate) trait Watcher: Send + Sync + 'static {
    /// Someone asks for a group's positions.
    fn positions_asked(&self) {}

    /// A member polls: what it hears instead of what the log has to say.
    fn polled(&self) -> Option<Polled> {
        None
    }

    /// A member is about to join.
    fn joined(&self) {}

    /// A member proves its membership.
    fn token_given(&self) {}

    /// Positions go into a transaction.
    ///
    /// # Errors
    /// If the test refuses them.
    fn offsets_sent(&self) -> Result<(), LogError> {
        Ok(())
    }

    /// A transaction is to be committed.
    ///
    /// # Errors
    /// What the committer is to be told.
    fn commit(&self, producer: &mut dyn Producer) -> Result<(), LogError> {
        producer.commit()
    }
}

/// The log.
pub(crate) struct Watched<W> {
    pub(crate) inner: MemoryLog,
    pub(crate) watcher: Arc<W>,
}

impl<W: Watcher> Log for Watched<W> {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        self.inner.topics()
    }

    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        self.inner.topic(name)
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        self.inner.ensure_topic(spec)
    }

    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        self.inner.read(at, from, max_records, max_bytes)
    }

    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.inner.offset_at(at, timestamp)
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        self.watcher.positions_asked();
        self.inner.committed(group, partitions)
    }

    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.inner.delete_before(at, offset)
    }

    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        self.watcher.joined();
        Ok(Box::new(WatchedConsumer {
            inner: self.inner.consumer(settings)?,
            watcher: Arc::clone(&self.watcher),
        }))
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError> {
        Ok(Box::new(WatchedProducer {
            inner: self.inner.producer(transactional_id)?,
            watcher: Arc::clone(&self.watcher),
        }))
    }
}

struct WatchedConsumer<W> {
    inner: Box<dyn Consumer>,
    watcher: Arc<W>,
}

impl<W: Watcher> Consumer for WatchedConsumer<W> {
    fn poll(&mut self, timeout: Duration) -> Result<Polled, LogError> {
        match self.watcher.polled() {
            Some(polled) => Ok(polled),
            None => self.inner.poll(timeout),
        }
    }

    fn subscribe(&mut self, topics: &[(TopicName, config::Start)]) -> Result<(), LogError> {
        self.inner.subscribe(topics)
    }

    fn pause(&mut self, at: &TopicPartition) {
        self.inner.pause(at);
    }

    fn resume(&mut self, at: &TopicPartition) {
        self.inner.resume(at);
    }

    fn seek(&mut self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.inner.seek(at, offset)
    }

    fn token(&self) -> Result<GroupToken, LogError> {
        self.watcher.token_given();
        self.inner.token()
    }
}

struct WatchedProducer<W> {
    inner: Box<dyn Producer>,
    watcher: Arc<W>,
}

impl<W: Watcher> Producer for WatchedProducer<W> {
    fn begin(&mut self) -> Result<(), LogError> {
        self.inner.begin()
    }

    fn send(&mut self, to: &TopicPartition, records: Vec<LogRecord>) -> Result<(), LogError> {
        self.inner.send(to, records)
    }

    fn send_offsets(
        &mut self,
        group: &str,
        offsets: &[OffsetCommit],
        token: Option<&GroupToken>,
    ) -> Result<(), LogError> {
        self.watcher.offsets_sent()?;
        self.inner.send_offsets(group, offsets, token)
    }

    fn commit(&mut self) -> Result<(), LogError> {
        self.watcher.commit(&mut *self.inner)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        self.inner.abort()
    }
}
