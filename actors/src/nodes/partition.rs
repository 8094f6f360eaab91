//! A task: the actor that takes one partition's records through its sub-topology.
//!
//! It works on one batch at a time, in order: decode, stamp, run the steps, wait for session hosts
//! and models where a step needs them. At a barrier it hands over what the epoch is made of; then it
//! goes on with the next epoch while that one commits. If it fails, the epoch is aborted and every
//! task of the shard begins again at the committed offsets, so nothing here outlives a failure.

mod task_input;
mod take;
mod execute;
mod reject;
mod answer;
mod held;
mod barrier;
mod outputs;
pub(crate) mod start;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;

use super::context::ShardContext;
use super::credit::Credits;
use super::host::HostMessage;
use super::program::Program;
use super::sink::SinkMessage;
use crate::batch::Batch;
use crate::log::{Fetched, LogRecord, TopicPartition};
use crate::nodes::{Gone, answer, failure};
use crate::state::overlay::TaskState;
use crate::state::store::Entry;
use crate::watermark::{Pace, combine};

use task_input::{Input, InputKind};

pub use outputs::TaskEpoch;

/// Rows of one pass through the steps, at most: bounds what a released backlog takes in memory.
const ROWS_PER_PASS: usize = 8_192;

/// Rows that a task holds at most for an upstream task that is parked: the others' rows stay in the topic
/// until it is back. At some 500 bytes a row, 100 MB.
const HELD_FOR_PARKED_MAX: usize = 200_000;

/// What a partition is told.
pub enum PartitionMessage {
    /// Records of one of its inputs. Holds a credit.
    Records {
        /// Which input.
        at: TopicPartition,
        /// The records.
        fetched: Fetched,
    },
    /// First half of a barrier: everything before it is done.
    Prepare {
        /// Input partitions that have ended, and where.
        ended: Arc<Vec<(TopicPartition, i64)>>,
        /// What the task sees.
        reply: RpcReplyPort<Prepared>,
    },
    /// Second half: rows before the watermark are released, and the epoch handed over.
    Release {
        /// The same for all tasks of the sub-topology.
        watermark: i64,
        /// What the epoch is made of.
        reply: RpcReplyPort<TaskEpoch>,
    },
    /// An epoch is committed.
    Committed {
        /// Which.
        epoch: u64,
    },
    /// Ends a key's quarantine.
    Session {
        /// Position of the keyed operator in [`Program::keyed`].
        keyed: usize,
        /// The key.
        key: Bytes,
        /// How.
        action: SessionAction,
        /// Told when it is committed: how many rows ran again. `None`: the key is in no quarantine.
        reply: RpcReplyPort<Result<Option<u64>, String>>,
    },
    /// Asks where the inputs begin.
    Positions {
        /// Next offset of each.
        reply: RpcReplyPort<Vec<(TopicPartition, i64)>>,
    },
}

/// How a key's quarantine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAction {
    /// It goes on from now; the held rows stay in the dead letters.
    Release,
    /// The held rows run first, in their order, then it goes on.
    Replay,
    /// The held rows are given up, and it goes on.
    Skip,
}

impl SessionAction {
    /// In one word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Replay => "replay",
            Self::Skip => "skip",
        }
    }
}

/// What a task sees at a barrier.
#[derive(Debug, Clone, Copy)]
pub struct Prepared {
    /// The watermark of its inputs together.
    pub watermark: i64,
}

/// The actor.
pub struct Partition;

/// How it starts.
pub struct PartitionArguments {
    /// The shard.
    pub context: Arc<ShardContext>,
    /// Its task.
    pub task: TaskId,
}

