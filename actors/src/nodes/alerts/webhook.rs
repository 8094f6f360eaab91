//! Tells one webhook what the topic of alerts says: a POST for each firing and each end of the alerts
//! that name it, in order, until it is taken.
//!
//! At least once: where it stands is committed as the group `<topology>.alerts.<webhook>` behind each answer,
//! and a crash between the two sends the same again, with the same `Idempotency-Key`. The node that runs
//! the task of the operator `alert` calls. A webhook that fails is tried again after 1 s, 2 s, 4 s … a minute,
//! each shortened at random by up to half, and an alert older than `give-up` is given up. The actor is below `admin`: it
//! never escalates, and whatever becomes of it the stream goes on.

mod post;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::{Node, NodeIndex, OperatorKind, TopicName};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Told;
use super::follow::told;
use crate::log::{LogError, LogRecord, OffsetCommit, Producer, TopicPartition};
use crate::nodes::context::ShardContext;
use crate::nodes::threads::Threads;
use crate::nodes::{failure, metrics};
use post::Post;

pub use post::lacking;

/// How often it looks for alerts.
const EVERY: Duration = Duration::from_millis(500);
/// Records of one read.
const RECORDS: usize = 100;
const BYTES: usize = 1 << 20;
/// The first wait behind a failed request, and the longest.
const WAIT_MS: u64 = 1_000;
const WAIT_MS_MAX: u64 = 60_000;

/// Which webhook.
pub struct WebhookArguments {
    /// What the shard's actors share.
    pub context: Arc<ShardContext>,
    /// Position in the topology's webhooks.
    pub webhook: usize,
}

/// What the actor hears from its thread.
pub enum WebhookMessage {
    /// The thread has ended: by a panic, if the actor still stands.
    ThreadEnded,
}

/// The actor.
pub struct WebhookActor;

impl Actor for WebhookActor {
    type Msg = WebhookMessage;
    type State = Arc<AtomicBool>;
    type Arguments = WebhookArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<WebhookMessage>,
        WebhookArguments { context, webhook }: WebhookArguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let stopping = Arc::new(AtomicBool::new(false));
        let Some(caller) = Caller::new(&context, webhook) else {
            return Ok(stopping);
        };
        let (ended, flag) = (Ended(myself), Arc::clone(&stopping));
        let name = format!("webhook-{webhook}");
        let work = async move {
            let _ended = ended;
            caller.run(&flag).await;
        };
        context.threads.start(&name, work)?;
        Ok(stopping)
    }

    async fn handle(
        &self,
        _: ActorRef<WebhookMessage>,
        message: WebhookMessage,
        stopping: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WebhookMessage::ThreadEnded if stopping.load(Ordering::Relaxed) => Ok(()),
            WebhookMessage::ThreadEnded => Err(failure("the webhook's thread ended")),
        }
    }

    async fn post_stop(
        &self,
        _: ActorRef<WebhookMessage>,
        stopping: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        stopping.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Tells the actor when the thread ends, however it ends.
struct Ended(ActorRef<WebhookMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        // The actor may be gone already: then nobody needs to know.
        drop(self.0.send_message(WebhookMessage::ThreadEnded));
    }
}

/// What does the work.
struct Caller {
    context: Arc<ShardContext>,
    webhook: usize,
    post: Post,
    /// The topic of alerts.
    at: TopicPartition,
    group: String,
    /// Position of the operator in the topology.
    operator: NodeIndex,
    /// The next record; `None`: not known since this node got the task.
    next: Option<i64>,
    producer: Option<Box<dyn Producer>>,
    /// Requests in sequence that failed.
    failures: u32,
    random: ChaCha8Rng,
}

impl Caller {
    /// `None` where no alert goes to the topic.
    fn new(context: &Arc<ShardContext>, webhook: usize) -> Option<Self> {
        let topology = &context.topology;
        let settings = topology.alerts.webhooks.get(webhook)?;
        let operator = topology.nodes.iter().position(|node| match node {
            Node::Operator(operator) => matches!(operator.kind, OperatorKind::Alert(_)),
            Node::Source(_) | Node::Sink(_) => false,
        })?;
        let topic = TopicName::parse(&format!("{}.alerts", topology.name)).ok()?;
        Some(Self {
            context: Arc::clone(context),
            webhook,
            post: Post::new(topology.name.as_str(), settings),
            at: TopicPartition::new(topic, 0),
            group: format!("{}.alerts.{}", topology.name, settings.id),
            operator: NodeIndex(operator),
            next: None,
            producer: None,
            failures: 0,
            random: ChaCha8Rng::seed_from_u64(context.seed),
        })
    }

    fn name(&self) -> &str {
        self.context.topology.alerts.webhooks[self.webhook]
            .id
            .as_str()
    }

