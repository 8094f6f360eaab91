//! The consumer: the actor that answers for the group membership and the thread that reads the log.
//!
//! It outlives the tasks: when one of them fails, they restart and attach again, and the group never
//! hears of it. When the group gives or takes partitions, it decides which tasks this node runs:
//! state of new ones is restored beside those that run; then, at the end of an epoch, all stop and
//! start as what they are now ([`assignment`]). [`reader`] is the thread.

mod assignment;
mod reader;
mod link;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use supervisors::{ChildKind, Errand, TaskId};
use tokio::sync::oneshot;

use super::committer::CommitterMessage;
use super::context::ShardContext;
use super::partition::start::restore;
use super::standby;
use crate::log::{ConsumerSettings, LogError, TopicPartition};
use crate::nodes::{ask, failure};

pub use link::{ConsumerLink, Route};

/// Records of one poll: long enough to be vectorised, short enough to keep latency low.
const RECORDS_PER_POLL: usize = 2_048;
/// Bytes of one poll, about.
const BYTES_PER_POLL: usize = 2 << 20;
/// How long the start waits for partitions before the rest of the shard comes up without any.
const FIRST_ASSIGNMENT_WITHIN: Duration = Duration::from_secs(10);
/// How long a change of tasks may take: the last epoch of those that go, and the start of the new
/// ones. A group gives up members that take longer than their poll interval (5 min).
const CHANGE_WITHIN: Duration = Duration::from_secs(30);

/// What the consumer is told.
pub enum ConsumerMessage {
    /// The group gave partitions.
    Assigned(Vec<TopicPartition>),
    /// The group takes partitions.
    Revoked {
        /// Which.
        partitions: Vec<TopicPartition>,
        /// They are another member's already.
        lost: bool,
        /// Told when no task here works on them any more.
        done: oneshot::Sender<()>,
    },
    /// The state of these tasks is at the end of its changelog.
    Restored {
        /// Which.
        tasks: Vec<TaskId>,
        /// Whether all went well.
        result: Result<(), String>,
    },
    /// The thread has ended.
    ThreadEnded(Option<LogError>),
}

/// The actor.
pub struct ConsumerActor;

/// What it holds.
pub struct ConsumerState {
    context: Arc<ShardContext>,
    link: ConsumerLink,
    owned: BTreeSet<TopicPartition>,
    /// What the tasks read that run now: topics of a pattern come and go.
    read: BTreeSet<TopicPartition>,
    /// Tasks whose state is being restored.
    restoring: BTreeSet<TaskId>,
    _stop: StopThread,
}

/// Ends the thread when the actor does, however that ends: by a kill too.
struct StopThread(Arc<AtomicBool>);

impl Drop for StopThread {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
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
        let shared = Arc::clone(&context);
        let opened = move || {
            shared.look_for_topics()?;
            shared.log.consumer(&settings(&shared))
        };
        let consumer = context.blocking("join", opened).await??;
        let stop = StopThread(Arc::default());
        let (first, first_assigned) = oneshot::channel();
        let link = reader::start(consumer, myself, first, &context, Arc::clone(&stop.0))?;
        let mut owned = BTreeSet::new();
        match tokio::time::timeout(FIRST_ASSIGNMENT_WITHIN, first_assigned).await {
            Ok(Ok(partitions)) => owned.extend(partitions),
            // The thread tells why it ended.
            Ok(Err(_)) => {}
            Err(_) => tracing::warn!("no partitions yet: the group has not answered"),
        }
        let tasks = assignment::tasks(&context, &owned);
        context.states.set_claimed(&tasks);
        let read = context.inputs_of(&tasks);
        context.assign(tasks);
        standby::start(&context, Arc::clone(&stop.0))?;
        context.wiring.set_consumer(link.clone());
        Ok(ConsumerState {
            context,
            link,
            owned,
            read,
            restoring: BTreeSet::new(),
            _stop: stop,
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ConsumerMessage>,
        message: ConsumerMessage,
        state: &mut ConsumerState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.reach("consumer").await;
        match message {
            ConsumerMessage::Assigned(partitions) => {
                state.owned.extend(partitions);
                state.prepare(&myself).await;
            }
            ConsumerMessage::Revoked {
                partitions,
                lost,
                done,
            } => {
                for at in &partitions {
                    state.owned.remove(at);
                }
                state.shrink(lost).await;
                // The thread waits no longer if this took too long.
                let _: Result<(), ()> = done.send(());
            }
            ConsumerMessage::Restored { tasks, result } => state.restored(&tasks, result).await?,
            ConsumerMessage::ThreadEnded(Some(error)) => return Err(error.into()),
            ConsumerMessage::ThreadEnded(None) if state.link.has_left() => {}
            ConsumerMessage::ThreadEnded(None) => {
                return Err(failure("the consumer's thread ended"));
            }
        }
        Ok(())
    }
}

impl ConsumerState {
    /// Restores the state of tasks that this node has now and does not run yet, beside those that run.
    async fn prepare(&mut self, myself: &ActorRef<ConsumerMessage>) {
        let running = self.context.assigned();
        let wanted = assignment::tasks(&self.context, &self.owned);
        let new: Vec<TaskId> = wanted
            .iter()
            .copied()
            .filter(|task| !running.contains(task) && !self.restoring.contains(task))
            .collect();
        if new.is_empty() {
            match self.context.inputs_of(&wanted) == self.read {
                // Known now, if it was not: nothing here is for this node.
                true => self.context.assign(running.to_vec()),
                false if self.restoring.is_empty() => self.change(wanted, true).await,
                // They are about to start anyway.
                false => {}
            }
            return;
        }
        self.restoring.extend(&new);
        self.claim(&running);
        let (context, myself) = (Arc::clone(&self.context), myself.clone());
        let restoring = async move {
            let (shared, tasks) = (Arc::clone(&context), new.clone());
            let work = move || tasks.iter().try_for_each(|task| restore(&shared, *task));
            let result = match context.blocking("restore", work).await {
                Ok(restored) => restored.map_err(|error| crate::log::describe(&error)),
                Err(panicked) => Err(panicked.to_string()),
            };
            let restored = ConsumerMessage::Restored { tasks: new, result };
            // An actor that is gone has no use for it: its successor begins anew.
            drop(myself.send_message(restored));
        };
        drop(tokio::spawn(restoring));
    }

