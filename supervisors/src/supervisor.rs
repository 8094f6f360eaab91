//! The actor around a [`Group`]: carries out its orders and tells it what happened.
//!
//! Invariant: no handler waits. Starts run as tasks of their own, stops and backoffs are timers, and
//! every one of them answers with a message; so a supervisor can always be stopped, whatever its
//! children do. Every start gets exactly one answer, even if the starter panics.

use std::sync::Arc;
use std::time::Duration;

use config::Millis;
use ractor::errors::ActorProcessingErr;
use ractor::{Actor, ActorCell, ActorId, ActorRef, SupervisionEvent};
use tokio::task::{AbortHandle, JoinError};

use crate::group::{Group, Life, Order, Policy, Verdict};
use crate::ledger::{Ledger, Node};
use crate::{
    ChildKind, ChildStarter, ChildState, EventSink, Exit, Failure, News, Role, StartError,
    StartFuture, SupervisionNews,
};

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
}

pub(crate) struct State {
    node: Arc<Node>,
    environment: Arc<Environment>,
    generation: u64,
    group: Group,
    slots: Vec<Slot>,
    on_ready: Option<OnReady>,
    /// Exits of actors that are nobody's yet: a child may end before the answer to its start is
    /// read. Kept only while a start is under way.
    early_exits: Vec<(ActorId, Exit)>,
    /// The wake-up that is set.
    wake_at: Option<i64>,
    draws: u64,
}

/// A child's running instance.
#[derive(Default)]
struct Slot {
    generation: u64,
    cell: Option<ActorCell>,
    starting: Option<AbortHandle>,
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
        let Arguments {
            node,
            generation,
            environment,
            on_ready,
        } = arguments;
        let Some(policy) = policy_of(&node) else {
            return Err(Box::new(Failure {
                reason: format!("\"{}\" is not a supervisor", node.path),
                remedy: None,
            }));
        };
        let children = node.children.len();
        Ok(State {
            group: Group::new(policy, children),
            slots: (0..children).map(|_| Slot::default()).collect(),
            node,
            environment,
            generation,
            on_ready: Some(on_ready),
            early_exits: Vec::new(),
            wake_at: None,
            draws: 0,
        })
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
            Message::ChildReady { child, generation } => {
                if state.slots[child].generation == generation {
                    state.child_up(child);
                }
            }
            Message::Deadline { child, generation } => state.deadline(&myself, child, generation),
            Message::Abandon { child, generation } => state.abandon(child, generation),
            Message::Wake => state.wake_at = None,
            Message::Stop => state.group.go_down(Exit::Normal),
        }
        state.drive(&myself)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (Some(id), Some(exit)) = (event.actor_id(), Exit::of_event(&event)) else {
            return Ok(());
        };
        let of_child = |slot: &Slot| slot.cell.as_ref().is_some_and(|cell| cell.get_id() == id);
        match state.slots.iter().position(of_child) {
            Some(child) => state.child_ended(child, exit),
            None if state.slots.iter().any(|slot| slot.starting.is_some()) => {
                state.early_exits.push((id, exit));
            }
            None => {}
        }
        state.drive(&myself)
    }
}

impl State {
    /// Carries out the group's orders until there is nothing to do but wait.
    fn drive(&mut self, myself: &ActorRef<Message>) -> Result<(), ActorProcessingErr> {
        let now = self.environment.ledger.now_ms();
        while let Some(order) = self.group.next(now) {
            match order {
                Order::Start(child) => self.start(myself, child),
                Order::Stop(child) => self.stop(myself, child),
                Order::Ready => self.ready(),
                Order::Finish(exit) => {
                    self.record(now);
                    return self.finish(myself, exit);
                }
            }
        }
        self.record(now);
        if let Some(at) = self.group.wake_at(now)
            && self.wake_at.is_none_or(|set| at < set)
        {
            self.wake_at = Some(at);
            myself.send_after(Millis(at - now).duration(), || Message::Wake);
        }
        Ok(())
    }

    /// Starts a child on a task of its own, which answers with [`Message::StartDone`].
    fn start(&mut self, myself: &ActorRef<Message>, child: usize) {
        let node = Arc::clone(&self.node.children[child]);
        let generation = self.environment.ledger.begin(&node);
        let environment = Arc::clone(&self.environment);
        let supervisor = myself.clone();
        let start = tokio::spawn(async move {
            match node.spec.role {
                Role::Worker => {
                    let starter = Arc::clone(&environment.starter);
                    starter
                        .start(&node.spec, generation, supervisor.get_cell())
                        .await
                }
                Role::Supervisor { .. } => {
                    open(node, generation, environment, supervisor, child).await
                }
            }
        });
        let slot = &mut self.slots[child];
        slot.generation = generation;
        slot.cell = None;
        slot.starting = Some(start.abort_handle());
        let answer_to = myself.clone();
        tokio::spawn(async move {
            let result = match start.await {
                Ok(Ok(cell)) => Ok(cell),
                Ok(Err(StartError(exit))) => Err(exit),
                Err(join) => Err(exit_of_join(join)),
            };
            let answer = Message::StartDone {
                child,
                generation,
                result,
            };
            if answer_to.send_message(answer).is_err() {
                // The supervisor is gone, and ractor has ended all that was linked to it.
                tracing::debug!(child, generation, "start outlived its supervisor");
            }
        });
    }

