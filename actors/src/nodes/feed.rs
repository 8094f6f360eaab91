//! A feed: the actor that answers for the thread that fills a source's topic from outside the log.
//!
//! The thread writes records and its own position in one transaction, so a feed is exactly once
//! too. It keeps to its rate and never runs far ahead of what is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use config::{Feed, Node, NodeIndex, Source};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::context::ShardContext;
use crate::feeds::{FeedReader, FeedTarget};
use crate::log::{LogRecord, OffsetCommit, Producer, TopicPartition, partition_for_key};
use crate::nodes::failure;
use crate::nodes::pulse::{self, Stage};

/// Records of one transaction, at most.
const RECORDS_PER_WRITE: usize = 10_000;
/// Time between transactions of a paced feed: small against an epoch.
const WRITE_EVERY: Duration = Duration::from_millis(20);
/// Records that may lie unread in the topic; more make the feed wait.
const AHEAD_MAX: u64 = 200_000;

/// What the actor hears from its thread.
pub enum FeedMessage {
    /// The thread has ended: the feed's end, or a reason.
    ThreadEnded(Option<String>),
}

/// The actor.
pub struct FeedActor;

/// How it starts.
pub struct FeedArguments {
    /// The shard.
    pub context: Arc<ShardContext>,
    /// Which source it feeds.
    pub source: NodeIndex,
}

/// What it holds.
pub struct FeedState {
    context: Arc<ShardContext>,
    stop: Arc<AtomicBool>,
}

impl Actor for FeedActor {
    type Msg = FeedMessage;
    type State = FeedState;
    type Arguments = FeedArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<FeedMessage>,
        arguments: FeedArguments,
    ) -> Result<FeedState, ActorProcessingErr> {
        let FeedArguments { context, source } = arguments;
        let stop = Arc::new(AtomicBool::new(false));
        let here = context.fed_here(&context.assigned());
        if !here.contains(context.topology.node(source).id()) {
            // Another node feeds this topic.
            return Ok(FeedState { context, stop });
        }
        let shared = Arc::clone(&context);
        let open = move || Writer::open(shared, source);
        let writer = context.blocking("open feed", open).await??;
        if let Some(mut writer) = writer {
            writer.stop = Arc::clone(&stop);
            let name = format!("feed-{}", writer.source.id);
            let ended = Ended(myself);
            let work = async move {
                let outcome = writer.run().err().map(|error| error.to_string());
                // An actor that is gone has stopped the thread itself.
                drop(ended.0.send_message(FeedMessage::ThreadEnded(outcome)));
                std::mem::forget(ended);
            };
            context.threads.start(&name, work)?;
        }
        Ok(FeedState { context, stop })
    }

    async fn handle(
        &self,
        _: ActorRef<FeedMessage>,
        message: FeedMessage,
        state: &mut FeedState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.hit("feed");
        match message {
            FeedMessage::ThreadEnded(None) => Ok(()),
            FeedMessage::ThreadEnded(Some(reason)) => Err(failure(reason)),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<FeedMessage>,
        state: &mut FeedState,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.store(true, Ordering::Release);
        Ok(())
    }
}

/// Tells the actor that the thread panicked.
struct Ended(ActorRef<FeedMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        let reason = Some("the feed's thread panicked".to_owned());
        drop(self.0.send_message(FeedMessage::ThreadEnded(reason)));
    }
}

