//! What happens in a tree, told as it happens: to the logs here, to the metrics through a callback.

use std::sync::Arc;

use config::Millis;

use crate::{ChildKind, Exit};

/// Told everything, in the order in which one supervisor sees it. Called on the supervisor's task:
/// it must be quick and must not block. A callback, because nothing may be lost (restarts are
/// counted) and nothing may queue.
pub type EventSink = Arc<dyn Fn(&SupervisionNews) + Send + Sync>;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisionNews {
    /// Names from below the root down to the actor, joined by `/`; the root's own name for the root.
    pub path: String,
    /// Which actor.
    pub kind: ChildKind,
    /// Its generation.
    pub generation: u64,
    /// What happened to it.
    pub news: News,
}

/// What happened to an actor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is up; a supervisor: with all its children.
    Started,
    /// It ended because its supervisor stopped it.
    Stopped,
    /// It ended by itself, well, and is left so.
    Finished,
    /// It failed and will be started again, with those that its supervisor's strategy says.
    Restarting {
        /// Why it ended.
        exit: Exit,
        /// Wait before the restart.
        after: Millis,
        /// Restarts left in its supervisor's budget.
        left: u32,
    },
    /// It failed and its supervisor's budget is spent: the supervisor gives up.
    Escalated {
        /// Why it ended.
        exit: Exit,
    },
    /// It failed by its own fault more often than it may: it stays down, its siblings go on without it.
    Parked {
        /// Why it ended.
        exit: Exit,
        /// When it is tried again.
        retry: Millis,
    },
    /// It was parked and is about to be tried again.
    Retried,
    /// It did not stop in time and is killed.
    Killed,
    /// Its code holds a thread: it did not end even when killed, or was found to make no progress. It is
    /// left behind.
    Abandoned,
}

impl SupervisionNews {
    /// Logs it at the level of who must act.
    pub(crate) fn log(&self) {
        let (actor, generation) = (self.path.as_str(), self.generation);
        match &self.news {
            News::Started => tracing::debug!(actor, generation, "actor started"),
            News::Stopped => tracing::debug!(actor, generation, "actor stopped"),
            News::Finished => tracing::info!(actor, generation, "actor finished"),
            News::Restarting { exit, after, left } => tracing::warn!(
                actor, generation, cause = exit.cause(), reason = %exit, remedy = exit.remedy(),
                after_ms = after.0, restarts_left = left, "actor failed, restarting"
            ),
            News::Escalated { exit } => tracing::error!(
                actor, generation, cause = exit.cause(), reason = %exit, remedy = exit.remedy(),
                "actor failed, restart budget spent, supervisor gives up"
            ),
            News::Parked { exit, retry } => tracing::error!(
                actor, generation, cause = exit.cause(), reason = %exit, remedy = exit.remedy(),
                retry_ms = retry.0, "actor failed too often, parked: the others go on without it"
            ),
            News::Retried => tracing::info!(actor, generation, "parked actor is tried again"),
            News::Killed => {
                tracing::warn!(actor, generation, "actor did not stop in time, killed");
            }
            News::Abandoned => {
                tracing::error!(actor, generation, "actor holds a thread, left behind");
            }
        }
    }
}
