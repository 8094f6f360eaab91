//! The consumer's thread: polls without a pause and hands each partition's records to its task while
//! the task has credit. What has no task, or no credit, is paused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::link::{Command, ConsumerLink, Route};
use super::{CHANGE_WITHIN, ConsumerMessage};
use crate::log::{Consumer, Fetched, GroupToken, LogError, Polled, Remedy, TopicPartition};
use crate::nodes::context::ShardContext;
use crate::nodes::partition::PartitionMessage;
use crate::nodes::pulse::{self, Stage};

/// How long a poll waits: credits that come back and commands are seen after at most so long.
const POLL: Duration = Duration::from_millis(10);
/// The same when nothing has come for a while: nobody is about to commit, and records end the wait.
const POLL_IDLE: Duration = Duration::from_millis(100);
/// After so long without records a partition's reader is idle. Longer than an epoch.
const IDLE_AFTER: Duration = Duration::from_secs(1);
/// How often commands are looked for while a change of partitions keeps the thread from polling.
const COMMANDS_EVERY: Duration = Duration::from_millis(2);

/// Starts the thread. The first assignment goes to `first`, all that follows to the actor.
pub(super) fn start(
    consumer: Box<dyn Consumer>,
    actor: ActorRef<ConsumerMessage>,
    first: oneshot::Sender<Vec<TopicPartition>>,
    context: &Arc<ShardContext>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<ConsumerLink> {
    let (link, commands) = ConsumerLink::new();
    let reader = Reader {
        consumer,
        owned: BTreeMap::new(),
        commands,
        actor: actor.clone(),
        first: Some(first),
        stop,
        closed: false,
        left: false,
        lapsed: false,
        heard: Instant::now(),
        context: Arc::clone(context),
    };
    let ended = Ended(actor);
    let work = async move {
        let result = reader.run().await;
        // An actor that is gone has stopped the thread itself.
        let message = ConsumerMessage::ThreadEnded(result.err());
        drop(ended.0.send_message(message));
    };
    context.threads.start("consumer", work)?;
    Ok(link)
}

/// Tells the actor of a panic.
struct Ended(ActorRef<ConsumerMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.send_message(ConsumerMessage::ThreadEnded(None)));
    }
}

/// The thread's work.
struct Reader {
    consumer: Box<dyn Consumer>,
    owned: BTreeMap<TopicPartition, Owned>,
    commands: mpsc::Receiver<Command>,
    actor: ActorRef<ConsumerMessage>,
    first: Option<oneshot::Sender<Vec<TopicPartition>>>,
    stop: Arc<AtomicBool>,
    closed: bool,
    left: bool,
    /// A partition of those that attached last is not this node's any more: another node may have
    /// gone on with it, and the brokers do not know whose epoch a token goes with.
    lapsed: bool,
    /// When records came last.
    heard: Instant,
    context: Arc<ShardContext>,
}

/// A partition that is this node's.
#[derive(Default)]
struct Owned {
    route: Option<Route>,
    paused: bool,
    /// The next record that a poll brings, if that is known.
    next: Option<i64>,
}

