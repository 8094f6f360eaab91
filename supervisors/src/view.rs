//! The tree as the API and `thalweg tree` show it.

use std::fmt;

use serde::Serialize;

use crate::Exit;

/// One actor and those below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeView {
    /// Unique among its siblings.
    pub name: String,
    /// Which actor, in one word.
    pub kind: &'static str,
    /// What it is doing.
    pub state: ChildState,
    /// How often it was started again; `None` before the first start.
    pub generation: Option<u64>,
    /// How it last ended.
    pub last_exit: Option<ExitView>,
    /// Supervisors: what restarts with what, in one word.
    pub strategy: Option<&'static str>,
    /// Supervisors: the restart budget.
    pub budget: Option<BudgetView>,
    /// Those below it, in the order of starting.
    pub children: Vec<TreeView>,
}

/// What a supervised actor is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChildState {
    /// Its turn to start has not come.
    Waiting,
    /// It failed and is started again after the backoff.
    Backoff,
    /// Its start is under way.
    Starting,
    /// It runs.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It failed too often and is left out for a while.
    Parked,
    /// It ended and stays so.
    Ended,
}

/// A supervisor's restart budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// Restarts of its children within the window that ends now.
    pub spent: u32,
    /// Restarts left before it gives up; `None`: it never does.
    pub left: Option<u32>,
    /// Length of the window in milliseconds.
    pub within_ms: i64,
}

/// How an actor ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExitView {
    /// `normal`, `error`, `panic` or `killed`.
    pub cause: &'static str,
    /// What happened.
    pub reason: String,
    /// What cures it, if the actor knew.
    pub remedy: Option<String>,
}

impl TreeView {
    /// This actor and all below it, parents first.
    pub fn walk(&self) -> impl Iterator<Item = &TreeView> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.children.iter().rev());
            Some(next)
        })
    }
}

impl From<&Exit> for ExitView {
    fn from(exit: &Exit) -> Self {
        Self {
            cause: exit.cause(),
            reason: exit.to_string(),
            remedy: exit.remedy().map(str::to_owned),
        }
    }
}

impl ChildState {
    /// The state in one word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Backoff => "backoff",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Parked => "parked",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for ChildState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
