//! What a dead node left open: its last transaction hides what follows it in the partitions that it
//! wrote to, and its offsets, until the brokers give it up. Who takes such a partition over would wait
//! for that, half a minute and more.
//!
//! So whoever waits for longer than a commit takes ends the wait: it opens a producer under the dead
//! node's transactional id, which aborts what that had open. Which nodes those may be is read from the
//! heartbeats.
//!
//! This is safe whomever it hits. Opening a producer aborts an open transaction or lets one that is
//! being committed be completed, so nothing that was committed is lost and nothing that was not
//! becomes visible; this is what the node itself does at its next start. A node that lives all the
//! same (one that stood still, and wakes up) finds its producer fenced: its epoch fails, and its tasks
//! begin again at the committed offsets under a new producer.

use std::collections::HashSet;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use config::LogSettings;
use supervisors::TaskId;

use super::context::ShardContext;
use super::heartbeat::{Heartbeat, latest};
use crate::log::LogError;

/// A commit takes some milliseconds, a slow one a tenth of a second.
const PATIENCE: Duration = Duration::from_millis(300);
/// How soon it is looked again for nodes that may hold the wait.
const AGAIN: Duration = Duration::from_secs(1);
/// A node that has said nothing for so long has missed a heartbeat, and with it what it may have
/// taken over just before: less than a session, after which its partitions are another's.
const SILENT_AFTER_MS: i64 = 5_000;

/// Runs what waits until transactions are decided, for a task that is this node's now; where that
/// takes long, frees it from those of nodes that are gone. Blocks as long as `wait` does.
pub(super) fn freed<T>(context: &ShardContext, task: TaskId, wait: impl FnOnce() -> T) -> T {
    if let LogSettings::Embedded = context.topology.log {
        return wait();
    }
    let (done, is_done) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let watch = move || {
            let mut fenced = HashSet::new();
            let mut patience = PATIENCE;
            while is_done.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                if let Err(error) = free(context, task, &mut fenced) {
                    tracing::debug!(%error, "open transactions are left to their timeout");
                }
                patience = AGAIN;
            }
        };
        // Without the thread the wait is as long as the transaction's timeout.
        let watching = std::thread::Builder::new().name("leftover".into());
        if let Err(error) = watching.spawn_scoped(scope, watch) {
            tracing::debug!(%error, "nobody looks for open transactions");
        }
        let outcome = wait();
        drop(done);
        outcome
    })
}

/// Fences nodes that may have left a transaction open over a task's partitions.
fn free(
    context: &ShardContext,
    task: TaskId,
    fenced: &mut HashSet<String>,
) -> Result<(), LogError> {
    let now_ms = context.clock.now_ms();
    let beats = latest(&*context.log, &context.topology.nodes_topic(), now_ms)?;
    let name = context.task_name(task);
    for node in suspects(&beats, &context.node, &name, now_ms) {
        if fenced.insert(node.to_owned()) {
            tracing::warn!(
                task = name,
                node,
                "an open transaction of a node that is gone holds a task back: ending it"
            );
            drop(context.log.producer(&context.shard_id(node))?);
            // Its heartbeats hide those of others behind them in the same way.
            drop(context.log.producer(&context.heartbeat_id(node))?);
        }
    }
    Ok(())
}

/// Nodes that said last that they run a task which is this node's now, and nodes that have fallen
/// silent: they may have taken it over since.
fn suspects<'a>(
    beats: &'a [Heartbeat],
    own: &str,
    task: &str,
    now_ms: i64,
) -> impl Iterator<Item = &'a str> {
    let silent = move |beat: &Heartbeat| now_ms - beat.at_ms > SILENT_AFTER_MS;
    // If even this node's own heartbeat is old, later ones are hidden, and silence says nothing.
    let is_heard = beats.iter().any(|beat| beat.node == own && !silent(beat));
    let others = beats.iter().filter(move |beat| beat.node != own);
    let suspect = move |beat: &&Heartbeat| {
        let claims = beat.tasks.iter().any(|claimed| claimed.name == task);
        claims || is_heard && silent(beat)
    };
    others.filter(suspect).map(|beat| beat.node.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::heartbeat::TaskBeat;

    const NOW: i64 = 100_000;

    fn beat(node: &str, age_ms: i64, task: &str) -> Heartbeat {
        let task = TaskBeat {
            name: task.into(),
            positions: Vec::new(),
            restoring: None,
        };
        Heartbeat {
            node: node.into(),
            topology: "t".into(),
            version: "1".into(),
            listen: None,
            started_ms: 0,
            at_ms: NOW - age_ms,
            tasks: vec![task],
            standby: Vec::new(),
        }
    }

    fn check(beats: &[Heartbeat], expected: &[&str]) {
        let found: Vec<&str> = suspects(beats, "own", "part-1", NOW).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn who_claims_the_task_is_suspect_and_who_runs_others_is_not() {
        let beats = [
            beat("a", 1_000, "part-1"),
            beat("b", 1_000, "part-2"),
            beat("own", 1_000, "part-1"),
        ];
        check(&beats, &["a"]);
    }

    #[test]
    fn who_is_silent_is_suspect_unless_heartbeats_are_hidden() {
        let silent = beat("b", 8_000, "part-2");
        check(&[silent.clone(), beat("own", 1_000, "part-3")], &["b"]);
        check(&[silent.clone(), beat("own", 9_000, "part-3")], &[]);
        check(&[silent], &[]);
    }
}
