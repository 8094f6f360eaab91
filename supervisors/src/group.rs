//! One supervisor's children as a pure state machine: told what happened, it says what to do next.
//!
//! Life of a child: `Idle → Starting → Up → (Stopping) → Idle | Left`. Three rules make all else:
//! the condemned (those that stop because another failed, or because all stop) go down one at a time,
//! last started first; nothing starts while a condemned child lives; one child starts at a time, in order.

use config::{Backoff, Intensity, Millis, Strategy};

use crate::{Decision, Exit, decide};

/// Children of one supervisor, by position in the order of starting.
#[derive(Debug)]
pub(crate) struct Group {
    policy: Policy,
    members: Vec<Member>,
    /// When children were restarted, within the window.
    restarts: Vec<i64>,
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
    /// Earliest time of its next start.
    not_before: i64,
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
    /// All children are up for the first time.
    Ready,
    /// All children are down: end like this.
    Finish(Exit),
}

/// What came of a child's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was going down anyway.
    Stopped,
    /// It was done and stays so.
    Finished,
    /// It starts again, and its group with it.
    Restarting {
        /// After so long.
        after: Millis,
        /// Restarts left.
        left: u32,
    },
    /// The budget is spent: all go down.
    Escalated,
}

impl Group {
    pub(crate) fn new(policy: Policy, children: usize) -> Self {
        let member = Member {
            life: Life::Idle,
            condemned: false,
            not_before: i64::MIN,
        };
        Self {
            policy,
            members: vec![member; children],
            restarts: Vec::new(),
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

    /// A child ended, failed to start, or its start was cancelled.
    pub(crate) fn ended(&mut self, child: usize, exit: &Exit, now: i64, jitter: f64) -> Verdict {
        let going_down = !matches!(self.goal, Goal::Up);
        let member = &mut self.members[child];
        if member.condemned {
            member.condemned = false;
            member.life = if going_down { Life::Left } else { Life::Idle };
            return Verdict::Stopped;
        }
        let Policy {
            intensity, backoff, ..
        } = self.policy;
        match decide(intensity, backoff, &self.restarts, now, exit, jitter) {
            Decision::Leave => {
                member.life = Life::Left;
                Verdict::Finished
            }
            Decision::Restart { after } => {
                let begin = now.saturating_sub(intensity.within.0);
                self.restarts.retain(|at| *at > begin);
                self.restarts.push(now);
                self.condemn_with(child, now.saturating_add(after.0));
                let spent = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
                let left = intensity.restarts.saturating_sub(spent);
                Verdict::Restarting { after, left }
            }
            Decision::Escalate => {
                member.life = Life::Left;
                self.go_down(exit.clone());
                Verdict::Escalated
            }
        }
    }

    /// A failed child and those that restart with it: down with the living, then all up again.
    fn condemn_with(&mut self, failed: usize, not_before: i64) {
        let group = match self.policy.strategy {
            Strategy::OneForOne => failed..failed + 1,
            Strategy::OneForAll => 0..self.members.len(),
            Strategy::RestForOne => failed..self.members.len(),
        };
        self.members[failed].life = Life::Idle;
        for member in &mut self.members[group] {
            member.not_before = member.not_before.max(not_before);
            match member.life {
                Life::Starting | Life::Up | Life::Stopping => member.condemned = true,
                // One that had finished begins again too: its work may depend on the failed one's.
                Life::Idle | Life::Left => member.life = Life::Idle,
            }
        }
    }

    /// All children down, last started first, and up again: by will, so it costs no budget.
    pub(crate) fn recycle(&mut self) {
        if !matches!(self.goal, Goal::Up) {
            return;
        }
        for member in &mut self.members {
            match member.life {
                Life::Starting | Life::Up | Life::Stopping => member.condemned = true,
                Life::Idle | Life::Left => member.life = Life::Idle,
            }
        }
    }

    /// All go down, then the supervisor ends like this. The first call decides how.
    pub(crate) fn go_down(&mut self, exit: Exit) {
        if !matches!(self.goal, Goal::Up) {
            return;
        }
        self.goal = Goal::Down(exit);
        for member in &mut self.members {
            match member.life {
                Life::Starting | Life::Up | Life::Stopping => member.condemned = true,
                Life::Idle | Life::Left => member.life = Life::Left,
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
                Life::Stopping | Life::Idle | Life::Left => None,
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

    /// When to ask again though nothing happens: the earliest end of a backoff.
    pub(crate) fn wake_at(&self, now: i64) -> Option<i64> {
        let waits = (0..self.members.len()).filter(|child| self.backs_off(*child, now));
        waits.map(|child| self.members[child].not_before).min()
    }

    fn any(&self, life: Life) -> bool {
        self.members.iter().any(|member| member.life == life)
    }
}

#[cfg(test)]
mod tests;
