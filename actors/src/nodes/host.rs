//! A session host: the actor that owns a task's keys and runs the keyed operators on
//! their rows, in the rows' order.
//!
//! The partition actor sends it batches and waits for the answer, so a host has one batch at a time.
//! At the end of an epoch it gives the snapshots of the sessions that the epoch touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use supervisors::TaskId;

use super::context::ShardContext;
use super::partition::start::restore;
use super::program::{KeyedStep, Program};
use super::sessions::Sessions;
use crate::batch::Batch;
use crate::codec::key_text;
use crate::operators::keyed::Emitted;
use crate::state::overlay::TaskState;
use crate::state::store::Entry;

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
        reply: RpcReplyPort<Result<Emitted, String>>,
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

/// What an epoch leaves in a host.
#[derive(Debug)]
pub struct Closed {
    /// Snapshots of the sessions that it touched.
    pub entries: Vec<Entry>,
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
    /// (fire time, key) of every session of this host that has a timer, live or not.
    timers: BTreeSet<(i64, Bytes)>,
    fires: bool,
}

/// Key texts of a batch, one after the other.
#[derive(Default)]
struct KeyBuffer {
    text: Vec<u8>,
    ends: Vec<usize>,
    slots: Vec<u32>,
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
        tokio::task::spawn_blocking(move || restore(&shared, task)).await??;
        let committed = context.states.current(task)?;
        let mut operators = Vec::new();
        for (space, step) in program.keyed.iter().enumerate() {
            operators.push(hosted(step, space, &committed)?);
        }
        let budget = context.budget.session_bytes;
        context.wiring.set_host(task, myself);
        let keys = KeyBuffer::default();
        Ok(HostState {
            context,
            program,
            committed,
            operators,
            epoch: 1,
            budget,
            keys,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<HostMessage>,
        message: HostMessage,
        state: &mut HostState,
    ) -> Result<(), ActorProcessingErr> {
        state.context.faults.hit("session-host");
        match message {
            HostMessage::Rows {
                keyed,
                batch,
                watermark,
                reply,
            } => {
                let emitted = state.run(keyed, &batch, watermark);
                reply.send(emitted)?;
            }
            HostMessage::Close { next_epoch, reply } => {
                let mut entries = Vec::new();
                for (hosted, step) in state.operators.iter_mut().zip(&state.program.keyed) {
                    hosted.sessions.snapshots(&*step.operator, &mut entries);
                }
                state.epoch = next_epoch;
                let sessions = state
                    .operators
                    .iter()
                    .map(|hosted| hosted.sessions.live())
                    .sum();
                let bytes = state
                    .operators
                    .iter()
                    .map(|hosted| hosted.sessions.bytes())
                    .sum();
                reply.send(Closed {
                    entries,
                    sessions,
                    bytes,
                })?;
            }
            HostMessage::Committed { epoch } => state.passivate(epoch),
        }
        Ok(())
    }
}

fn hosted(
    step: &KeyedStep,
    space: usize,
    committed: &TaskState,
) -> Result<Hosted, ActorProcessingErr> {
    let space = u16::try_from(space)?;
    let mut timers = BTreeSet::new();
    committed.scan_timers(space, &mut |timer, key: &[u8]| {
        timers.insert((timer, Bytes::copy_from_slice(key)));
    })?;
    Ok(Hosted {
        sessions: Sessions::new(space),
        timers,
        fires: step.fires,
    })
}

impl HostState {
    /// Runs rows in order, then due timers in the order of (time, key).
    fn run(&mut self, keyed: usize, batch: &Batch, watermark: i64) -> Result<Emitted, String> {
        let step = &self.program.keyed[keyed];
        let operator = &*step.operator;
        let hosted = &mut self.operators[keyed];
        let mut emitted = operator.emitted();
        let now_ms = self.context.clock.now_ms();
        if !batch.is_empty() {
            let bound = operator.bind(&batch.columns).map_err(|e| e.to_string())?;
            self.keys.fill(batch.columns.column(step.key), batch.len());
            hosted
                .sessions
                .activate(
                    KeyBuffer::iter(&self.keys.text, &self.keys.ends),
                    operator,
                    &self.committed,
                    &mut self.keys.slots,
                )
                .map_err(|e| e.to_string())?;
            for (row, slot) in self.keys.slots.iter().enumerate() {
                let session = hosted.sessions.touch(*slot, self.epoch, now_ms);
                if hosted.fires {
                    let before = operator.timer(&session.state);
                    operator.row(
                        &bound,
                        row,
                        &batch.rows[row],
                        &mut session.state,
                        &mut emitted,
                    );
                    let after = operator.timer(&session.state);
                    if before != after {
                        move_timer(&mut hosted.timers, &session.key, before, after);
                    }
                } else {
                    operator.row(
                        &bound,
                        row,
                        &batch.rows[row],
                        &mut session.state,
                        &mut emitted,
                    );
                }
            }
        }
        self.fire(keyed, watermark, now_ms, &mut emitted)?;
        Ok(emitted)
    }

    fn fire(
        &mut self,
        keyed: usize,
        watermark: i64,
        now_ms: i64,
        emitted: &mut Emitted,
    ) -> Result<(), String> {
        let operator = &*self.program.keyed[keyed].operator;
        let hosted = &mut self.operators[keyed];
        let mut slots = Vec::new();
        while let Some((due, key)) = hosted.timers.first().cloned() {
            if due > watermark {
                break;
            }
            slots.clear();
            hosted
                .sessions
                .activate(
                    std::iter::once(&key[..]),
                    operator,
                    &self.committed,
                    &mut slots,
                )
                .map_err(|e| e.to_string())?;
            let session = hosted.sessions.touch(slots[0], self.epoch, now_ms);
            // Only what is due at this time: later timers of the key wait for their turn in the order.
            operator.fire(&key, due, &mut session.state, emitted);
            let after = operator.timer(&session.state);
            hosted.timers.remove(&(due, key.clone()));
            if let Some(after) = after.filter(|after| *after > due) {
                hosted.timers.insert((after, key));
            }
        }
        Ok(())
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

fn move_timer(
    timers: &mut BTreeSet<(i64, Bytes)>,
    key: &[u8],
    before: Option<i64>,
    after: Option<i64>,
) {
    let key = Bytes::copy_from_slice(key);
    if let Some(before) = before {
        timers.remove(&(before, key.clone()));
    }
    if let Some(after) = after {
        timers.insert((after, key));
    }
}

impl KeyBuffer {
    fn fill(&mut self, column: &dyn arrow_array::Array, rows: usize) {
        self.text.clear();
        self.ends.clear();
        self.slots.clear();
        for row in 0..rows {
            key_text(column, row, &mut self.text);
            self.ends.push(self.text.len());
        }
    }

    fn iter<'a>(text: &'a [u8], ends: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
        let mut start = 0;
        ends.iter().map(move |end| {
            let key = &text[start..*end];
            start = *end;
            key
        })
    }
}
