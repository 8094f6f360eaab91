//! One supervisor's children as a pure state machine: told what happened, it says what to do next.
//!
//! Life of a child: `Idle → Starting → Up → (Stopping) → Idle | Left | Parked`. Three rules make all else:
//! the condemned (those that stop because another failed, or because all stop) go down one at a time,
//! last started first; nothing starts while a condemned child lives; one child starts at a time, in order.
//!
//! A failure opens a *case*: who is to blame? Who ends by its own fault is; but the first to end may only
//! miss another that is about to. Then the case stays open until the condemned are down, and the first of
//! them that failed by its own fault is to blame. Its budget pays: its own if it has one ([`Parking`]).

mod case;

use config::{Backoff, Intensity, Strategy};

use self::case::Case;
pub(crate) use self::case::{Ended, Judgement, Verdict};
use crate::{Decision, Exit, Parking, decide};

/// Children of one supervisor, by position in the order of starting.
#[derive(Debug)]
pub(crate) struct Group {
    policy: Policy,
    members: Vec<Member>,
    /// When children were restarted, within the window; not those that pay themselves.
    restarts: Vec<i64>,
    case: Option<Case>,
    goal: Goal,
    /// Whether [`Order::Ready`] was given.
    ready: bool,
}

/// How failures are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) backoff: Backoff,
}

#[derive(Debug, Clone)]
struct Member {
    life: Life,
    /// Must go down before anything starts.
    condemned: bool,
    /// Earliest time of its next start; parked: when it is tried again.
    not_before: i64,
    parking: Option<Parking>,
    /// When its own failures restarted it, within its window.
    failures: Vec<i64>,
}

/// What a child is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// To be started.
    Idle,
    /// Its start is under way.
    Starting,
    /// It runs.
    Up,
    /// It was told to stop, or its start was cancelled.
    Stopping,
    /// It failed too often by its own fault; tried again later.
    Parked,
    /// It ended for good.
    Left,
}

#[derive(Debug)]
enum Goal {
    /// All children up.
    Up,
    /// All children down, then the supervisor ends like this.
    Down(Exit),
    /// Told to end.
    Done,
}

/// What the supervisor is to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Start this child; answer with [`Group::up`] or [`Group::ended`].
    Start(usize),
    /// Stop this child, or cancel its start; answer with [`Group::ended`].
    Stop(usize),
    /// This child was parked and is tried again: say so.
    Retry(usize),
    /// All children are up for the first time.
    Ready,
    /// All children are down: end like this.
    Finish(Exit),
}

impl Group {
    /// Children that are all to be started, each with its own budget if it has one.
    pub(crate) fn new(policy: Policy, children: impl IntoIterator<Item = Option<Parking>>) -> Self {
        let member = |parking| Member {
            life: Life::Idle,
            condemned: false,
            not_before: i64::MIN,
            parking,
            failures: Vec::new(),
        };
        Self {
            policy,
            members: children.into_iter().map(member).collect(),
            restarts: Vec::new(),
            case: None,
            goal: Goal::Up,
            ready: false,
        }
    }

    pub(crate) fn life(&self, child: usize) -> Life {
        self.members[child].life
    }

    /// Whether an idle child waits for its backoff.
    pub(crate) fn backs_off(&self, child: usize, now: i64) -> bool {
        self.members[child].life == Life::Idle && self.members[child].not_before > now
    }

    pub(crate) fn restarts(&self) -> &[i64] {
        &self.restarts
    }

    /// A start is done and the child runs. Does nothing if the child was told to stop meanwhile.
    pub(crate) fn up(&mut self, child: usize) {
        let member = &mut self.members[child];
        if member.life == Life::Starting {
            member.life = Life::Up;
        }
    }

    /// A child ended, failed to start, or its start was cancelled. Ask [`Group::judge`] next.
    pub(crate) fn ended(&mut self, child: usize, exit: &Exit) -> Ended {
        let going_down = !matches!(self.goal, Goal::Up);
        let member = &mut self.members[child];
        if member.condemned {
            member.condemned = false;
            member.life = if going_down { Life::Left } else { Life::Idle };
            if let Some(case) = &mut self.case {
                case.accuse(child, exit);
            }
            return Ended::Stopped;
        }
        if *exit == Exit::Normal {
            member.life = Life::Left;
            return Ended::Finished;
        }
        self.members[child].life = Life::Idle;
        self.condemn_with(child);
        let case = self.case.get_or_insert_with(|| Case::new(child, exit));
        case.accuse(child, exit);
        Ended::Failed
    }

    /// Decides an open case as soon as it is known who is to blame.
    pub(crate) fn judge(&mut self, now: i64, jitter: f64) -> Option<Judgement> {
        let own_fault = self.case.as_ref()?.exit.is_own_fault();
        if !own_fault && self.members.iter().any(|member| member.condemned) {
            return None;
        }
        let case = self.case.take()?;
        let Policy {
            intensity, backoff, ..
        } = self.policy;
        let culprit = &mut self.members[case.culprit];
        let parking = culprit.parking.filter(|_| own_fault);
        let (intensity, history) = match parking {
            Some(parking) => (parking.intensity, &mut culprit.failures),
            None => (intensity, &mut self.restarts),
        };
        let verdict = match decide(intensity, backoff, history, now, &case.exit, jitter) {
            Decision::Restart { after } => {
                let begin = now.saturating_sub(intensity.within.0);
                history.retain(|at| *at > begin);
                history.push(now);
                let spent = u32::try_from(history.len()).unwrap_or(u32::MAX);
                let left = intensity.restarts.saturating_sub(spent);
                self.wait(case.first.min(case.culprit), now.saturating_add(after.0));
                Verdict::Restarting { after, left }
            }
            // Only failures make a case.
            Decision::Leave | Decision::Escalate => match parking {
                Some(Parking { retry, .. }) => {
                    self.park(case.culprit, now.saturating_add(retry.0));
                    Verdict::Parked { retry }
                }
                None => {
                    self.members[case.culprit].life = Life::Left;
                    self.go_down(case.exit.clone());
                    Verdict::Escalated
                }
            },
        };
        Some(Judgement {
            child: case.culprit,
            exit: case.exit,
            verdict,
        })
    }

