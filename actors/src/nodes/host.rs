//! A session host: the actor that owns a task's keys and runs the keyed operators on
//! their rows, in the rows' order.
//!
//! The partition actor sends it batches and waits for the answer, so a host has one batch at a time.
//! At the end of an epoch it gives the snapshots of the sessions that the epoch touched. A panic in
//! an operator costs the row that caused it and nothing else ([`work`], [`journal`]).

mod keys;
mod timers;
mod journal;
mod work;
mod hosted;
mod cuts;
mod session;
mod dedicated;
mod operator;
mod shown;
mod top;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use supervisors::TaskId;

use super::answer;
use super::context::ShardContext;
use super::partition::start::restore;
use super::program::Program;
use super::quarantine::Quarantined;
use crate::batch::Batch;
use crate::nodes::failure;
use crate::operators::keyed::Emitted;
use crate::state::store::Entry;

use operator::{Kernel, Moment, OperatorSessions};

pub use top::{Rank, SessionFigures};

/// What a host is asked.
pub enum HostMessage {
    /// Runs a keyed operator on rows of a batch, then fires what the watermark has passed.
    Rows {
        /// Position in [`Program::keyed`].
        keyed: usize,
        /// The rows.
        batch: Batch,
        /// The watermark after the batch.
        watermark: i64,
        /// What came out.
        reply: RpcReplyPort<Result<Worked, String>>,
    },
    /// Asks for a key's quarantine.
    Quarantine {
        /// Position in [`Program::keyed`].
        keyed: usize,
        /// The key.
        key: Bytes,
        /// `None`: it is in none.
        reply: RpcReplyPort<Option<Quarantined>>,
    },
    /// Asks for the busiest or largest sessions in memory.
    Top {
        /// By what.
        rank: Rank,
        /// How many, at most.
        limit: usize,
        /// In order.
        reply: RpcReplyPort<Vec<SessionFigures>>,
    },
    /// Ends a key's quarantine.
    Release {
        /// Position in [`Program::keyed`].
        keyed: usize,
        /// The key.
        key: Bytes,
        /// What it was; `None`: it was in none.
        reply: RpcReplyPort<Result<Option<Quarantined>, String>>,
    },
    /// Ends an epoch: gives its snapshots.
    Close {
        /// The epoch that begins now.
        next_epoch: u64,
        /// Snapshots of touched sessions.
        reply: RpcReplyPort<Closed>,
    },
    /// An epoch is committed and the task's state has it: its sessions may be passivated.
    Committed {
        /// Which.
        epoch: u64,
    },
}

/// What a batch came to.
#[derive(Debug)]
pub struct Worked {
    /// The rows that came out.
    pub emitted: Emitted,
    /// Rows that no session took, in their order.
    pub failed: Vec<FailedRow>,
    /// Rows of keys in quarantine, in their order.
    pub held: Vec<HeldRow>,
    /// Keys that came into quarantine.
    pub quarantined: Vec<(Bytes, Quarantined)>,
}

/// A row on which its operator panicked, twice; its session is as if the row had never come.
#[derive(Debug)]
pub struct FailedRow {
    /// Its position in the batch.
    pub row: usize,
    /// The panic.
    pub reason: String,
}

/// A row of a key in quarantine.
#[derive(Debug)]
pub struct HeldRow {
    /// Its position in the batch.
    pub row: usize,
    /// Its key.
    pub key: Bytes,
    /// Since when the key is in quarantine.
    pub since_ms: i64,
    /// Which of the rows held since then it is, from 0.
    pub number: u64,
}

/// What an epoch leaves in a host.
#[derive(Debug)]
pub struct Closed {
    /// Snapshots of the sessions that it touched, and what became of quarantines.
    pub entries: Arc<Vec<Entry>>,
    /// Sessions in memory.
    pub sessions: usize,
    /// About their bytes.
    pub bytes: usize,
}

/// The actor.
pub struct SessionHost;

/// How a host starts.
pub struct HostArguments {
    /// The shard it works in.
    pub context: Arc<ShardContext>,
    /// Its task.
    pub task: TaskId,
}

/// What a host holds.
pub struct HostState {
    context: Arc<ShardContext>,
    task: TaskId,
    program: Arc<Program>,
    operators: Vec<OperatorSessions>,
    epoch: u64,
    budget: usize,
}

impl Actor for SessionHost {
    type Msg = HostMessage;
    type State = HostState;
    type Arguments = HostArguments;