    fn start_done(
        &mut self,
        myself: &ActorRef<Message>,
        child: usize,
        generation: u64,
        result: Result<ActorCell, Exit>,
    ) {
        let early_exits = std::mem::take(&mut self.early_exits);
        let slot = &mut self.slots[child];
        if slot.generation != generation || slot.starting.take().is_none() {
            // Abandoned meanwhile.
            result.iter().for_each(ActorCell::kill);
            return;
        }
        let cell = match result {
            Ok(cell) => cell,
            Err(exit) => {
                self.kill_strangers(myself);
                return self.child_ended(child, exit);
            }
        };
        let ended = early_exits.into_iter().find(|(id, _)| *id == cell.get_id());
        slot.cell = Some(cell);
        if let Some((_, exit)) = ended {
            return self.child_ended(child, exit);
        }
        match (self.group.life(child), &self.node.children[child].spec.role) {
            // Cancelled too late.
            (Life::Stopping, _) => self.ask_to_stop(child),
            (_, Role::Worker) => self.child_up(child),
            // Up when its children are: `ChildReady`.
            (_, Role::Supervisor { .. }) => {}
        }
    }

    /// Ends actors that a cancelled start left linked to this supervisor.
    fn kill_strangers(&self, myself: &ActorRef<Message>) {
        for cell in myself.get_children() {
            if !self
                .slots
                .iter()
                .any(|slot| slot.cell.as_ref() == Some(&cell))
            {
                cell.kill();
            }
        }
    }

    fn child_up(&mut self, child: usize) {
        if self.group.life(child) == Life::Starting {
            self.group.up(child);
            self.tell(child, News::Started);
        }
    }

    /// Stops a child, or cancels its start, and sets its deadline.
    fn stop(&mut self, myself: &ActorRef<Message>, child: usize) {
        if let Some(start) = &self.slots[child].starting {
            start.abort();
        }
        self.ask_to_stop(child);
        let generation = self.slots[child].generation;
        let deadline = stop_deadline(&self.node.children[child]);
        myself.send_after(deadline, move || Message::Deadline { child, generation });
    }

    fn ask_to_stop(&self, child: usize) {
        let Some(cell) = &self.slots[child].cell else {
            return;
        };
        match self.node.children[child].spec.role {
            Role::Worker => cell.stop(None),
            Role::Supervisor { .. } => {
                if cell.send_message(Message::Stop).is_err() {
                    tracing::debug!(child, "told to stop, but has ended");
                }
            }
        }
    }

    fn is_stopping(&self, child: usize, generation: u64) -> bool {
        self.slots[child].generation == generation && self.group.life(child) == Life::Stopping
    }

    fn deadline(&mut self, myself: &ActorRef<Message>, child: usize, generation: u64) {
        if !self.is_stopping(child, generation) {
            return;
        }
        self.tell(child, News::Killed);
        if let Some(cell) = &self.slots[child].cell {
            cell.kill();
        }
        myself.send_after(KILL_GRACE, move || Message::Abandon { child, generation });
    }

    /// An actor that blocks its thread cannot be ended from within the process, and a second
    /// instance beside it would break what supervision promises: give up, up to the root.
    fn abandon(&mut self, child: usize, generation: u64) {
        if !self.is_stopping(child, generation) {
            return;
        }
        self.tell(child, News::Abandoned);
        self.group.go_down(Exit::Error {
            reason: format!(
                "\"{}\" does not end, not even when killed: it blocks a thread",
                self.node.children[child].path
            ),
            remedy: Some("restart the process".into()),
        });
        self.slots[child].starting = None;
        self.child_ended(child, Exit::Killed);
    }

    fn child_ended(&mut self, child: usize, exit: Exit) {
        self.slots[child].cell = None;
        let now = self.environment.ledger.now_ms();
        let jitter = self.jitter();
        let verdict = self.group.ended(child, &exit, now, jitter);
        let ledger = &self.environment.ledger;
        ledger.set_exit(&self.node.children[child], exit.clone());
        ledger.end_below(&self.node.children[child]);
        ledger.set_restarts(&self.node, self.group.restarts());
        let news = match verdict {
            Verdict::Stopped => News::Stopped,
            Verdict::Finished => News::Finished,
            Verdict::Restarting { after, left } => News::Restarting { exit, after, left },
            Verdict::Escalated => News::Escalated { exit },
        };
        self.tell(child, news);
    }

