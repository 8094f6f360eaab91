//! A task: the actor that takes one partition's records through its sub-topology.
//!
//! It works on one batch at a time, in order: decode, stamp, run the steps, wait for session hosts
//! and models where a step needs them. At a barrier it hands over what the epoch is made of; then it
//! goes on with the next epoch while that one commits. If it fails, the epoch is aborted and every
//! task of the shard begins again at the committed offsets, so nothing here outlives a failure.

mod execute;
mod outputs;
pub(crate) mod start;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;

use super::context::ShardContext;
use super::credit::Credits;
use super::host::HostMessage;
use super::input::Taken;
use super::input::repartition::RepartitionInput;
use super::input::source::SourceInput;
use super::program::Program;
use crate::batch::Batch;
use crate::log::{Fetched, OffsetCommit, TopicPartition};
use crate::nodes::{Gone, failure};
use crate::state::overlay::TaskState;
use crate::state::store::Entry;
use crate::watermark::{Pace, combine};

pub use outputs::TaskEpoch;

/// Rows of one pass through the steps, at most: bounds what a released backlog takes in memory.
const ROWS_PER_PASS: usize = 8_192;

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
        /// Next changelog offset per space.
        changelog: Vec<i64>,
    },
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
    inputs: Vec<Input>,
    credits: Arc<Credits>,
    epoch: u64,
    watermark: i64,
    outputs: outputs::Outputs,
    uncommitted: VecDeque<Uncommitted>,
}

/// An epoch that was handed over and is not committed yet.
struct Uncommitted {
    epoch: u64,
    entries: Vec<Entry>,
    inputs: Vec<(String, i64)>,
}

/// One input partition.
struct Input {
    at: TopicPartition,
    slot: usize,
    /// Next offset expected; records before it were processed in this life.
    position: i64,
    /// When records came last, by the clock.
    last_ms: i64,
    idle_ms: Option<i64>,
    ended: bool,
    kind: InputKind,
}