/// The thread's work.
struct Writer {
    context: Arc<ShardContext>,
    source: Source,
    group: String,
    reader: Box<dyn FeedReader>,
    producer: Box<dyn Producer>,
    rate: Option<f64>,
    partitions: u32,
    position: u64,
    /// Records written to the source's topic in this life; labels keep no pace.
    paced: u64,
    stop: Arc<AtomicBool>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Writer {
    /// Opens the feed at its committed position; `None` if it has none to read (HTTP) or has ended.
    fn open(context: Arc<ShardContext>, index: NodeIndex) -> Result<Option<Self>, Failure> {
        let Node::Source(source) = context.topology.node(index).clone() else {
            return Err(failure("only sources have feeds"));
        };
        let Some(feed) = &source.feed else {
            return Ok(None);
        };
        let group = context.feed_group(index);
        let at = TopicPartition::new(source.topics[0].clone(), 0);
        // Fence the former life first: what it had in flight is settled before the position is read.
        let producer = context.log.producer(&format!("{group}.producer"))?;
        let committed = context
            .log
            .committed(&group, std::slice::from_ref(&at))?
            .into_iter()
            .next();
        let (position, ended) = match committed.flatten() {
            Some(committed) => (
                u64::try_from(committed.offset)?,
                committed.metadata == "ended",
            ),
            None => (0, false),
        };
        if ended {
            context.status.set_source_ended(&source.id);
            return Ok(None);
        }
        let Some(reader) = crate::feeds::open(feed, &source, position)? else {
            return Ok(None);
        };
        let partitions = source.partitions;
        let rate = match feed {
            Feed::File { rate, .. } | Feed::Generator { rate, .. } => *rate,
            Feed::Http | Feed::Stdin => None,
        };
        let stop = Arc::new(AtomicBool::new(false));
        Ok(Some(Self {
            group,
            reader,
            producer,
            rate,
            partitions,
            position,
            paced: 0,
            stop,
            source,
            context,
        }))
    }

    fn run(mut self) -> Result<(), Failure> {
        let began = Instant::now();
        let mut next_write = began;
        while !self.stop.load(Ordering::Acquire) && !pulse::is_given_up() {
            pulse::progress();
            let now = Instant::now();
            let want = match self.rate {
                None => RECORDS_PER_WRITE,
                // Paced: a transaction every so often with what is due by then, not one a record.
                Some(_) if now < next_write => 0,
                Some(rate) => due(now - began, rate, self.paced),
            };
            if want == 0 || self.ahead() > AHEAD_MAX {
                std::thread::park_timeout(
                    next_write
                        .saturating_duration_since(now)
                        .max(WRITE_EVERY / 4),
                );
                continue;
            }
            next_write = now + WRITE_EVERY;
            let records = {
                let _call = pulse::enter(Stage::File);
                self.reader.next(want)?
            };
            self.context.faults.hit("feed-thread");
            let ended = records.is_empty() && self.reader.ended();
            if records.is_empty() && !ended {
                // A pipe that has nothing now.
                std::thread::park_timeout(WRITE_EVERY);
                continue;
            }
            let call = pulse::enter(Stage::Log);
            self.write(records, ended)?;
            drop(call);
            if ended {
                self.context.status.set_source_ended(&self.source.id);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Records in the topic that the topology has not read yet.
    fn ahead(&self) -> u64 {
        let written = self.context.status.fed(&self.source.id);
        let read = self.context.status.read(&self.source.id);
        written.saturating_sub(read)
    }

    fn write(
        &mut self,
        records: Vec<crate::feeds::FeedRecord>,
        ended: bool,
    ) -> Result<(), Failure> {
        let count = records.len() as u64;
        let now = self.context.clock.now_ms();
        let partitions = self.partitions as usize;
        let mut source: Vec<Vec<LogRecord>> = vec![Vec::new(); partitions];
        let mut labels: Vec<Vec<LogRecord>> = vec![Vec::new(); partitions];
        for (nth, feed_record) in (self.position..).zip(records) {
            let mut record = feed_record.record;
            if record.timestamp < 0 {
                record.timestamp = now;
            }
            let partition = match &record.key {
                Some(key) => partition_for_key(key, self.partitions) as usize,
                None => usize::try_from(nth % u64::from(self.partitions))?,
            };
            match feed_record.target {
                FeedTarget::Source => source[partition].push(record),
                FeedTarget::Labels => labels[partition].push(record),
            }
        }
        let topic = &self.source.topics[0];
        let labels_topic = labels_topic(topic);
        let to_source: u64 = source.iter().map(|records| records.len() as u64).sum();
        self.position += count;
        self.paced += to_source;
        self.producer.begin()?;
        for (target, partitioned) in [(topic, source), (&labels_topic, labels)] {
            for (partition, records) in (0..).zip(partitioned) {
                if !records.is_empty() {
                    let at = TopicPartition::new(target.clone(), partition);
                    self.producer.send(&at, records)?;
                }
            }
        }
        let position = OffsetCommit {
            at: TopicPartition::new(topic.clone(), 0),
            offset: i64::try_from(self.position)?,
            metadata: if ended {
                "ended".to_owned()
            } else {
                String::new()
            },
        };
        self.producer.send_offsets(&self.group, &[position], None)?;
        self.producer.commit()?;
        self.context.status.add_fed(&self.source.id, to_source);
        Ok(())
    }
}

/// Records due after so long at a rate, less those written; at most one transaction's worth.
fn due(elapsed: Duration, rate: f64, written: u64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of records, far below 2^53"
    )]
    let total = (elapsed.as_secs_f64() * rate) as u64;
    usize::try_from(total.saturating_sub(written))
        .map_or(RECORDS_PER_WRITE, |n| n.min(RECORDS_PER_WRITE))
}

/// Topic of a generator's labels: `<topic>.labels`.
///
/// # Panics
/// Never: config keeps topics of generators short enough.
#[must_use]
pub fn labels_topic(topic: &config::TopicName) -> config::TopicName {
    config::TopicName::parse(&format!("{topic}.labels"))
        .unwrap_or_else(|_| unreachable!("config refuses topics too long for their labels"))
}
