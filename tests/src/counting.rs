//! A topology that counts the records of each key, run in this process: who feeds it knows what must
//! come out, in which order, and how often.

#![expect(clippy::panic, reason = "what comes out wrong ends the experiment")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::log::{Log, LogRecord, Producer, TopicPartition, partition_for_key};
use actors::nodes::context::ShardContext;
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use config::{TopicName, Topology};
use runtime::daemon::context;
use tokio::runtime::Runtime;

use crate::inside::{self, Running};

/// How often what has come out is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Records of one transaction of the feed, at most.
const BLOCK: usize = 50_000;

/// What is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Partitions of the input.
    pub partitions: u32,
    /// Keys `k0`, `k1` …
    pub keys: u32,
    /// `[state] memory`.
    pub memory: String,
    /// The operator's `sessions`, as in TOML.
    pub sessions: String,
    /// Records of an epoch.
    pub epoch: u32,
}

/// The topology at work.
pub struct Counting {
    settings: Settings,
    runtime: Runtime,
    /// `None` only while it is restarted.
    running: Option<Running>,
    context: MakeContext,
    log: Arc<dyn Log>,
    producer: Box<dyn Producer>,
    /// Records that each key has been given.
    given: Vec<u32>,
    tally: Tally,
}

/// Makes the context of each start over a log.
pub type MakeContext = Box<dyn Fn(Topology, Arc<dyn Log>) -> Arc<ShardContext>>;

/// What has come out.
#[derive(Debug, Default)]
struct Tally {
    /// Next offset by partition.
    positions: Vec<i64>,
    rows: u64,
    by_partition: Vec<u64>,
    /// By key: rows counted, and the number of the last record.
    last: Vec<(u32, i64)>,
}

impl Settings {
    /// Four partitions, room for half a gigabyte of hosted sessions.
    #[must_use]
    pub fn of(keys: u32) -> Self {
        Self {
            partitions: 4,
            keys,
            memory: "512MiB".into(),
            sessions: "{ hosting = \"hosted\" }".into(),
            epoch: 10_000,
        }
    }

    fn text(&self) -> String {
        let Self {
            partitions,
            memory,
            sessions,
            epoch,
            ..
        } = self;
        format!(
            r#"version = 1
name = "counting"
epoch = {{ records = {epoch} }}
[state]
memory = "{memory}"
[[source]]
id = "events"
topic = "events"
format = "json"
key = "key"
partitions = {partitions}
[source.schema]
key = "string"
n = "int64"
[[operator]]
id = "count"
kind = "rolling"
input = "events"
sessions = {sessions}
[operator.columns]
seen = {{ fn = "count" }}
[[sink]]
id = "out"
input = "count"
topic = "out"
format = "json"
key = "key"
"#
        )
    }
}