    fn ready(&mut self) {
        if let Some(on_ready) = self.on_ready.take() {
            on_ready();
        }
    }

    /// Ends this supervisor: well, or with an error that its own supervisor decides about.
    fn finish(&mut self, myself: &ActorRef<Message>, exit: Exit) -> Result<(), ActorProcessingErr> {
        let own = match exit {
            Exit::Normal => Exit::Normal,
            Exit::Error { .. } | Exit::Panic { .. } | Exit::Killed => Exit::Error {
                reason: format!("\"{}\" gave up: {exit}", self.node.path),
                remedy: exit.remedy().map(str::to_owned),
            },
        };
        self.environment.ledger.set_exit(&self.node, own.clone());
        match own {
            Exit::Error { reason, remedy } => Err(Box::new(Failure { reason, remedy })),
            Exit::Normal | Exit::Panic { .. } | Exit::Killed => {
                myself.stop(None);
                Ok(())
            }
        }
    }

    /// Writes the children's states into the ledger.
    fn record(&self, now: i64) {
        for (child, node) in self.node.children.iter().enumerate() {
            let state = match self.group.life(child) {
                Life::Idle if self.group.backs_off(child, now) => ChildState::Backoff,
                Life::Idle => ChildState::Waiting,
                Life::Starting => ChildState::Starting,
                Life::Up => ChildState::Running,
                Life::Stopping => ChildState::Stopping,
                Life::Left => ChildState::Ended,
            };
            self.environment.ledger.set_state(node, state);
        }
    }

    fn tell(&self, child: usize, news: News) {
        let node = &self.node.children[child];
        let told = SupervisionNews {
            path: node.path.clone(),
            kind: ChildKind::clone(node.kind()),
            generation: self.slots[child].generation,
            news,
        };
        told.log();
        (self.environment.events)(&told);
    }

    /// A number from 0 to 1, the same in every run with the same seed.
    fn jitter(&mut self) -> f64 {
        self.draws += 1;
        let place = (self.node.id as u64) << 48 ^ self.generation << 24 ^ self.draws;
        unit(self.environment.jitter_seed ^ place)
    }
}

/// Starts a supervisor as child number `child` of `parent`.
fn open(
    node: Arc<Node>,
    generation: u64,
    environment: Arc<Environment>,
    parent: ActorRef<Message>,
    child: usize,
) -> StartFuture {
    Box::pin(async move {
        let supervisor = parent.get_cell();
        let on_ready: OnReady = Box::new(move || {
            if parent
                .send_message(Message::ChildReady { child, generation })
                .is_err()
            {
                tracing::debug!(child, "ready, but its supervisor has ended");
            }
        });
        let arguments = Arguments {
            node,
            generation,
            environment,
            on_ready,
        };
        let (actor, _) = Supervisor::spawn_linked(None, Supervisor, arguments, supervisor).await?;
        Ok(actor.get_cell())
    })
}

/// How long a child may take to stop: a supervisor needs its children's time beside its own, and
/// theirs when they have to be killed.
pub(crate) fn stop_deadline(node: &Node) -> Duration {
    let below: Duration = node
        .children
        .iter()
        .map(|child| stop_deadline(child) + KILL_GRACE)
        .sum();
    node.spec.shutdown.duration() + below
}

fn policy_of(node: &Node) -> Option<Policy> {
    match node.spec.role {
        Role::Worker => None,
        Role::Supervisor {
            strategy,
            intensity,
            backoff,
            ..
        } => Some(Policy {
            strategy,
            intensity,
            backoff,
        }),
    }
}

/// How a start's task ended when it gave no answer: cancelled, or the starter panicked.
fn exit_of_join(error: JoinError) -> Exit {
    match error.try_into_panic() {
        Err(_cancelled) => Exit::Killed,
        Ok(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| payload.downcast_ref::<String>().cloned());
            Exit::Panic {
                text: text.unwrap_or_else(|| "a panic without a text".into()),
            }
        }
    }
}

/// SplitMix64 (Steele, Lea & Flood, 2014) of a seed, as a number from 0 to 1.
fn unit(seed: u64) -> f64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    #[expect(
        clippy::cast_precision_loss,
        reason = "53 bits are what a float64 holds"
    )]
    let mantissa = ((z ^ (z >> 31)) >> 11) as f64;
    mantissa / (1_u64 << 53) as f64
}