    /// Those that restart when this child fails.
    fn group_of(&self, child: usize) -> std::ops::Range<usize> {
        match self.policy.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.members.len(),
            Strategy::RestForOne => child..self.members.len(),
        }
    }

    /// Condemns the living among those that restart with a child.
    fn condemn_with(&mut self, child: usize) {
        let group = self.group_of(child);
        condemn(&mut self.members[group]);
    }

    /// Nobody of a child's group starts before this time.
    fn wait(&mut self, child: usize, not_before: i64) {
        let group = self.group_of(child);
        for member in &mut self.members[group] {
            if member.life != Life::Parked {
                member.not_before = member.not_before.max(not_before);
            }
        }
    }

    /// Leaves a child out until this time. It is down, or about to start for the first time.
    pub(crate) fn park(&mut self, child: usize, until: i64) {
        let member = &mut self.members[child];
        (member.life, member.not_before) = (Life::Parked, until);
    }

    /// A parked child is to be tried again, now; those that restart with it begin again beside it. One more
    /// failure within its window parks it at once.
    pub(crate) fn retry(&mut self, child: usize, now: i64) {
        let member = &mut self.members[child];
        if !matches!(self.goal, Goal::Up) || member.life != Life::Parked {
            return;
        }
        // Left as it is, but due.
        member.not_before = now;
    }

    /// Begins to try a parked child again.
    fn unpark(&mut self, child: usize, now: i64) {
        let member = &mut self.members[child];
        (member.life, member.not_before) = (Life::Idle, now);
        let spent = member
            .parking
            .map_or(0, |parking| parking.intensity.restarts);
        member.failures = vec![now; spent as usize];
        self.condemn_with(child);
    }

    /// All children down, last started first, and up again: by will, so it costs no budget.
    pub(crate) fn recycle(&mut self) {
        if !matches!(self.goal, Goal::Up) {
            return;
        }
        condemn(&mut self.members);
    }

    /// All go down, then the supervisor ends like this. The first call decides how.
    pub(crate) fn go_down(&mut self, exit: Exit) {
        if !matches!(self.goal, Goal::Up) {
            return;
        }
        self.goal = Goal::Down(exit);
        self.case = None;
        for member in &mut self.members {
            match member.life {
                Life::Starting | Life::Up | Life::Stopping => member.condemned = true,
                Life::Idle | Life::Parked | Life::Left => member.life = Life::Left,
            }
        }
    }

    /// What to do now; `None`: wait for news, or until [`Group::wake_at`]. Ask again after each order.
    pub(crate) fn next(&mut self, now: i64) -> Option<Order> {
        if let Some(child) = self.members.iter().rposition(|member| member.condemned) {
            let member = &mut self.members[child];
            return match member.life {
                Life::Starting | Life::Up => {
                    member.life = Life::Stopping;
                    Some(Order::Stop(child))
                }
                Life::Stopping | Life::Idle | Life::Parked | Life::Left => None,
            };
        }
        match &self.goal {
            Goal::Up => self.next_start(now),
            Goal::Down(exit) => {
                let exit = exit.clone();
                self.goal = Goal::Done;
                Some(Order::Finish(exit))
            }
            Goal::Done => None,
        }
    }

    fn next_start(&mut self, now: i64) -> Option<Order> {
        if self.case.is_some() {
            return None;
        }
        let due = |m: &Member| m.life == Life::Parked && m.not_before <= now;
        if let Some(child) = self.members.iter().position(due) {
            self.unpark(child, now);
            return Some(Order::Retry(child));
        }
        if self.any(Life::Starting) {
            return None;
        }
        if let Some(child) = self.candidate(now) {
            self.members[child].life = Life::Starting;
            return Some(Order::Start(child));
        }
        if self.ready || self.any(Life::Idle) {
            return None;
        }
        self.ready = true;
        Some(Order::Ready)
    }

    /// The next child to start. Where order means something, one that backs off holds up those
    /// behind it; under one_for_one it does not.
    fn candidate(&self, now: i64) -> Option<usize> {
        let idle = |member: &Member| member.life == Life::Idle;
        let due = |member: &Member| member.not_before <= now;
        match self.policy.strategy {
            Strategy::OneForOne => self.members.iter().position(|m| idle(m) && due(m)),
            Strategy::OneForAll | Strategy::RestForOne => {
                let first = self.members.iter().position(idle)?;
                due(&self.members[first]).then_some(first)
            }
        }
    }

    /// When to ask again though nothing happens: the earliest end of a backoff, or of a parking.
    pub(crate) fn wake_at(&self, now: i64) -> Option<i64> {
        let waits = (0..self.members.len()).filter(|child| {
            self.backs_off(*child, now) || self.members[*child].life == Life::Parked
        });
        waits.map(|child| self.members[child].not_before).min()
    }

    fn any(&self, life: Life) -> bool {
        self.members.iter().any(|member| member.life == life)
    }
}

/// The living go down; those that had finished begin again too, for their work may depend on the failed
/// one's. The parked stay so.
fn condemn(members: &mut [Member]) {
    for member in members {
        match member.life {
            Life::Starting | Life::Up | Life::Stopping => member.condemned = true,
            Life::Idle | Life::Left => member.life = Life::Idle,
            Life::Parked => {}
        }
    }
}

#[cfg(test)]
mod tests;
