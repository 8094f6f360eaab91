//! A session host: the actor that owns a task's keys and runs the keyed operators on
//! their rows, in the rows' order.
//!
//! The partition actor sends it batches and waits for the answer, so a host has one batch at a time.
//! At the end of an epoch it gives the snapshots of the sessions that the epoch touched. A panic in
//! an operator costs the row that caused it and nothing else ([`work`], [`journal`]).

mod timers;
mod journal;
mod held;
mod work;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;

use super::context::ShardContext;
use super::partition::start::restore;
use super::program::Program;
use super::quarantine::{Quarantine, Quarantined};
use super::sessions::Sessions;
use crate::batch::Batch;
use crate::codec::key_text;
use crate::operators::keyed::Emitted;
use crate::state::overlay::TaskState;
use crate::state::store::Entry;

use journal::{Journal, Piece};
use timers::Timers;
use work::Work;

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
    committed: Arc<TaskState>,
    operators: Vec<Hosted>,
    epoch: u64,
    budget: usize,
    keys: KeyBuffer,
}

/// One keyed operator's share in this host.
struct Hosted {
    sessions: Sessions,
    timers: Timers,
    journal: Journal,
    quarantine: Quarantine,
    fires: bool,
}

/// Key texts of a batch, one after the other.
#[derive(Default)]
struct KeyBuffer {
    text: Vec<u8>,
    ends: Vec<usize>,
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
            operators.push(Hosted::open(step, space, &committed)?);
        }
        let budget = context.budget.session_bytes;
        context.wiring.set_host(task, myself);
        let keys = KeyBuffer::default();
        let mut state = HostState {
            context,
            task,
            program,
            committed,
            operators,
            epoch: 1,
            budget,
            keys,
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
                reply.send(state.run(keyed, batch, watermark))?;
            }
            HostMessage::Quarantine { keyed, key, reply } => {
                let quarantine = &state.operators[keyed].quarantine;
                reply.send(quarantine.get(&key).cloned())?;
            }
            HostMessage::Release { keyed, key, reply } => {
                reply.send(state.release(keyed, &key))?;
            }
            HostMessage::Close { next_epoch, reply } => reply.send(state.close(next_epoch))?,
            HostMessage::Committed { epoch } => {
                for hosted in &mut state.operators {
                    hosted.journal.committed(epoch);
                }
                state.passivate(epoch);
            }
        }
        Ok(())
    }
}

impl HostState {
    fn close(&mut self, next_epoch: u64) -> Closed {
        let (mut entries, mut slots) = (Vec::new(), Vec::new());
        for (hosted, step) in self.operators.iter_mut().zip(&self.program.keyed) {
            let first = entries.len();
            let touched = hosted.sessions.snapshots(&*step.operator, &mut entries);
            slots.push((touched, first));
        }
        for (space, hosted) in (0..).zip(&mut self.operators) {
            hosted.quarantine.entries(space, &mut entries);
        }
        let entries = Arc::new(entries);
        for (hosted, (touched, first)) in self.operators.iter_mut().zip(slots) {
            let shared = Arc::clone(&entries);
            hosted.journal.image(self.epoch, touched, (shared, first));
        }
        self.epoch = next_epoch;
        self.report();
        let sessions = self.operators.iter().map(|hosted| hosted.sessions.live());
        let bytes = self.operators.iter().map(|hosted| hosted.sessions.bytes());
        Closed {
            entries,
            sessions: sessions.sum(),
            bytes: bytes.sum(),
        }
    }

    /// Runs rows in order, then due timers in the order of (time, key).
    fn run(&mut self, keyed: usize, mut batch: Batch, watermark: i64) -> Result<Worked, String> {
        let step = &self.program.keyed[keyed];
        let operator = &*step.operator;
        let hosted = &mut self.operators[keyed];
        if hosted.journal.is_long() {
            let (slots, entries) = hosted.sessions.images(operator);
            hosted
                .journal
                .image(self.epoch, slots, (Arc::new(entries), 0));
        }
        let bound = operator.bind(&batch.columns).map_err(|e| e.to_string())?;
        self.keys.fill(batch.columns.column(step.key), batch.len());
        let mut slots = Vec::with_capacity(batch.len());
        hosted
            .sessions
            .activate(self.keys.iter(), operator, &self.committed, &mut slots)
            .map_err(|e| e.to_string())?;
        let work = Work {
            operator,
            committed: &self.committed,
            faults: &self.context.faults,
            epoch: self.epoch,
            now_ms: self.context.clock.now_ms(),
        };
        let piece = Piece::new(bound, std::mem::take(&mut batch.rows), slots);
        let worked = work.run(hosted, piece, &batch.raw, watermark);
        let worked = worked.map_err(|e| e.to_string())?;
        if !worked.quarantined.is_empty() {
            self.tell(keyed, &worked.quarantined);
        }
        Ok(worked)
    }

    fn passivate(&mut self, epoch: u64) {
        let idle_before = self.context.clock.now_ms() - self.context.topology.state.idle.0;
        let total: usize = self
            .operators
            .iter()
            .map(|hosted| hosted.sessions.bytes())
            .sum();
        for (hosted, step) in self.operators.iter_mut().zip(&self.program.keyed) {
            let sessions = &mut hosted.sessions;
            // Each operator may hold its part of the budget in proportion to what it holds now.
            let share = if total > self.budget {
                sessions.bytes() / (total / self.budget.max(1) + 1)
            } else {
                usize::MAX
            };
            if share != usize::MAX || epoch.is_multiple_of(IDLE_SWEEP_EPOCHS) {
                sessions.passivate(&*step.operator, epoch, idle_before, share);
            }
        }
    }
}

/// Idle sessions are looked for once in so many epochs: a sweep passes over every session.
const IDLE_SWEEP_EPOCHS: u64 = 64;

impl KeyBuffer {
    fn fill(&mut self, column: &dyn arrow_array::Array, rows: usize) {
        self.text.clear();
        self.ends.clear();
        for row in 0..rows {
            key_text(column, row, &mut self.text);
            self.ends.push(self.text.len());
        }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let key = &self.text[start..*end];
            start = *end;
            key
        })
    }
}