    async fn pre_start(
        &self,
        myself: ActorRef<HostMessage>,
        arguments: HostArguments,
    ) -> Result<HostState, ActorProcessingErr> {
        let HostArguments { context, task } = arguments;
        let program = Arc::clone(context.program(task));
        // The first of the task's actors: the state must stand before anybody reads it.
        let shared = Arc::clone(&context);
        let restored = move || restore(&shared, task);
        context.blocking("restore", restored).await??;
        let committed = context.states.current(task)?;
        let mut operators = Vec::new();
        for (space, step) in (0..).zip(&program.keyed) {
            let kernel = Kernel {
                operator: Arc::clone(&step.operator),
                space,
                fires: step.fires,
                committed: Arc::clone(&committed),
                faults: context.faults.clone(),
            };
            let sessions = OperatorSessions::open(kernel, step.hosting, myself.get_cell())?;
            operators.push(sessions);
        }
        let budget = context.budget.session_bytes;
        context.wiring.set_host(task, myself);
        let mut state = HostState {
            context,
            task,
            program,
            operators,
            epoch: 1,
            budget,
        };
        state.report();
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<HostMessage>,
        message: HostMessage,
        state: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.reach("session-host").await;
        match message {
            HostMessage::Rows {
                keyed,
                batch,
                watermark,
                reply,
            } => {
                answer(reply, state.run(keyed, batch, watermark).await)?;
            }
            HostMessage::Quarantine { keyed, key, reply } => {
                let quarantine = state.operators[keyed].quarantine();
                answer(reply, quarantine.get(&key).cloned())?;
            }
            HostMessage::Top { rank, limit, reply } => {
                reply.send(state.top(rank, limit).await?)?;
            }
            HostMessage::Release { keyed, key, reply } => {
                let moment = state.moment();
                let released = state.operators[keyed].release(&key, moment).await;
                answer(reply, released.map_err(|error| error.to_string()))?;
            }
            HostMessage::Close { next_epoch, reply } => {
                answer(reply, state.close(next_epoch).await?)?;
            }
            HostMessage::Committed { epoch } => {
                for sessions in &mut state.operators {
                    sessions.committed(epoch);
                }
                state.passivate(epoch).await?;
            }
        }
        Ok(())
    }

    /// Dedicated sessions are this actor's children. One that ends without having been told to takes
    /// the host with it: what it knew is lost, and comes back from the committed offsets.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<HostMessage>,
        event: SupervisionEvent,
        _: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorFailed(_, error) => {
                Err(failure(format!("a dedicated session failed: {error}")))
            }
            SupervisionEvent::ActorTerminated(_, _, Some(reason)) => {
                Err(failure(format!("a dedicated session was ended: {reason}")))
            }
            SupervisionEvent::ActorTerminated(_, _, None)
            | SupervisionEvent::ActorStarted(_)
            | SupervisionEvent::ProcessGroupChanged(_) => Ok(()),
        }
    }
}

impl HostState {
    fn moment(&self) -> Moment {
        Moment {
            epoch: self.epoch,
            now_ms: self.context.clock.now_ms(),
        }
    }

    async fn run(&mut self, keyed: usize, batch: Batch, watermark: i64) -> Result<Worked, String> {
        let (moment, keys) = (self.moment(), self.program.keyed[keyed].key);
        let sessions = &mut self.operators[keyed];
        let worked = sessions.run(batch, keys, watermark, moment).await;
        let worked = worked.map_err(|error| error.to_string())?;
        if !worked.quarantined.is_empty() {
            self.tell(keyed, &worked.quarantined);
        }
        Ok(worked)
    }

    async fn close(&mut self, next_epoch: u64) -> Result<Closed, ActorProcessingErr> {
        let (mut entries, mut slots) = (Vec::new(), Vec::new());
        for sessions in &mut self.operators {
            let first = entries.len();
            slots.push((sessions.snapshots(&mut entries), first));
        }
        for sessions in &mut self.operators {
            sessions.close(self.epoch, &mut entries).await?;
        }
        let entries = Arc::new(entries);
        for (sessions, (touched, first)) in self.operators.iter_mut().zip(slots) {
            let shared = Arc::clone(&entries);
            sessions.image(self.epoch, touched, (shared, first));
        }
        self.epoch = next_epoch;
        self.report();
        Ok(Closed {
            entries,
            sessions: self.operators.iter().map(OperatorSessions::live).sum(),
            bytes: self.operators.iter().map(OperatorSessions::bytes).sum(),
        })
    }

    async fn passivate(&mut self, committed: u64) -> Result<(), ActorProcessingErr> {
        let idle_before = self.context.clock.now_ms() - self.context.topology.state.idle.0;
        let total: usize = self.operators.iter().map(OperatorSessions::bytes).sum();
        // Each operator may hold its part of the budget in proportion to what it holds now.
        let part = match total > self.budget {
            true => total / self.budget.max(1) + 1,
            false => 1,
        };
        let sweep = part > 1 || committed.is_multiple_of(IDLE_SWEEP_EPOCHS);
        for sessions in &mut self.operators {
            if sweep || sessions.is_crowded() {
                sessions.passivate(committed, idle_before, part).await?;
            }
        }
        Ok(())
    }
}

/// Idle sessions are looked for once in so many epochs: a sweep passes over every session.
const IDLE_SWEEP_EPOCHS: u64 = 64;
