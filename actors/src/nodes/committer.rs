//! The committer: the actor that cuts the stream into epochs and commits each in one transaction.
//!
//! At a barrier every task finishes what it has, hands over its share, and goes on at once; the
//! sinks close; the transaction goes to the producer's thread. The next barrier waits until it is
//! committed. A failed or unknown commit ends this actor, and with it the shard's actors: they begin
//! again at the committed offsets, which tell what happened.

mod barrier;
mod silence;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;
use tokio::time::Instant;

use super::context::ShardContext;
use super::metrics;
use super::partition::PartitionMessage;
use super::producer::ProducerThread;
use super::sink::SinkMessage;
use crate::log::LogError;
use crate::nodes::{Gone, failure};

/// How often a stream on which nothing happens is looked at.
const QUIET_BARRIER: Duration = Duration::from_secs(1);

/// What the committer is told.
pub enum CommitterMessage {
    /// The epoch's time is up.
    Tick,
    /// The epoch has its share of records.
    EpochFull,
    /// A transaction's outcome.
    Done {
        /// Which epoch.
        epoch: u64,
        /// How it went.
        result: Result<(), LogError>,
    },
    /// The producer's thread has ended.
    ProducerEnded,
    /// Asks to be told when everything that can be read is read, processed and committed.
    WhenCaughtUp {
        /// Told once.
        reply: RpcReplyPort<()>,
    },
    /// Commits what is there, then answers: intake has been closed.
    Drain {
        /// Told when it is committed.
        reply: RpcReplyPort<()>,
    },
}

/// The actor.
pub struct Committer;

/// What the committer holds.
pub struct CommitterState {
    context: Arc<ShardContext>,
    /// The tasks whose epochs these are.
    tasks: Arc<Vec<TaskId>>,
    /// Which life of the shard this committer is of.
    life: u64,
    /// Parked tasks whose silence has been told to those behind them.
    silent: HashSet<TaskId>,
    ended: barrier::EndedInputs,
    producer: ProducerThread,
    epoch: u64,
    committing: Option<Committing>,
    barrier_wanted: bool,
    waiting: Vec<RpcReplyPort<()>>,
    draining: Vec<RpcReplyPort<()>>,
    last_progress: Option<barrier::Progress>,
    last_barrier: Instant,
    /// [`ShardContext::arrivals`] at the last barrier that found nothing to commit.
    quiet_since: Option<u64>,
}

/// A transaction on its way.
struct Committing {
    epoch: u64,
    began: Instant,
    appended: Vec<i64>,
    progress: barrier::Progress,
}

impl Actor for Committer {
    type Msg = CommitterMessage;
    type State = CommitterState;
    type Arguments = Arc<ShardContext>;

    async fn pre_start(
        &self,
        myself: ActorRef<CommitterMessage>,
        context: Arc<ShardContext>,
    ) -> Result<CommitterState, ActorProcessingErr> {
        let life = context.wiring.set_committer(myself.clone());
        let shared = Arc::clone(&context);
        let committer = myself.clone();
        let start = move || ProducerThread::start(&shared, committer);
        let producer = context.blocking("open producer", start).await??;
        myself.send_interval(context.topology.epoch.interval.duration(), || {
            CommitterMessage::Tick
        });
        Ok(CommitterState {
            tasks: context.running(),
            life,
            silent: HashSet::new(),
            ended: barrier::EndedInputs::default(),
            context,
            producer,
            epoch: 1,
            committing: None,
            barrier_wanted: false,
            waiting: Vec::new(),
            draining: Vec::new(),
            last_progress: None,
            last_barrier: Instant::now(),
            quiet_since: None,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<CommitterMessage>,
        message: CommitterMessage,
        state: &mut CommitterState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.reach("committer").await;
        match message {
            CommitterMessage::Tick => {
                // A tick that comes right behind a barrier of another cause is not needed.
                if state.last_barrier.elapsed() * 2
                    < state.context.topology.epoch.interval.duration()
                    || state.is_quiet()
                {
                    return Ok(());
                }
                state.barrier().await
            }
            CommitterMessage::EpochFull => state.barrier().await,
            CommitterMessage::Done { epoch, result } => {
                result?;
                state.committed(epoch).await
            }
            CommitterMessage::ProducerEnded => Err(failure("the producer's thread ended")),
            CommitterMessage::WhenCaughtUp { reply } => {
                state.waiting.push(reply);
                Ok(())
            }
            CommitterMessage::Drain { reply } => {
                state.draining.push(reply);
                state.barrier().await
            }
        }
    }
}

impl CommitterState {
    /// Whether a barrier would only find what the last one found: no record has come since. Now and
    /// then one is due all the same: partitions may have become idle, which moves watermarks.
    fn is_quiet(&self) -> bool {
        self.waiting.is_empty()
            && self.draining.is_empty()
            && self.last_barrier.elapsed() < QUIET_BARRIER
            && self.quiet_since == Some(self.context.arrivals.load(Ordering::Relaxed))
    }

    /// The transaction of an epoch is committed: tell everyone, and go on if a barrier waits.
    async fn committed(&mut self, epoch: u64) -> Result<(), ActorProcessingErr> {
        let Some(committing) = self.committing.take() else {
            return Err(failure(format!(
                "epoch {epoch} was committed, but none was on its way"
            )));
        };
        let context = Arc::clone(&self.context);
        metrics::epoch(committing.began.elapsed());
        context
            .status
            .committed(&committing.appended, context.clock.now_ms());
        let crew = context.wiring.crew(self.life);
        let crew = crew.ok_or(Gone("this life of the shard"))?;
        for task in self.tasks.iter() {
            let partition = crew.partitions.get(task).ok_or(Gone("the partition"))?;
            let epoch = committing.epoch;
            let message = PartitionMessage::Committed { epoch };
            partition
                .send_message(message)
                .map_err(|_| Gone("the partition"))?;
        }
        for (_, sink) in crew.sinks {
            sink.send_message(SinkMessage::Committed)
                .map_err(|_| Gone("the sink"))?;
        }
        self.settled(committing.progress);
        if self.barrier_wanted || !self.draining.is_empty() {
            self.barrier().await?;
        }
        Ok(())
    }

    /// An epoch is behind us: answers those who wait for that.
    fn settled(&mut self, progress: barrier::Progress) {
        if !self.waiting.is_empty() && progress.caught_up(&self.context) {
            for reply in self.waiting.drain(..) {
                // Whoever asked may have gone.
                drop(reply.send(()));
            }
        }
        self.last_progress = Some(progress);
    }
}