impl Counting {
    /// Starts it over an empty log.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(settings: Settings, log: Arc<dyn Log>, data: &Path, faults: Faults) -> Self {
        let data = data.to_owned();
        let context = move |topology, log| context(topology, log, &data, "test", faults.clone());
        Self::start_in(settings, log, Box::new(context))
    }

    /// The same, in contexts of one's own.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_in(settings: Settings, log: Arc<dyn Log>, context: MakeContext) -> Self {
        let topology = inside::topology(&settings.text());
        for (_, spec) in topics(&topology) {
            log.ensure_topic(&spec).expect("created");
        }
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.enable_all().build().expect("a runtime");
        let running = Running::of(context(topology, Arc::clone(&log)));
        let running = runtime.block_on(running);
        let producer = log.producer("feed-of-the-experiment").expect("a producer");
        let (keys, partitions) = (settings.keys as usize, settings.partitions as usize);
        Self {
            runtime,
            running: Some(running),
            context,
            log,
            producer,
            given: vec![0; keys],
            tally: Tally {
                positions: vec![0; partitions],
                by_partition: vec![0; partitions],
                last: vec![(0, -1); keys],
                rows: 0,
            },
            settings,
        }
    }

    /// The running topology.
    #[must_use]
    ///
    /// # Panics
    /// Never: only a restart, which borrows all of this, takes it away.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// Stops it, does something, and starts it again over the same log.
    ///
    /// # Panics
    /// If it does not stop or start.
    pub fn restart(&mut self, between: impl FnOnce()) {
        let running = self.running.take().expect("it runs");
        self.runtime.block_on(running.stop());
        between();
        let topology = inside::topology(&self.settings.text());
        let context = (self.context)(topology, Arc::clone(&self.log));
        self.running = Some(self.runtime.block_on(Running::of(context)));
    }

    /// Does something that needs its runtime.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Gives each of these keys a record, in their order; `note` stands in the record beside what counts.
    ///
    /// # Panics
    /// If the log refuses.
    pub fn append(&mut self, keys: impl IntoIterator<Item = u32>, note: &str) {
        let keys: Vec<u32> = keys.into_iter().collect();
        for block in keys.chunks(BLOCK) {
            let mut by_partition = vec![Vec::new(); self.settings.partitions as usize];
            for key in block {
                let n = self.given[*key as usize];
                self.given[*key as usize] += 1;
                let value = format!(r#"{{"key":"k{key}","n":{n}{note}}}"#);
                let partition = self.partition(*key);
                let key = format!("k{key}").into();
                by_partition[partition].push(LogRecord::new(Some(key), Some(value.into()), 1));
            }
            self.producer.begin().expect("begins");
            for (partition, records) in (0..).zip(by_partition) {
                let at = TopicPartition::new(topic("events"), partition);
                self.producer.send(&at, records).expect("takes them");
            }
            self.producer.commit().expect("commits");
        }
    }

    /// The partition of a key.
    #[must_use]
    pub fn partition(&self, key: u32) -> usize {
        partition_for_key(format!("k{key}").as_bytes(), self.settings.partitions) as usize
    }

    /// Looks at what has come out since the last time.
    ///
    /// # Panics
    /// If a row is there twice, missing or out of order within its key.
    pub fn look(&mut self) {
        for partition in 0..self.tally.positions.len() {
            let number = u32::try_from(partition).expect("few");
            let at = TopicPartition::new(topic("out"), number);
            loop {
                let from = self.tally.positions[partition];
                let fetched = self
                    .log
                    .read(&at, from, 50_000, 16 << 20)
                    .expect("readable");
                if fetched.records.is_empty() {
                    break;
                }
                self.tally.positions[partition] = fetched.next_offset;
                for record in fetched.records {
                    self.tally
                        .take(partition, &record.value.unwrap_or_default());
                }
            }
        }
    }

    /// Rows that have come out so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tally.rows
    }

    /// The same by partition.
    #[must_use]
    pub fn rows_of(&self, partition: usize) -> u64 {
        self.tally.by_partition[partition]
    }

    /// Rows of a key, and the number of its last record.
    #[must_use]
    pub fn rows_of_key(&self, key: u32) -> (u32, i64) {
        self.tally.last[key as usize]
    }

    /// Records given so far.
    #[must_use]
    pub fn given(&self) -> u64 {
        self.given.iter().map(|given| u64::from(*given)).sum()
    }

    /// Records given to a key.
    #[must_use]
    pub fn given_to(&self, key: u32) -> u32 {
        self.given[key as usize]
    }

    /// Looks until so many rows have come out; gives how long that took.
    ///
    /// # Panics
    /// If it takes longer than `within`.
    pub fn until_rows(&mut self, rows: u64, within: Duration) -> Duration {
        let began = Instant::now();
        loop {
            self.look();
            if self.rows() >= rows {
                return began.elapsed();
            }
            let (so_far, tasks) = (self.rows(), self.running().daemon.context.status.tasks());
            assert!(
                began.elapsed() < within,
                "{so_far} of {rows} rows: {tasks:?}"
            );
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    /// That every record given has come out, once: all keys have been counted to their last.
    ///
    /// # Panics
    /// If one has not.
    pub fn assert_whole(&self) {
        for (key, (given, (seen, _))) in self.given.iter().zip(&self.tally.last).enumerate() {
            assert_eq!(given, seen, "records and rows of key k{key}");
        }
    }

    /// Stops it; gives the highest generation of its actors.
    ///
    /// # Panics
    /// If it does not stop in time.
    pub fn stop(self) -> u64 {
        let running = self.running.expect("it runs");
        self.runtime.block_on(running.stop())
    }
}

impl Tally {
    /// `{"key":"k1","n":2,"seen":3}`: the key's rows are counted without a gap, in the order of its records.
    fn take(&mut self, partition: usize, value: &[u8]) {
        let text = std::str::from_utf8(value).unwrap_or_default();
        let Some((key, n, seen)) = parse(text) else {
            panic!("no row of this topology: {text}");
        };
        let (counted, last) = &mut self.last[key];
        assert!(
            seen == *counted + 1 && n > *last,
            "after {counted}, {last}: {text}"
        );
        (*counted, *last) = (seen, n);
        self.rows += 1;
        self.by_partition[partition] += 1;
    }
}

fn parse(text: &str) -> Option<(usize, i64, u32)> {
    let rest = text.strip_prefix("{\"key\":\"k")?;
    let (key, rest) = rest.split_once("\",\"n\":")?;
    let (n, rest) = rest.split_once(",\"seen\":")?;
    Some((
        key.parse().ok()?,
        n.parse().ok()?,
        rest.strip_suffix('}')?.parse().ok()?,
    ))
}

fn topic(name: &str) -> TopicName {
    TopicName::parse(name).expect("a topic name")
}