impl Reader {
    async fn run(mut self) -> Result<(), LogError> {
        let threads = self.context.threads;
        while !self.left && !self.is_over() {
            pulse::progress();
            while let Ok(command) = self.commands.try_recv() {
                let _call = pulse::enter(Stage::Log);
                self.obey(command)?;
            }
            self.pace();
            self.context.faults.reach("consumer-thread").await;
            let poll = match self.heard.elapsed() < IDLE_AFTER || self.any_paused() {
                true => POLL,
                false => POLL_IDLE,
            };
            let polled = {
                let _call = pulse::enter(Stage::Log);
                self.consumer.poll(poll)
            };
            if self.is_over() {
                // What it brought would go to those of another life.
                return Ok(());
            }
            match polled {
                Ok(Polled::Nothing) => threads.waited(poll).await,
                Ok(Polled::Records(at, fetched)) => self.hand_on(at, fetched),
                Ok(Polled::Assigned(partitions)) => self.assigned(partitions),
                Ok(Polled::Revoked { partitions, lost }) => self.revoked(partitions, lost).await?,
                Err(error) if error.remedy() == Remedy::Retry => {
                    tracing::warn!(%error, "the log does not answer: trying again");
                    threads.sleep(Duration::from_millis(200)).await;
                }
                Err(error) => {
                    self.context.refuse_for_good(&error);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether another consumer has taken this one's place.
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Acquire) || pulse::is_given_up()
    }

    fn obey(&mut self, command: Command) -> Result<(), LogError> {
        // Whoever asked may be gone.
        match command {
            Command::Token(reply) => drop(reply.send(self.token())),
            Command::Attach(routes, reply) => drop(reply.send(self.attach(routes))),
            Command::Subscribe(topics) => self.consumer.subscribe(&topics)?,
            Command::Detach => {
                for owned in self.owned.values_mut() {
                    owned.route = None;
                }
            }
            Command::CloseIntake(reply) => {
                self.closed = true;
                let _: Result<(), ()> = reply.send(());
            }
            Command::Leave(reply) => {
                self.consumer.leave();
                self.left = true;
                let _: Result<(), ()> = reply.send(());
            }
        }
        Ok(())
    }

    /// Proof of membership for the epoch of those that are attached.
    fn token(&self) -> Result<GroupToken, LogError> {
        match self.lapsed {
            true => Err(LogError::Aborted(
                "a partition of the epoch is not this node's any more".to_owned(),
            )),
            false => self.consumer.token(),
        }
    }

    /// A new life of the tasks: each partition goes on where its task says.
    fn attach(&mut self, routes: Vec<Route>) -> Result<(), LogError> {
        self.closed = false;
        self.lapsed = false;
        for owned in self.owned.values_mut() {
            owned.route = None;
        }
        for route in routes {
            let Some(owned) = self.owned.get_mut(&route.at) else {
                // Revoked meanwhile: the change of tasks is on its way.
                self.lapsed = true;
                continue;
            };
            if owned.next != Some(route.from) {
                self.consumer.seek(&route.at, route.from)?;
                owned.next = Some(route.from);
            }
            owned.route = Some(route);
        }
        Ok(())
    }

    fn hand_on(&mut self, at: TopicPartition, fetched: Fetched) {
        self.heard = Instant::now();
        let Some(owned) = self.owned.get_mut(&at) else {
            return;
        };
        owned.next = Some(fetched.next_offset);
        let Some(route) = &owned.route else {
            // Not wanted yet: read again when it is.
            owned.next = None;
            return;
        };
        route.credits.take(&at);
        self.context.arrivals.fetch_add(1, Ordering::Relaxed);
        let message = PartitionMessage::Records { at, fetched };
        if route.task.send_message(message).is_err() {
            // The task is gone; it will attach again.
            owned.route = None;
            owned.next = None;
        }
    }

    fn assigned(&mut self, partitions: Vec<TopicPartition>) {
        self.context.faults.hit("on-assignment");
        for at in &partitions {
            self.consumer.pause(at);
            let owned = Owned {
                paused: true,
                ..Owned::default()
            };
            self.owned.insert(at.clone(), owned);
        }
        let partitions = match self.first.take().map(|first| first.send(partitions)) {
            Some(Ok(())) => return,
            Some(Err(late)) => late,
            None => partitions_of(&self.owned),
        };
        drop(
            self.actor
                .send_message(ConsumerMessage::Assigned(partitions)),
        );
    }

    /// Waits until no task works on the partitions; serves those that must commit for it meanwhile.
    async fn revoked(
        &mut self,
        partitions: Vec<TopicPartition>,
        lost: bool,
    ) -> Result<(), LogError> {
        self.context.faults.hit("on-revocation");
        let attached = |at: &TopicPartition| self.owned.get(at).is_some_and(|o| o.route.is_some());
        self.lapsed |= lost && partitions.iter().any(attached);
        let (done, mut is_done) = oneshot::channel();
        let message = ConsumerMessage::Revoked {
            partitions: partitions.clone(),
            lost,
            done,
        };
        let told = self.actor.send_message(message).is_ok();
        let deadline = Instant::now() + CHANGE_WITHIN * 2;
        while told && Instant::now() < deadline && !self.stop.load(Ordering::Acquire) {
            match is_done.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => {}
                Ok(()) | Err(oneshot::error::TryRecvError::Closed) => break,
            }
            match self.commands.try_recv() {
                Ok(command) => self.obey(command)?,
                Err(_) => {
                    pulse::progress();
                    self.context.threads.sleep(COMMANDS_EVERY).await;
                }
            }
        }
        for at in &partitions {
            let owned = self.owned.remove(at);
            self.lapsed |= owned.is_some_and(|owned| owned.route.is_some());
        }
        Ok(())
    }

    /// Whether a partition waits for its task: it is to go on as soon as the task can.
    fn any_paused(&self) -> bool {
        self.owned.values().any(|owned| owned.paused)
    }

    /// Pauses partitions whose task has no credit left, resumes those that have some again.
    fn pace(&mut self) {
        for (at, owned) in &mut self.owned {
            let wanted = owned
                .route
                .as_ref()
                .is_some_and(|route| route.credits.available(at));
            let pause = self.closed || !wanted;
            if pause != owned.paused {
                let _call = pulse::enter(Stage::Log);
                owned.paused = pause;
                if pause {
                    self.consumer.pause(at);
                } else {
                    self.consumer.resume(at);
                }
            }
        }
    }
}

fn partitions_of(owned: &BTreeMap<TopicPartition, Owned>) -> Vec<TopicPartition> {
    owned.keys().cloned().collect()
}
