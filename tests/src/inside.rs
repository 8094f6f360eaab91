//! A topology run inside the test's own process, over a log that the test holds.

#![expect(
    clippy::panic,
    reason = "used by tests only, where a panic is the way to fail"
)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::log::{Log, LogRecord, TopicPartition};
use actors::nodes::context::ShardContext;
use actors::nodes::faults::Faults;
use config::{LoadOptions, TopicName, Topology};
use models::ModelFolders;
use runtime::control::Control;
use runtime::daemon::{Daemon, context};

/// A run that takes longer than this has failed.
const WITHIN: Duration = Duration::from_secs(300);

/// Loads a topology of this text; paths in it resolve against the repository's root.
///
/// # Panics
/// If it is not valid: the test is wrong then.
#[must_use]
pub fn topology(text: &str) -> Topology {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let environment = |_: &str| None;
    let options = LoadOptions {
        overrides: Vec::new(),
        environment: &environment,
        models: &ModelFolders,
    };
    match config::load_text(&root.join("test.toml"), text, &options) {
        Ok(topology) => topology,
        Err(problems) => panic!("{problems}"),
    }
}

/// Runs a topology until it has caught up, then stops it; gives the highest generation of its actors.
///
/// # Panics
/// If it does not start, or does not catch up in time.
pub fn run(topology: Topology, log: Arc<dyn Log>, data: &Path, faults: Faults) -> u64 {
    block_on(async {
        let running = Running::start(topology, log, data, faults).await;
        running.caught_up().await;
        running.stop().await
    })
}

/// Runs a test's scenario on a runtime of its own.
///
/// # Panics
/// If there is none to be had.
pub fn block_on<T>(scenario: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(scenario)
}

/// A topology that runs.
pub struct Running {
    /// Its daemon.
    pub daemon: Daemon,
    /// The door to it.
    pub control: Control,
}

impl Running {
    /// Starts a topology.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(topology: Topology, log: Arc<dyn Log>, data: &Path, faults: Faults) -> Self {
        Self::of(context(topology, log, data, "test", faults)).await
    }

    /// Starts what is described by a context.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn of(context: Arc<ShardContext>) -> Self {
        let control = Control::new(Arc::clone(&context));
        let started = Daemon::start(context).await;
        let daemon = started.unwrap_or_else(|e| panic!("no start: {e}"));
        Self { daemon, control }
    }

    /// Waits until all is read, processed and committed; sources have ended from then on.
    ///
    /// # Panics
    /// If it takes too long.
    pub async fn caught_up(&self) {
        let caught_up = tokio::time::timeout(WITHIN, self.daemon.caught_up()).await;
        let tasks = self.daemon.context.status.tasks();
        assert!(caught_up.is_ok(), "not caught up in time: {tasks:?}");
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// If it does not become so in time.
    pub async fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = look() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(WITHIN, wait).await {
            Ok(found) => found,
            Err(_) => panic!("in vain waited for: {what}"),
        }
    }

    /// Calls the control, as the API does: on a thread that may block.
    ///
    /// # Panics
    /// If the call does.
    pub async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Control) -> T + Send + 'static,
    ) -> T {
        let control = self.control.clone();
        let called = tokio::task::spawn_blocking(move || call(&control)).await;
        called.unwrap_or_else(|e| panic!("the call panicked: {e}"))
    }

    /// Stops it; gives the highest generation of its actors.
    ///
    /// # Panics
    /// If not all actors stop in time.
    pub async fn stop(self) -> u64 {
        let tree = self.daemon.tree.view();
        let restarts = tree.walk().filter_map(|actor| actor.generation).max();
        self.daemon.stop().await.expect("all actors stop in time");
        restarts.unwrap_or(0)
    }
}

/// All records of a topic, by partition.
///
/// # Panics
/// If the topic cannot be read.
#[must_use]
pub fn records(log: &dyn Log, topic: &str) -> Vec<Vec<LogRecord>> {
    let name = TopicName::parse(topic).expect("a topic name");
    let info = log
        .topic(&name)
        .expect("the log answers")
        .expect("the topic is there");
    let read = |partition| {
        let at = TopicPartition::new(name.clone(), partition);
        let (mut from, mut records) = (0, Vec::new());
        loop {
            let fetched = log.read(&at, from, 10_000, 64 << 20).expect("readable");
            if fetched.records.is_empty() {
                return records;
            }
            from = fetched.next_offset;
            records.extend(fetched.records);
        }
    };
    (0..info.spec.partitions).map(read).collect()
}

/// Values of a topic as text, by partition.
#[must_use]
pub fn values(log: &dyn Log, topic: &str) -> Vec<Vec<String>> {
    let text =
        |record: LogRecord| String::from_utf8_lossy(&record.value.unwrap_or_default()).into_owned();
    records(log, topic)
        .into_iter()
        .map(|p| p.into_iter().map(text).collect())
        .collect()
}

/// Appends records to a topic, partitioned by key.
///
/// # Panics
/// If the log refuses.
pub fn append(log: &dyn Log, topic: &str, records: Vec<LogRecord>) {
    let name = TopicName::parse(topic).expect("a topic name");
    let partitions = log
        .topic(&name)
        .expect("answers")
        .expect("there")
        .spec
        .partitions;
    let mut producer = log.producer("test").expect("a producer");
    let mut by_partition: HashMap<u32, Vec<LogRecord>> = HashMap::new();
    for (nth, record) in (0u32..).zip(records) {
        let partition = match &record.key {
            Some(key) => actors::log::partition_for_key(key, partitions),
            None => nth % partitions,
        };
        by_partition.entry(partition).or_default().push(record);
    }
    producer.begin().expect("begin");
    for (partition, records) in by_partition {
        producer
            .send(&TopicPartition::new(name.clone(), partition), records)
            .expect("send");
    }
    producer.commit().expect("commit");
}
