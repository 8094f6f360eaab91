//! What the supervision tree does, told to the metrics, the events, and whoever must know it.

use actors::nodes::context::ShardContext;
use actors::nodes::events::Happened;
use actors::nodes::metrics;
use actors::nodes::parked::ParkedStatus;
use supervisors::{ChildKind, Exit, News, SupervisionNews, TaskId};

/// Takes in one piece of news. Called by the supervisor before it goes on, so that who starts next knows.
pub(super) fn tell(context: &ShardContext, news: &SupervisionNews) {
    let (actor, kind) = (news.path.clone(), news.kind.label().to_owned());
    let happened = match &news.news {
        News::Restarting { exit, after, left } => {
            metrics::restart(kind.clone(), exit.cause());
            Happened::Restarting {
                actor,
                kind,
                cause: exit.cause(),
                reason: exit.to_string(),
                after_ms: after.0,
                left: *left,
            }
        }
        News::Parked { exit, retry } => {
            metrics::restart(kind, exit.cause());
            let Some(task) = task(&news.kind) else { return };
            park(context, task, exit, retry.0);
            Happened::Parked {
                task: context.task_name(task),
                cause: exit.cause(),
                reason: exit.to_string(),
                retry_ms: retry.0,
            }
        }
        News::Retried => {
            let Some(task) = task(&news.kind) else { return };
            context.parked.retry(task);
            metrics::parked(context.parked.all().len());
            Happened::Retried {
                task: context.task_name(task),
            }
        }
        News::Escalated { exit } => Happened::Escalated {
            actor,
            kind,
            cause: exit.cause(),
            reason: exit.to_string(),
        },
        News::Started | News::Stopped | News::Finished | News::Killed | News::Abandoned => return,
    };
    context.events.tell(context.clock.now_ms(), happened);
}

fn park(context: &ShardContext, task: TaskId, exit: &Exit, retry_ms: i64) {
    let now_ms = context.clock.now_ms();
    let parked = ParkedStatus {
        since_ms: now_ms,
        retry_ms: now_ms.saturating_add(retry_ms),
        reason: exit.to_string(),
    };
    context.parked.park(task, parked);
    context.status.parked(task);
    metrics::parked(context.parked.all().len());
}

/// Only tasks are ever parked.
fn task(kind: &ChildKind) -> Option<TaskId> {
    match kind {
        ChildKind::PartitionTree { task } => Some(*task),
        ChildKind::Root
        | ChildKind::Store
        | ChildKind::Models
        | ChildKind::Inference { .. }
        | ChildKind::Director { .. }
        | ChildKind::Topology
        | ChildKind::Shard { .. }
        | ChildKind::Tasks
        | ChildKind::Committer
        | ChildKind::Sink { .. }
        | ChildKind::Partition { .. }
        | ChildKind::SessionHost { .. }
        | ChildKind::Consumer
        | ChildKind::Intake
        | ChildKind::Feeds
        | ChildKind::Feed { .. }
        | ChildKind::Webhook { .. }
        | ChildKind::Admin => None,
    }
}
