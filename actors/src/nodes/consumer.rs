//! The consumer: the actor that answers for the thread that reads the log.
//!
//! The thread polls and hands each partition's records to its task while the task has credit;
//! partitions without credit are paused, polling never stops.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::context::ShardContext;
use super::credit::Credits;
use super::partition::PartitionMessage;
use super::program::EntryKind;
use crate::log::{
    Consumer, ConsumerSettings, GroupToken, LogError, Polled, Remedy, TopicPartition,
};
use crate::nodes::{Gone, failure};

/// Records of one poll: long enough to be vectorised, short enough to keep latency low.
const RECORDS_PER_POLL: usize = 2_048;
/// Bytes of one poll, about.
const BYTES_PER_POLL: usize = 2 << 20;
/// How long a poll waits: credits that come back are seen after at most so long.
const POLL: Duration = Duration::from_millis(10);

/// What the consumer is told.
pub enum ConsumerMessage {
    /// Asks for proof of membership as of now.
    Token {
        /// The proof.
        reply: RpcReplyPort<Result<GroupToken, LogError>>,
    },
    /// Delivers no more records.
    CloseIntake {
        /// Told when the last record is handed on.
        reply: RpcReplyPort<()>,
    },
    /// The thread has ended.
    ThreadEnded(Option<LogError>),
}

/// The actor.
pub struct ConsumerActor;

/// What it holds.
pub struct ConsumerState {
    context: Arc<ShardContext>,
    commands: mpsc::Sender<Command>,
    stop: Arc<AtomicBool>,
}

enum Command {
    Token(RpcReplyPort<Result<GroupToken, LogError>>),
    CloseIntake(RpcReplyPort<()>),
}

impl Actor for ConsumerActor {
    type Msg = ConsumerMessage;
    type State = ConsumerState;
    type Arguments = Arc<ShardContext>;

    async fn pre_start(
        &self,
        myself: ActorRef<ConsumerMessage>,
        context: Arc<ShardContext>,
    ) -> Result<ConsumerState, ActorProcessingErr> {
        let routes = routes(&context)?;
        for credits in context.credits.values() {
            credits.reset();
        }
        let (commands, receiver) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let settings = settings(&context);
        let shared = Arc::clone(&context);
        let consumer =
            tokio::task::spawn_blocking(move || shared.log.consumer(&settings)).await??;
        let reader = Reader {
            consumer,
            routes,
            assigned: Vec::new(),
            receiver,
            stop: Arc::clone(&stop),
            closed: false,
            faults: context.faults.clone(),
        };
        let ended = Ended(myself.clone());
        std::thread::Builder::new()
            .name("consumer".into())
            .spawn(move || {
                let result = reader.run();
                // An actor that is gone has stopped the thread itself.
                drop(
                    ended
                        .0
                        .send_message(ConsumerMessage::ThreadEnded(result.err())),
                );
            })?;
        context.wiring.set_consumer(myself);
        Ok(ConsumerState {
            context,
            commands,
            stop,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<ConsumerMessage>,
        message: ConsumerMessage,
        state: &mut ConsumerState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.hit("consumer");
        let gone = |_| "the consumer's thread ended";
        match message {
            ConsumerMessage::Token { reply } => {
                state.commands.send(Command::Token(reply)).map_err(gone)?
            }
            ConsumerMessage::CloseIntake { reply } => {
                state
                    .commands
                    .send(Command::CloseIntake(reply))
                    .map_err(gone)?;
            }
            ConsumerMessage::ThreadEnded(Some(error)) => return Err(error.into()),
            ConsumerMessage::ThreadEnded(None) => {
                return Err(failure("the consumer's thread ended"));
            }
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _: ActorRef<ConsumerMessage>,
        state: &mut ConsumerState,
    ) -> Result<(), ActorProcessingErr> {
        state.stop.store(true, Ordering::Release);
        Ok(())
    }
}

struct Ended(ActorRef<ConsumerMessage>);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.send_message(ConsumerMessage::ThreadEnded(None)));
    }
}

/// Where a partition's records go.
struct Route {
    task: ActorRef<PartitionMessage>,
    credits: Arc<Credits>,
    paused: bool,
}

fn routes(context: &ShardContext) -> Result<HashMap<TopicPartition, Route>, ActorProcessingErr> {
    let mut routes = HashMap::new();
    for task in &context.tasks {
        let actor = context
            .wiring
            .partition(*task)
            .ok_or(Gone("the partition"))?;
        for (_, at) in context.program(*task).inputs(task.partition) {
            let credits = Arc::clone(&context.credits[task]);
            routes.insert(
                at,
                Route {
                    task: actor.clone(),
                    credits,
                    paused: false,
                },
            );
        }
    }
    Ok(routes)
}

fn settings(context: &ShardContext) -> ConsumerSettings {
    let mut topics = Vec::new();
    for program in &context.programs {
        for entry in &program.entries {
            let start = match &entry.kind {
                EntryKind::Source(source, _) => source.start,
                EntryKind::Repartition { .. } => config::Start::Earliest,
            };
            topics.extend(entry.topics.iter().map(|topic| (topic.clone(), start)));
        }
    }
    ConsumerSettings {
        group: context.group().to_owned(),
        topics,
        max_records: RECORDS_PER_POLL,
        max_bytes: BYTES_PER_POLL,
    }
}

/// The thread's work.
struct Reader {
    consumer: Box<dyn Consumer>,
    routes: HashMap<TopicPartition, Route>,
    assigned: Vec<TopicPartition>,
    receiver: mpsc::Receiver<Command>,
    stop: Arc<AtomicBool>,
    closed: bool,
    faults: super::faults::Faults,
}

impl Reader {
    fn run(mut self) -> Result<(), LogError> {
        while !self.stop.load(Ordering::Acquire) {
            self.commands();
            self.pace();
            self.faults.hit("consumer-thread");
            match self.consumer.poll(POLL) {
                Ok(Polled::Nothing) => {}
                Ok(Polled::Records(at, fetched)) => {
                    let Some(route) = self.routes.get(&at) else {
                        continue;
                    };
                    route.credits.take(&at);
                    let message = PartitionMessage::Records { at, fetched };
                    if route.task.send_message(message).is_err() {
                        // The task is gone; the shard is being restarted, and this thread with it.
                        return Ok(());
                    }
                }
                Ok(Polled::Assigned(partitions)) => self.assigned = partitions,
                Ok(Polled::Revoked { partitions, .. }) => {
                    self.assigned.retain(|at| !partitions.contains(at));
                }
                Err(error) if error.remedy() == Remedy::Retry => {
                    tracing::warn!(%error, "the log does not answer: trying again");
                    std::thread::park_timeout(Duration::from_millis(200));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn commands(&mut self) {
        while let Ok(command) = self.receiver.try_recv() {
            match command {
                // Whoever asked may be gone.
                Command::Token(reply) => drop(reply.send(self.consumer.token())),
                Command::CloseIntake(reply) => {
                    self.closed = true;
                    drop(reply.send(()));
                }
            }
        }
    }

    /// Pauses partitions whose task has no credit left, resumes those that have some again.
    fn pace(&mut self) {
        for at in &self.assigned {
            let Some(route) = self.routes.get_mut(at) else {
                continue;
            };
            let pause = self.closed || !route.credits.available(at);
            if pause != route.paused {
                route.paused = pause;
                if pause {
                    self.consumer.pause(at);
                } else {
                    self.consumer.resume(at);
                }
            }
        }
    }
}
