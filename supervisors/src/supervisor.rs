//! The actor around a [`Group`]: carries out its orders and tells it what happened.
//!
//! Invariant: no handler waits. Starts run as tasks of their own, stops and backoffs are timers, and
//! every one of them answers with a message; so a supervisor can always be stopped, whatever its
//! children do. Every start gets exactly one answer, even if the starter panics.

mod errands;
mod launch;
mod state;

use std::sync::Arc;
use std::time::Duration;

use ractor::errors::ActorProcessingErr;
use ractor::{Actor, ActorCell, ActorRef, SupervisionEvent};

use self::state::State;
use crate::ledger::{Ledger, Node};
use crate::{ChildStarter, Errand, EventSink, Exit};

/// How long a killed actor may take to notice: `kill` acts at the next await, which a thread that
/// computes or blocks does not reach.
pub(crate) const KILL_GRACE: Duration = Duration::from_secs(5);

/// What all supervisors of a tree share.
pub(crate) struct Environment {
    pub(crate) starter: Arc<dyn ChildStarter>,
    pub(crate) events: EventSink,
    pub(crate) ledger: Ledger,
    pub(crate) jitter_seed: u64,
}

pub(crate) struct Supervisor;

/// What a supervisor is born with.
pub(crate) struct Arguments {
    pub(crate) node: Arc<Node>,
    pub(crate) generation: u64,
    pub(crate) environment: Arc<Environment>,
    /// Called once, when all its children are up for the first time.
    pub(crate) on_ready: OnReady,
}

pub(crate) type OnReady = Box<dyn FnOnce() + Send + Sync>;

pub(crate) enum Message {
    /// The answer to a start.
    StartDone {
        child: usize,
        generation: u64,
        result: Result<ActorCell, Exit>,
    },
    /// A child that is a supervisor has all its children up.
    ChildReady { child: usize, generation: u64 },
    /// Time to stop is over.
    Deadline { child: usize, generation: u64 },
    /// Time to die is over.
    Abandon { child: usize, generation: u64 },
    /// A backoff is over.
    Wake,
    /// Stop the children, then end.
    Stop,
    /// Something to be done at this path below (names, outermost first).
    Errand(Vec<String>, Errand),
}

impl Actor for Supervisor {
    type Msg = Message;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        _: ActorRef<Message>,
        arguments: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        Ok(State::new(arguments)?)
    }

    async fn post_start(
        &self,
        myself: ActorRef<Message>,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        state.drive(&myself)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::StartDone {
                child,
                generation,
                result,
            } => state.start_done(&myself, child, generation, result),
            Message::ChildReady { child, generation } => state.child_ready(child, generation),
            Message::Deadline { child, generation } => state.deadline(&myself, child, generation),
            Message::Abandon { child, generation } => state.abandon(child, generation),
            Message::Wake => state.woken(),
            Message::Stop => state.go_down(),
            Message::Errand(path, errand) => state.errand(path, errand),
        }
        state.drive(&myself)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        if let (Some(id), Some(exit)) = (event.actor_id(), Exit::of_event(&event)) {
            state.actor_ended(id, exit);
        }
        state.drive(&myself)
    }
}
