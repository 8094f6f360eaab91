//! A dedicated session: one key's state in an actor of its own.
//!
//! Inside it is what a host is, with one key ([`Hosted`]): the same order, panic boundary,
//! before-images, quarantine and timers. Its host is its supervisor and the only one that talks to
//! it, with at most one message on its way. A panic of an operator is caught within; if the actor
//! itself ends, its host ends with it, and the shard begins again at the committed offsets.

use std::sync::Arc;

use bytes::Bytes;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::Worked;
use super::cuts::Cuts;
use super::hosted::Hosted;
use super::operator::{HostingError, Kernel, Moment};
use crate::batch::Batch;
use crate::state::store::Entry;

/// What a dedicated session is asked.
pub(super) enum SessionMessage {
    /// Runs its rows of a batch, then what the watermark has passed.
    Rows {
        /// Its rows alone, in their order.
        batch: Batch,
        watermark: i64,
        moment: Moment,
        /// Up to which epoch everything is committed.
        committed: u64,
        /// Whether there is room for one more key in quarantine.
        room: bool,
        reply: RpcReplyPort<Result<Ran, HostingError>>,
    },
    /// Ends its quarantine.
    Release {
        moment: Moment,
        reply: RpcReplyPort<Result<(), HostingError>>,
    },
    /// Ends an epoch that has touched it: gives its snapshot, and about its bytes.
    Close {
        epoch: u64,
        reply: RpcReplyPort<(Option<Entry>, usize)>,
    },
    /// Asks how it fares: calls a minute, about its bytes.
    Figures {
        now_ms: i64,
        reply: RpcReplyPort<(u64, usize)>,
    },
    /// Passivates it: gives its state as it is now, sealed (`None`: empty), and ends.
    Leave { reply: RpcReplyPort<Option<Bytes>> },
}

/// What a session's rows came to.
pub(super) struct Ran {
    pub(super) worked: Worked,
    pub(super) cuts: Cuts,
    /// When it wants to be woken.
    pub(super) timer: Option<i64>,
}

/// The actor.
pub(super) struct DedicatedSession;

/// How it begins.
pub(super) struct Birth {
    pub(super) kernel: Arc<Kernel>,
    pub(super) key: Bytes,
    /// Its state, sealed; `None`: a new one.
    pub(super) value: Option<Bytes>,
    /// The epoch that left it this state, if that is not committed yet.
    pub(super) uncommitted: Option<u64>,
    pub(super) moment: Moment,
    /// When its key has failed lately.
    pub(super) failures: Vec<i64>,
}

/// What it holds.
pub(super) struct SessionState {
    kernel: Arc<Kernel>,
    key: Bytes,
    slot: u32,
    hosted: Hosted,
}

impl Actor for DedicatedSession {
    type Msg = SessionMessage;
    type State = SessionState;
    type Arguments = Birth;

    async fn pre_start(
        &self,
        _: ActorRef<SessionMessage>,
        birth: Birth,
    ) -> Result<SessionState, ActorProcessingErr> {
        Ok(SessionState::new(birth)?)
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMessage>,
        message: SessionMessage,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        state.kernel.faults.reach("session").await;
        match message {
            SessionMessage::Rows {
                batch,
                watermark,
                moment,
                committed,
                room,
                reply,
            } => {
                state.hosted.journal.committed(committed);
                state.hosted.quarantine.set_room(room);
                reply.send(state.run(batch, watermark, moment))?;
            }
            SessionMessage::Release { moment, reply } => {
                let released = state.hosted.release(&state.kernel, &state.key, moment);
                reply.send(released.map(drop))?;
            }
            SessionMessage::Close { epoch, reply } => reply.send(state.close(epoch))?,
            SessionMessage::Figures { now_ms, reply } => {
                let figures = state.hosted.sessions.figures(now_ms).next();
                reply.send(figures.map_or((0, 0), |(_, rate, bytes)| (rate, bytes)))?;
            }
            SessionMessage::Leave { reply } => {
                let operator = &*state.kernel.operator;
                reply.send(state.hosted.sessions.image(state.slot, operator))?;
                myself.stop(None);
            }
        }
        Ok(())
    }
}

impl SessionState {
    fn new(birth: Birth) -> Result<Self, HostingError> {
        let Birth {
            kernel,
            key,
            value,
            uncommitted,
            moment,
            failures,
        } = birth;
        let mut hosted = Hosted::new(&kernel);
        let slot = hosted.adopt(&kernel, &key, value.as_ref())?;
        if let Some(epoch) = uncommitted {
            let entry = Entry {
                space: kernel.space,
                key: key.clone(),
                value,
            };
            let image = (Arc::new(vec![entry]), 0);
            hosted.journal.image(epoch, vec![slot], image);
            if epoch == moment.epoch {
                hosted.sessions.touch(slot, epoch, moment.now_ms);
            }
        }
        hosted.quarantine.set_failures(&key, failures);
        Ok(Self {
            kernel,
            key,
            slot,
            hosted,
        })
    }

    fn run(&mut self, batch: Batch, watermark: i64, moment: Moment) -> Result<Ran, HostingError> {
        let keys = std::iter::repeat_n(&self.key[..], batch.len());
        let (mut cuts, at) = (Cuts::default(), (watermark, moment));
        let worked = self
            .hosted
            .run(&self.kernel, batch, keys, at, Some(&mut cuts))?;
        let state = self.hosted.sessions.state(self.slot);
        Ok(Ran {
            worked,
            cuts,
            timer: self.kernel.operator.timer(state),
        })
    }

    fn close(&mut self, epoch: u64) -> (Option<Entry>, usize) {
        let (sessions, mut entries) = (&mut self.hosted.sessions, Vec::new());
        let slots = sessions.snapshots(&*self.kernel.operator, &mut entries);
        let (entry, bytes) = (entries.first().cloned(), sessions.bytes());
        self.hosted
            .journal
            .image(epoch, slots, (Arc::new(entries), 0));
        (entry, bytes)
    }
}