/// What a partition holds.
pub struct PartitionState {
    context: Arc<ShardContext>,
    task: TaskId,
    program: Arc<Program>,
    /// `None` without keyed operators.
    committed: Option<Arc<TaskState>>,
    /// `None` without keyed operators.
    host: Option<ActorRef<HostMessage>>,
    /// Those of this life of the shard.
    sinks: Vec<(config::NodeIndex, ActorRef<SinkMessage>)>,
    inputs: Vec<Input>,
    credits: Arc<Credits>,
    epoch: u64,
    watermark: i64,
    outputs: outputs::Outputs,
    uncommitted: VecDeque<Uncommitted>,
    /// Who is told when an epoch is committed.
    promised: Vec<held::Promised>,
    /// Next changelog offset per space, as of the last commit: never beyond the true one.
    changelog: Vec<i64>,
}

/// An epoch that was handed over and is not committed yet.
struct Uncommitted {
    epoch: u64,
    entries: Arc<Vec<Entry>>,
    inputs: Vec<(String, i64)>,
    /// Rows held in it, as they stand in the dead letters.
    held: Vec<LogRecord>,
}

impl Actor for Partition {
    type Msg = PartitionMessage;
    type State = PartitionState;
    type Arguments = PartitionArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<PartitionMessage>,
        arguments: PartitionArguments,
    ) -> Result<PartitionState, ActorProcessingErr> {
        let state = start::start(arguments).await?;
        state.context.wiring.set_partition(state.task, myself);
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<PartitionMessage>,
        message: PartitionMessage,
        state: &mut PartitionState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.reach("partition").await;
        match message {
            PartitionMessage::Records { at, fetched } => state.records(&at, fetched).await?,
            PartitionMessage::Prepare { ended, reply } => {
                answer(reply, state.prepare(&ended))?;
            }
            PartitionMessage::Release { watermark, reply } => {
                let epoch = state.release(watermark).await?;
                answer(reply, epoch)?;
            }
            PartitionMessage::Committed { epoch } => state.committed(epoch).await?,
            PartitionMessage::Session {
                keyed,
                key,
                action,
                reply,
            } => state.session(keyed, key, action, reply).await?,
            PartitionMessage::Positions { reply } => {
                let positions = state.inputs.iter();
                let positions = positions.map(|i| (i.at.clone(), i.position)).collect();
                answer(reply, positions)?;
            }
        }
        Ok(())
    }
}

impl PartitionState {
    async fn records(
        &mut self,
        at: &TopicPartition,
        mut fetched: Fetched,
    ) -> Result<(), ActorProcessingErr> {
        let Some(nth) = self.inputs.iter().position(|input| input.at == *at) else {
            return Err(failure(format!(
                "partition \"{at}\" is no input of this task"
            )));
        };
        let input = &mut self.inputs[nth];
        // A delivery may be attempted twice: what was seen is dropped.
        fetched
            .records
            .retain(|record| record.offset >= input.position);
        input.position = input.position.max(fetched.next_offset);
        input.last_ms = self.context.clock.now_ms();
        self.outputs.activity = true;
        self.take(nth, at, fetched).await?;
        self.credits.give_back(at, self.outputs.full());
        if self.outputs.full() && !self.outputs.told_full {
            self.outputs.told_full = true;
            if let Some(committer) = self.context.wiring.committer() {
                // A committer that is gone takes the shard with it: nothing to do here.
                drop(committer.send_message(super::committer::CommitterMessage::EpochFull));
            }
        }
        Ok(())
    }

    /// The watermark of all inputs together, as records have moved it.
    fn input_watermark(&self) -> i64 {
        combine(self.inputs.iter().map(|input| match &input.kind {
            _ if input.ended => Pace::Ended,
            InputKind::Source(source) => Pace::Active(source.watermark()),
            InputKind::Repartition(held) => Pace::Active(held.watermark()),
        }))
    }

    /// Sends rows to a sink for the open epoch.
    fn to_sink(&self, sink: config::NodeIndex, batch: Batch) -> Result<(), ActorProcessingErr> {
        let found = self.sinks.iter().find(|(index, _)| *index == sink);
        let (_, actor) = found.ok_or(Gone("the sink"))?;
        self.context
            .status
            .outputs
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        actor
            .send_message(SinkMessage::Rows {
                task: self.task,
                epoch: self.epoch,
                batch,
            })
            .map_err(|_| Gone("the sink").into())
    }
}
