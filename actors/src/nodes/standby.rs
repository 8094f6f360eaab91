//! Warm copies: the stores of tasks that other nodes run are kept near the end of their changelogs, so
//! that a task that moves here has little left to replay. A restore that never finishes.
//!
//! Each task has one standby: of the live nodes that do not run it, the one whose hash with the task's
//! name is the highest (rendezvous hashing), so a node that comes or goes moves few copies. What a
//! node is about to run itself it leaves alone ([`super::states::States::follow`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::LogSettings;
use supervisors::TaskId;

use super::context::ShardContext;
use super::heartbeat::{Heartbeat, latest};
use super::program::Program;
use crate::log::{LogError, TopicInfo, partition_for_key};
use crate::state::restore::RestoreError;

#[cfg(test)]
mod tests;

/// How often the copies are brought up to date: what a task replays here when it moves.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds between looks at who lives.
const ROUNDS_A_LOOK: u64 = 5;

/// Starts the thread if the topology asks for standbys; it ends within a second and the work on one
/// task of `stop` being set.
///
/// # Errors
/// If no thread can be started.
pub(super) fn start(context: &Arc<ShardContext>, stop: Arc<AtomicBool>) -> Result<(), LogError> {
    match &context.topology.log {
        LogSettings::Kafka(kafka) if kafka.standby > 0 => {}
        LogSettings::Kafka(_) | LogSettings::Embedded => return Ok(()),
    }
    let standby = Standby {
        context: Arc::clone(context),
        stop,
        live: Vec::new(),
        rounds: 0,
        failing: false,
    };
    let spawned = std::thread::Builder::new()
        .name("standby".into())
        .spawn(move || standby.run());
    let failed = |e| LogError::Unavailable(format!("no thread for the standbys: {e}"));
    spawned.map(drop).map_err(failed)
}

struct Standby {
    context: Arc<ShardContext>,
    stop: Arc<AtomicBool>,
    /// What the live nodes said when they were looked at last.
    live: Vec<Heartbeat>,
    rounds: u64,
    /// The last round failed, and that has been told.
    failing: bool,
}

impl Standby {
    fn run(mut self) {
        while !self.stopped() {
            match self.round() {
                Ok(()) => self.failing = false,
                Err(error) if !self.failing => {
                    self.failing = true;
                    tracing::warn!(%error, "warm copies cannot be kept up to date: trying again");
                }
                Err(error) => tracing::debug!(%error, "warm copies cannot be kept up to date"),
            }
            std::thread::park_timeout(EVERY);
        }
        self.context.set_following(Vec::new());
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Brings each copy up to date. The first error is told, the other tasks are followed all the same.
    fn round(&mut self) -> Result<(), RestoreError> {
        let context = Arc::clone(&self.context);
        if self.rounds.is_multiple_of(ROUNDS_A_LOOK) {
            let now_ms = context.clock.now_ms();
            let nodes = latest(&*context.log, &context.topology.nodes_topic(), now_ms)?;
            let live = nodes.into_iter().filter(|beat| !beat.is_stale(now_ms));
            self.live = live.collect();
        }
        self.rounds += 1;
        let mut first = Ok(());
        let mut following = Vec::new();
        for (sub_topology, program) in context.programs.iter().enumerate() {
            let wanted: Vec<TaskId> = (0..program.partitions)
                .map(|partition| TaskId {
                    sub_topology,
                    partition,
                })
                .filter(|task| !program.keyed.is_empty() && self.is_mine(*task))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let changelogs = changelogs(&context, program)?;
            for task in wanted {
                if self.stopped() {
                    return first;
                }
                match follow(&context, task, &changelogs) {
                    Ok(true) => following.push(task),
                    Ok(false) => {}
                    Err(error) if first.is_ok() => first = Err(error),
                    Err(_) => {}
                }
            }
        }
        context.set_following(following);
        first
    }

    /// Whether a copy of a task belongs here.
    fn is_mine(&self, task: TaskId) -> bool {
        let context = &self.context;
        !context.assigned().contains(&task)
            && is_standby(&context.node, &context.task_name(task), &self.live)
    }
}

/// A program's changelogs as they are now: one question a topic.
fn changelogs(context: &ShardContext, program: &Program) -> Result<Vec<TopicInfo>, LogError> {
    let info = |step: &super::program::KeyedStep| {
        let found = context.log.topic(&step.changelog)?;
        found.ok_or_else(|| LogError::NoTopic(step.changelog.to_string()))
    };
    program.keyed.iter().map(info).collect()
}

fn follow(
    context: &ShardContext,
    task: TaskId,
    topics: &[TopicInfo],
) -> Result<bool, RestoreError> {
    let changelogs = context.changelogs(task);
    let range = |topic: &TopicInfo| topic.ranges.get(task.partition as usize).copied();
    let ranges: Vec<_> = topics.iter().filter_map(range).collect();
    if ranges.len() < changelogs.len() {
        return Ok(false);
    }
    let name = context.task_name(task);
    let states = &context.states;
    states.follow(task, &name, &*context.log, &changelogs, &ranges)
}

/// Whether `node` is the standby of a task, by what the live nodes said.
fn is_standby(node: &str, task: &str, live: &[Heartbeat]) -> bool {
    let runs = |beat: &&Heartbeat| beat.tasks.iter().any(|running| running.name == task);
    let others = live.iter().filter(|beat| !runs(beat));
    let weight = |node: &str| {
        // The partitioner's hash is the same in every version of Thalweg.
        let text = format!("{task}/{node}");
        partition_for_key(text.as_bytes(), u32::MAX)
    };
    let own = (weight(node), node);
    let mut others = others.map(|beat| (weight(&beat.node), beat.node.as_str()));
    others.all(|other| other <= own)
}
