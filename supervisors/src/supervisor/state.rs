//! What a supervisor knows of its children, and how it carries out its group's orders.

use std::sync::Arc;
use std::time::Duration;

use config::Millis;
use ractor::errors::ActorProcessingErr;
use ractor::{ActorCell, ActorId, ActorRef};
use tokio::task::AbortHandle;

use super::errands;
use super::launch::Launch;
use super::{Arguments, Environment, KILL_GRACE, Message, OnReady};
use crate::group::{Ended, Group, Judgement, Life, Order, Policy, Verdict};
use crate::intensity::jitter;
use crate::ledger::Node;
use crate::{ChildKind, ChildState, Exit, Failure, Hindrance, News, Role, SupervisionNews};

pub(crate) struct State {
    pub(super) node: Arc<Node>,
    pub(super) environment: Arc<Environment>,
    generation: u64,
    pub(super) group: Group,
    pub(super) slots: Vec<Slot>,
    on_ready: Option<OnReady>,
    /// Exits of actors that are nobody's yet: a child may end before the answer to its start is
    /// read. Kept only while a start is under way.
    early_exits: Vec<(ActorId, Exit)>,
    /// The wake-up that is set.
    wake_at: Option<i64>,
    /// A child was given up: the others may wait for its answer, so they are not waited for long.
    pub(super) in_haste: bool,
    draws: u64,
}

/// A child's running instance.
#[derive(Default)]
pub(super) struct Slot {
    generation: u64,
    pub(super) cell: Option<ActorCell>,
    pub(super) starting: Option<AbortHandle>,
}

impl State {
    /// # Errors
    /// If the node is a worker.
    pub(super) fn new(arguments: Arguments) -> Result<Self, Failure> {
        let Arguments {
            node,
            generation,
            environment,
            on_ready,
        } = arguments;
        let Some(policy) = policy_of(&node) else {
            return Err(Failure {
                reason: format!("\"{}\" is not a supervisor", node.path),
                remedy: None,
            });
        };
        let children = node.children.len();
        let mut group = Group::new(policy, node.children.iter().map(|child| child.spec.parking));
        for (child, node) in node.children.iter().enumerate() {
            if let Some(until) = environment.ledger.parked_until(node) {
                group.park(child, until);
            }
        }
        Ok(Self {
            group,
            slots: (0..children).map(|_| Slot::default()).collect(),
            node,
            environment,
            generation,
            on_ready: Some(on_ready),
            early_exits: Vec::new(),
            wake_at: None,
            in_haste: false,
            draws: 0,
        })
    }

    /// Carries out the group's orders until there is nothing to do but wait.
    pub(super) fn drive(&mut self, myself: &ActorRef<Message>) -> Result<(), ActorProcessingErr> {
        let now = self.environment.ledger.now_ms();
        while let Some(order) = self.group.next(now) {
            match order {
                Order::Start(child) => self.start(myself, child),
                Order::Stop(child) => self.stop(myself, child),
                Order::Retry(child) => {
                    let node = &self.node.children[child];
                    self.environment.ledger.set_parked(node, None);
                    self.tell(child, News::Retried);
                }
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

    fn start(&mut self, myself: &ActorRef<Message>, child: usize) {
        self.in_haste = false;
        let node = Arc::clone(&self.node.children[child]);
        let generation = self.environment.ledger.begin(&node);
        let environment = Arc::clone(&self.environment);
        let launch = Launch {
            node,
            child,
            generation,
            environment,
            supervisor: myself.clone(),
        };
        self.slots[child] = Slot {
            generation,
            cell: None,
            starting: Some(launch.begin()),
        };
    }

    pub(super) fn start_done(
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

    pub(super) fn child_ready(&mut self, child: usize, generation: u64) {
        if self.slots[child].generation == generation {
            self.child_up(child);
        }
    }

    pub(super) fn woken(&mut self) {
        self.wake_at = None;
    }

    pub(super) fn go_down(&mut self) {
        self.group.go_down(Exit::Normal);
    }

    pub(super) fn actor_ended(&mut self, id: ActorId, exit: Exit) {
        let of_child = |slot: &Slot| slot.cell.as_ref().is_some_and(|cell| cell.get_id() == id);
        match self.slots.iter().position(of_child) {
            Some(child) => self.child_ended(child, exit),
            None if self.slots.iter().any(|slot| slot.starting.is_some()) => {
                self.early_exits.push((id, exit));
            }
            None => {}
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
        let deadline = match self.in_haste {
            true => errands::hasty_stop(&self.node.children[child]),
            false => stop_deadline(&self.node.children[child]),
        };
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

    pub(super) fn deadline(&mut self, myself: &ActorRef<Message>, child: usize, generation: u64) {
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
    pub(super) fn abandon(&mut self, child: usize, generation: u64) {
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

    pub(super) fn child_ended(&mut self, child: usize, exit: Exit) {
        self.slots[child].cell = None;
        let ledger = &self.environment.ledger;
        ledger.end_below(&self.node.children[child]);
        match self.group.ended(child, &exit) {
            Ended::Stopped => self.tell(child, News::Stopped),
            Ended::Finished => self.tell(child, News::Finished),
            Ended::Failed => {}
        }
        self.environment
            .ledger
            .set_exit(&self.node.children[child], exit);
        let (now, jitter) = (self.environment.ledger.now_ms(), self.jitter());
        if let Some(judgement) = self.group.judge(now, jitter) {
            self.judged(judgement, now);
        }
    }

    /// Tells what comes of a failure.
    fn judged(&self, judgement: Judgement, now: i64) {
        let Judgement {
            child,
            exit,
            verdict,
        } = judgement;
        let ledger = &self.environment.ledger;
        ledger.set_restarts(&self.node, self.group.restarts());
        let news = match verdict {
            Verdict::Restarting { after, left } => News::Restarting { exit, after, left },
            Verdict::Parked { retry } => {
                let until = now.saturating_add(retry.0);
                ledger.set_parked(&self.node.children[child], Some(until));
                News::Parked { exit, retry }
            }
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
            Exit::Error { .. } | Exit::Panic { .. } => Exit::Error {
                reason: format!("\"{}\" gave up: {exit}", self.node.path),
                remedy: exit.remedy().map(str::to_owned),
            },
            // No fault of what is below here is none of this supervisor's.
            Exit::Hindered { .. } | Exit::Killed => Exit::Hindered {
                reason: format!("\"{}\" gave up: {exit}", self.node.path),
                remedy: exit.remedy().map(str::to_owned),
            },
        };
        self.environment.ledger.set_exit(&self.node, own.clone());
        match own {
            Exit::Error { reason, remedy } => Err(Box::new(Failure { reason, remedy })),
            Exit::Hindered { reason, remedy } => Err(Box::new(Hindrance { reason, remedy })),
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
                Life::Parked => ChildState::Parked,
                Life::Left => ChildState::Ended,
            };
            self.environment.ledger.set_state(node, state);
        }
    }

    pub(super) fn tell(&self, child: usize, news: News) {
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

    fn jitter(&mut self) -> f64 {
        self.draws += 1;
        let place = ((self.node.id as u64) << 48) ^ (self.generation << 24) ^ self.draws;
        jitter(self.environment.jitter_seed ^ place)
    }
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