enum InputKind {
    Source(Box<SourceInput>),
    Repartition(Box<RepartitionInput>),
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
        state.context.faults.hit("partition");
        match message {
            PartitionMessage::Records { at, fetched } => state.records(&at, fetched).await?,
            PartitionMessage::Prepare { ended, reply } => {
                reply.send(state.prepare(&ended))?;
            }
            PartitionMessage::Release { watermark, reply } => {
                let epoch = state.release(watermark).await?;
                reply.send(epoch)?;
            }
            PartitionMessage::Committed { epoch, changelog } => {
                state.committed(epoch, &changelog).await?;
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
        let now = self.context.clock.now_ms();
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
        input.last_ms = now;
        let count = fetched.records.len();
        let slot = input.slot;
        let taken = match &mut input.kind {
            InputKind::Source(source) => {
                self.outputs.records += count as u64;
                *self
                    .outputs
                    .by_source
                    .entry(source.id().clone())
                    .or_default() += count as u64;
                source.take(fetched.records)?
            }
            InputKind::Repartition(held) => held.take(fetched.records, fetched.next_offset)?,
        };
        let Taken { batch, bad } = taken;
        self.outputs.activity = true;
        for rejected in bad {
            self.outputs.reject(&self.context, at, rejected);
        }
        if let Some(batch) = batch {
            self.watermark = self.watermark.max(self.input_watermark());
            self.pass(slot, batch, self.watermark).await?;
        }
        self.credits.give_back(at, self.outputs.full(&self.context));
        if self.outputs.full(&self.context) && !self.outputs.told_full {
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

    fn prepare(&mut self, ended: &[(TopicPartition, i64)]) -> Prepared {
        for input in &mut self.inputs {
            input.ended = ended
                .iter()
                .any(|(at, end)| *at == input.at && input.position >= *end);
        }
        Prepared {
            watermark: combine(self.inputs.iter().map(|input| self.pace(input))),
        }
    }

    /// What an input says of its event time now.
    fn pace(&self, input: &Input) -> Pace {
        let (watermark, is_source) = match &input.kind {
            InputKind::Source(source) => (source.watermark(), true),
            InputKind::Repartition(held) => (held.watermark(), false),
        };
        if input.ended || (!is_source && watermark == i64::MAX) {
            return Pace::Ended;
        }
        let now = self.context.clock.now_ms();
        match input.idle_ms {
            Some(idle) if is_source && now - input.last_ms > idle => Pace::Idle(watermark),
            _ => Pace::Active(watermark),
        }
    }

    async fn release(&mut self, watermark: i64) -> Result<TaskEpoch, ActorProcessingErr> {
        for nth in 0..self.inputs.len() {
            let slot = self.inputs[nth].slot;
            let InputKind::Repartition(held) = &mut self.inputs[nth].kind else {
                continue;
            };
            let Some(batch) = held.release(watermark)? else {
                continue;
            };
            self.outputs.activity = true;
            let positions: Vec<u32> = (0..u32::try_from(batch.len())?).collect();
            for chunk in positions.chunks(ROWS_PER_PASS) {
                let part = if chunk.len() == batch.len() {
                    batch.clone()
                } else {
                    batch.take(chunk)?
                };
                let until = part.rows.last().map_or(i64::MIN, |row| row.time);
                self.watermark = self.watermark.max(until);
                self.pass(slot, part, self.watermark).await?;
            }
        }
        if watermark > self.watermark {
            self.watermark = watermark;
            self.advance(watermark).await?;
        }
        self.close_epoch().await
    }

    /// Fires what the watermark has passed where no rows carry it.
    async fn advance(&mut self, watermark: i64) -> Result<(), ActorProcessingErr> {
        if self.program.keyed.iter().any(|step| step.fires) {
            let slots: Vec<usize> = self.inputs.iter().map(|input| input.slot).collect();
            for slot in slots {
                self.pass_watermark(slot, watermark).await?;
            }
        }
        Ok(())
    }

    async fn close_epoch(&mut self) -> Result<TaskEpoch, ActorProcessingErr> {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut sessions, mut state_bytes) = (0, 0);
        if let Some(host) = &self.host {
            let next_epoch = self.epoch + 1;
            let close = |reply| HostMessage::Close { next_epoch, reply };
            let closed = super::ask(host, close).await?;
            entries = closed.entries;
            (sessions, state_bytes) = (closed.sessions, closed.bytes);
        }
        let paces: Vec<Pace> = self.inputs.iter().map(|input| self.pace(input)).collect();
        let own_pace = match combine(paces.iter().copied()) {
            i64::MAX => Pace::Ended,
            _ if paces.iter().all(|pace| !matches!(pace, Pace::Active(_))) => {
                Pace::Idle(self.watermark)
            }
            _ => Pace::Active(self.watermark),
        };
        let offsets: Vec<OffsetCommit> = self.inputs.iter().map(Input::commit).collect();
        let held = self.inputs.iter().map(Input::held_rows).sum();
        let inputs = offsets
            .iter()
            .map(|o| (o.at.to_string(), o.offset))
            .collect();
        let epoch = self.outputs.close(
            &self.program,
            outputs::Closing {
                task: self.task,
                pace: own_pace,
                offsets,
                positions: self
                    .inputs
                    .iter()
                    .map(|i| (i.at.clone(), i.position))
                    .collect(),
                watermark: self.watermark,
                held,
                entries: entries.clone(),
                sessions,
                state_bytes,
                now_ms: self.context.clock.now_ms(),
            },
        )?;
        self.uncommitted.push_back(Uncommitted {
            epoch: self.epoch,
            entries,
            inputs,
        });
        self.epoch += 1;
        self.credits.release_withheld();
        Ok(epoch)
    }

    async fn committed(&mut self, epoch: u64, changelog: &[i64]) -> Result<(), ActorProcessingErr> {
        while let Some(first) = self.uncommitted.pop_front_if(|first| first.epoch <= epoch) {
            if let Some(committed) = &self.committed {
                committed.committed(first.epoch, first.entries, changelog, first.inputs);
            }
        }
        if let Some(host) = &self.host {
            // A host that is gone takes the shard with it.
            drop(host.send_message(HostMessage::Committed { epoch }));
        }
        if let Some(committed) = &self.committed
            && committed.overlay_bytes() > self.context.budget.overlay_bytes
        {
            // The store is behind: this task waits for it, and with it whoever feeds the task.
            let committed = Arc::clone(committed);
            let flushed = tokio::task::spawn_blocking(move || committed.flush()).await?;
            if let Err(error) = flushed {
                tracing::warn!(%error, "committed state cannot be written to its store");
            }
        }
        Ok(())
    }

    /// Sends rows to a sink for the open epoch.
    fn to_sink(&self, sink: config::NodeIndex, batch: Batch) -> Result<(), ActorProcessingErr> {
        let actor = self.context.wiring.sink(sink).ok_or(Gone("the sink"))?;
        self.context
            .status
            .outputs
            .fetch_add(batch.len() as u64, Ordering::Relaxed);
        actor
            .send_message(super::sink::SinkMessage::Rows {
                task: self.task,
                batch,
            })
            .map_err(|_| Gone("the sink").into())
    }
}

impl Input {
    fn commit(&self) -> OffsetCommit {
        let (offset, metadata) = match &self.kind {
            InputKind::Source(source) => (self.position, source.progress().encode()),
            InputKind::Repartition(held) => {
                let (offset, progress) = held.progress();
                (offset, progress.encode())
            }
        };
        OffsetCommit {
            at: self.at.clone(),
            offset,
            metadata,
        }
    }

    fn held_rows(&self) -> usize {
        match &self.kind {
            InputKind::Source(_) => 0,
            InputKind::Repartition(held) => held.held_rows(),
        }
    }
}