    async fn run(mut self, stopping: &AtomicBool) {
        let mut failing = false;
        while !stopping.load(Ordering::Relaxed) {
            let wait = match self.round(stopping) {
                Ok(wait) => {
                    failing = false;
                    wait
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        let webhook = self.name();
                        tracing::warn!(webhook, %error, "alerts cannot be read: trying again");
                    }
                    (self.producer, self.next) = (None, None);
                    EVERY
                }
            };
            rest(self.context.threads, wait, stopping).await;
        }
    }

    /// Hands over what there is, up to the first that is not taken; gives how long to wait.
    fn round(&mut self, stopping: &AtomicBool) -> Result<Duration, LogError> {
        if !self.is_callers() {
            // Another node calls, and commits what it has told.
            (self.next, self.producer) = (None, None);
            return Ok(EVERY);
        }
        let next = match self.next {
            Some(next) => next,
            None => self.begin()?,
        };
        let fetched = self.context.log.read(&self.at, next, RECORDS, BYTES)?;
        for record in &fetched.records {
            if stopping.load(Ordering::Relaxed) {
                return Ok(EVERY);
            }
            if let Some(alert) = told(record).filter(|alert| self.is_wanted(alert)) {
                if !self.hand_over(&alert, record) {
                    return Ok(self.backoff());
                }
                self.commit(record.offset + 1)?;
            }
            self.next = Some(record.offset + 1);
        }
        self.next = Some(next.max(fetched.next_offset));
        Ok(match fetched.records.is_empty() {
            true => EVERY,
            false => Duration::ZERO,
        })
    }

    /// Whether the operator's task is this node's.
    fn is_callers(&self) -> bool {
        let mut subs = self.context.topology.sub_topologies.iter();
        let sub = subs.position(|sub| sub.nodes.contains(&self.operator));
        let assigned = self.context.assigned();
        assigned.iter().any(|task| Some(task.sub_topology) == sub)
    }

    /// Where to go on: behind what was handed over, or else at what is not too old.
    fn begin(&mut self) -> Result<i64, LogError> {
        let committed =
            (self.context.log).committed(&self.group, std::slice::from_ref(&self.at))?;
        if let Some(Some(committed)) = committed.first() {
            return Ok(committed.offset);
        }
        let oldest = self.context.clock.now_ms() - self.post.give_up_ms();
        self.context.log.offset_at(&self.at, oldest)
    }

    /// Whether the alert goes here.
    fn is_wanted(&self, told: &Told) -> bool {
        let mut rules = self.context.topology.alerts.rules.iter();
        rules.any(|rule| rule.id.as_str() == told.alert && rule.webhooks.contains(&self.webhook))
    }

    /// Calls once. True: it is done with, taken or given up.
    fn hand_over(&mut self, alert: &Told, record: &LogRecord) -> bool {
        let webhook = self.name();
        let (id, number) = (alert.alert.as_str(), alert.number);
        let age = self.context.clock.now_ms() - record.timestamp;
        let posted = match age > self.post.give_up_ms() {
            true => Err(None),
            false => self.post.send(alert, record).map_err(Some),
        };
        match posted {
            Ok(()) => {
                metrics::webhook(webhook, "delivered");
                self.failures = 0;
                true
            }
            Err(None) => {
                metrics::webhook(webhook, "given-up");
                tracing::error!(
                    webhook,
                    alert = id,
                    number,
                    "a webhook was not told: it is too late"
                );
                true
            }
            Err(Some(reason)) => {
                metrics::webhook(webhook, "failed");
                if self.failures == 0 {
                    tracing::warn!(
                        webhook,
                        alert = id,
                        number,
                        reason,
                        "a webhook fails: trying again"
                    );
                }
                self.failures = self.failures.saturating_add(1);
                false
            }
        }
    }

    fn backoff(&mut self) -> Duration {
        let doubled = WAIT_MS << self.failures.saturating_sub(1).min(10);
        let longest = doubled.min(WAIT_MS_MAX);
        Duration::from_millis(self.random.random_range(longest / 2..=longest))
    }

    /// Remembers that everything before this offset is handed over.
    fn commit(&mut self, offset: i64) -> Result<(), LogError> {
        let mut producer = match self.producer.take() {
            Some(producer) => producer,
            // One id for all nodes: whoever calls now fences who called before.
            None => self.context.log.producer(&self.group)?,
        };
        producer.begin()?;
        let place = OffsetCommit {
            at: self.at.clone(),
            offset,
            metadata: String::new(),
        };
        producer.send_offsets(&self.group, &[place], None)?;
        producer.commit()?;
        self.producer = Some(producer);
        Ok(())
    }
}

/// Waits, unless it is to stop.
async fn rest(threads: Threads, wait: Duration, stopping: &AtomicBool) {
    let mut left = wait;
    while left > Duration::ZERO && !stopping.load(Ordering::Relaxed) {
        let step = left.min(EVERY);
        threads.sleep(step).await;
        left -= step;
    }
}

#[cfg(test)]
mod tests;
