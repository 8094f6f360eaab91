//! How actors speak to the consumer's thread: past the consumer's mailbox, which may be at work on a
//! change of partitions that itself waits for a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use config::{Start, TopicName};
use ractor::ActorRef;
use tokio::sync::oneshot;

use crate::log::{GroupToken, LogError, TopicPartition};
use crate::nodes::Gone;
use crate::nodes::credit::Credits;
use crate::nodes::partition::PartitionMessage;

/// Commands that may wait: each actor that asks waits for its answer, so more than a few are a thread
/// that does not serve them.
const COMMANDS: usize = 64;

/// Speaks to the thread. Cheap to clone.
#[derive(Clone)]
pub struct ConsumerLink {
    commands: mpsc::SyncSender<Command>,
    left: Arc<AtomicBool>,
}

/// Where a partition's records go, and from which offset on.
pub struct Route {
    /// Which partition.
    pub at: TopicPartition,
    /// The first record to hand on.
    pub from: i64,
    /// To whom.
    pub task: ActorRef<PartitionMessage>,
    /// How much of it.
    pub credits: Arc<Credits>,
}

pub(super) enum Command {
    Token(oneshot::Sender<Result<GroupToken, LogError>>),
    Attach(Vec<Route>, oneshot::Sender<Result<(), LogError>>),
    Detach,
    Subscribe(Vec<(TopicName, Start)>),
    CloseIntake(oneshot::Sender<()>),
    Leave(oneshot::Sender<()>),
}

impl ConsumerLink {
    pub(super) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::sync_channel(COMMANDS);
        let left = Arc::default();
        (Self { commands, left }, receiver)
    }

    /// Whether this node has left the group by will.
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Proof of membership as of now.
    ///
    /// # Errors
    /// If the consumer is no member or its thread has ended.
    pub async fn token(&self) -> Result<GroupToken, LogError> {
        let told = self.ask(Command::Token).await;
        told.unwrap_or_else(|gone| Err(LogError::Unavailable(gone.to_string())))
    }

    /// Hands partitions' records to these tasks from now on, and no others.
    ///
    /// # Errors
    /// If a partition is not this consumer's, or its thread has ended.
    pub async fn attach(&self, routes: Vec<Route>) -> Result<(), LogError> {
        let told = self.ask(|reply| Command::Attach(routes, reply)).await;
        told.unwrap_or_else(|gone| Err(LogError::Unavailable(gone.to_string())))
    }

    /// Hands on nothing more: the tasks are going.
    pub fn detach(&self) {
        // A thread that has ended hands on nothing either.
        drop(self.commands.try_send(Command::Detach));
    }

    /// Reads these topics from now on.
    pub(crate) fn subscribe(&self, topics: Vec<(TopicName, Start)>) {
        // A thread that has ended begins again with the topics of that time.
        drop(self.commands.try_send(Command::Subscribe(topics)));
    }

    /// Delivers no more records; answers when the last one is handed on.
    ///
    /// # Errors
    /// If the thread has ended.
    pub(crate) async fn close_intake(&self) -> Result<(), Gone> {
        self.ask(Command::CloseIntake).await
    }

    /// Leaves the group for good, so that others take the partitions over at once.
    ///
    /// # Errors
    /// If the thread has ended.
    pub async fn leave(&self) -> Result<(), LogError> {
        self.left.store(true, Ordering::Release);
        let told = self.ask(Command::Leave).await;
        told.map_err(|gone| LogError::Unavailable(gone.to_string()))
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Gone> {
        let (reply, answer) = oneshot::channel();
        let gone = Gone("the consumer's thread");
        self.commands.try_send(command(reply)).map_err(|_| gone)?;
        answer.await.map_err(|_| gone)
    }
}
