//! Who is to blame for a failure, and what comes of it.

use config::Millis;

use crate::Exit;

/// A failure about which nothing is decided yet.
#[derive(Debug)]
pub(super) struct Case {
    /// Who ended first.
    pub(super) first: usize,
    /// Who is taken to be to blame.
    pub(super) culprit: usize,
    /// How that one ended.
    pub(super) exit: Exit,
}

/// What a child's end was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It was going down anyway.
    Stopped,
    /// It was done and stays so.
    Finished,
    /// A failure: [`Group::judge`] says what comes of it.
    Failed,
}

/// What comes of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Who is to blame.
    pub(crate) child: usize,
    /// How that one ended.
    pub(crate) exit: Exit,
    pub(crate) verdict: Verdict,
}

/// What comes of a failure for who is to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It starts again, and its group with it.
    Restarting {
        /// After so long.
        after: Millis,
        /// Restarts left.
        left: u32,
    },
    /// Its own budget is spent: its group starts again without it.
    Parked {
        /// When it is tried again.
        retry: Millis,
    },
    /// The budget is spent: all go down.
    Escalated,
}

impl Case {
    /// The child that ended first is taken to be to blame.
    pub(super) fn new(first: usize, exit: &Exit) -> Self {
        Self {
            first,
            culprit: first,
            exit: exit.clone(),
        }
    }

    /// If nobody is to blame yet, this child may be.
    pub(super) fn accuse(&mut self, child: usize, exit: &Exit) {
        if !self.exit.is_own_fault() && exit.is_own_fault() {
            (self.culprit, self.exit) = (child, exit.clone());
        }
    }
}