    async fn restored(
        &mut self,
        tasks: &[TaskId],
        result: Result<(), String>,
    ) -> Result<(), ActorProcessingErr> {
        for task in tasks {
            self.restoring.remove(task);
        }
        result.map_err(failure)?;
        let wanted = assignment::tasks(&self.context, &self.owned);
        let running = self.context.assigned();
        let next: Vec<TaskId> = wanted
            .into_iter()
            .filter(|task| running.contains(task) || tasks.contains(task))
            .collect();
        match next == *running && self.context.inputs_of(&next) == self.read {
            true => self.claim(&running),
            false => self.change(next, true).await,
        }
        Ok(())
    }

    /// Ends the work of tasks that are not this node's any more.
    async fn shrink(&mut self, lost: bool) {
        let wanted = assignment::tasks(&self.context, &self.owned);
        let running = self.context.assigned();
        let next: Vec<TaskId> = running
            .iter()
            .copied()
            .filter(|task| wanted.contains(task))
            .collect();
        if next.len() < running.len() || self.context.inputs_of(&next) != self.read {
            self.change(next, !lost).await;
        }
    }

    /// Commits what the running tasks have, unless it is lost, and starts all as what they are from
    /// now on. What is not committed is done again from the committed offsets, here or elsewhere.
    async fn change(&mut self, tasks: Vec<TaskId>, commit: bool) {
        self.read = self.context.inputs_of(&tasks);
        let context = &self.context;
        if commit
            && tokio::time::timeout(CHANGE_WITHIN, drain(context))
                .await
                .is_err()
        {
            tracing::warn!(
                "the last epoch before a change of partitions was not committed in time"
            );
        }
        let named: Vec<String> = tasks.iter().map(|task| context.task_name(*task)).collect();
        tracing::info!(tasks = named.join(" "), "tasks of this node change");
        let mut attached = context.wiring.attached();
        let before = *attached.borrow_and_update();
        let feeds = context.fed_here(&tasks) != context.fed_here(&context.assigned());
        context.assign(tasks);
        context.ask_tree(&ChildKind::Tasks, Errand::Recycle);
        if feeds {
            context.ask_tree(&ChildKind::Feeds, Errand::Recycle);
        }
        let again = attached.wait_for(|times| *times > before);
        if tokio::time::timeout(CHANGE_WITHIN, again).await.is_err() {
            tracing::warn!("tasks take long to start after a change of partitions");
        } else {
            // No earlier than now: those that went have ended.
            self.claim(&context.assigned());
        }
    }

    /// Says which states are in use here, or about to be: no warm copies are made of them.
    fn claim(&self, running: &[TaskId]) {
        let restoring = self.restoring.iter();
        let claimed: Vec<TaskId> = running.iter().chain(restoring).copied().collect();
        self.context.states.set_claimed(&claimed);
    }
}

/// Takes in no more and commits what is there.
pub async fn drain(context: &ShardContext) {
    // Either may be in the middle of a restart: then the last committed epoch is the end.
    let Some(link) = context.wiring.intake() else {
        return;
    };
    if link.close_intake().await.is_err() {
        return;
    }
    if let Some(committer) = context.wiring.committer()
        && let Err(error) = ask(&committer, |reply| CommitterMessage::Drain { reply }).await
    {
        tracing::warn!(%error, "the last epoch was not committed: it is done again");
    }
}

fn settings(context: &ShardContext) -> ConsumerSettings {
    ConsumerSettings {
        group: context.group().to_owned(),
        topics: context.subscription(),
        max_records: RECORDS_PER_POLL,
        max_bytes: BYTES_PER_POLL,
        together: context
            .programs
            .iter()
            .any(|program| program.reads_several()),
    }
}
