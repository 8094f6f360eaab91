//! How a task begins: its state restored from the changelog, its inputs at the committed offsets.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorProcessingErr;
use supervisors::TaskId;

use super::outputs::{Outputs, Share};
use super::task_input::{Input, InputKind};
use super::{PartitionArguments, PartitionState};
use crate::log::TopicPartition;
use crate::nodes::context::ShardContext;
use crate::nodes::input::repartition::RepartitionInput;
use crate::nodes::input::source::SourceInput;
use crate::nodes::leftover;
use crate::nodes::program::{Entry, EntryKind, Program};
use crate::nodes::progress::{HeldProgress, SourceProgress};
use crate::nodes::restoring::Restoring;
use crate::nodes::{Gone, pulse};
use crate::state::restore::{Progress, RestoreError, Restored};

/// How soon a restore that found the disk full is tried again.
const ROOM_AGAIN: Duration = Duration::from_secs(1);
/// How often: longer together than what a supervisor counts as failing all the time.
const ATTEMPTS_AT_ROOM: u32 = 20;
/// How often the log says how far a restore is.
const TELL_EVERY_MS: i64 = 10_000;

/// Opens a task's inputs; its state has been restored by then ([`restore`]).
pub(super) async fn start(
    arguments: PartitionArguments,
) -> Result<PartitionState, ActorProcessingErr> {
    let PartitionArguments { context, task } = arguments;
    let program = Arc::clone(context.program(task));
    let keyed = !program.keyed.is_empty();
    let host = match keyed {
        true => Some(context.wiring.host(task).ok_or(Gone("the session host"))?),
        false => None,
    };
    let now = context.clock.now_ms();
    let shared = Arc::clone(&context);
    let open = move || -> Result<Vec<Input>, crate::log::LogError> {
        let program = shared.program(task);
        let inputs = program.inputs(task.partition);
        let open = |(entry, at)| open_input(&shared, (program, entry), at, now);
        leftover::freed(&shared, task, || inputs.map(open).collect())
    };
    let inputs = context.blocking("positions", open).await??;
    Ok(PartitionState {
        committed: if keyed {
            Some(context.states.current(task)?)
        } else {
            None
        },
        changelog: context.states.changelog(task),
        credits: Arc::clone(&context.credits[&task]),
        task,
        program,
        host,
        sinks: context.wiring.sinks(),
        inputs,
        epoch: 1,
        watermark: i64::MIN,
        outputs: Outputs::new(Share::of(&context.topology.epoch, context.source_tasks())),
        uncommitted: std::collections::VecDeque::new(),
        promised: Vec::new(),
        context,
    })
}

fn open_input(
    context: &ShardContext,
    (program, entry): (&Program, &Entry),
    at: TopicPartition,
    now: i64,
) -> Result<Input, crate::log::LogError> {
    let committed = context
        .log
        .committed(context.group(), std::slice::from_ref(&at))?
        .into_iter()
        .next()
        .flatten();
    let metadata = committed
        .as_ref()
        .map_or("", |committed| &committed.metadata);
    let position = match &committed {
        Some(committed) => committed.offset,
        None => beginning(context, entry, &at)?,
    };
    let (kind, idle_ms) = match &entry.kind {
        EntryKind::Source(source, used) => {
            let progress = SourceProgress::decode(metadata).unwrap_or_default();
            let input = SourceInput::new(source, used, &at, progress);
            let idle = source.watermark.idle.map(|idle| idle.0);
            (InputKind::Source(Box::new(input)), idle)
        }
        EntryKind::Repartition {
            schema,
            carried,
            upstream_partitions,
            ..
        } => {
            let fresh = || HeldProgress::new(*upstream_partitions as usize);
            let progress = HeldProgress::decode(metadata)
                .filter(|progress| progress.paces.len() == *upstream_partitions as usize)
                .unwrap_or_else(fresh);
            let input = RepartitionInput::new(schema, carried, program.order, position, progress);
            (InputKind::Repartition(Box::new(input)), None)
        }
    };
    Ok(Input {
        at,
        slot: entry.slot,
        position,
        last_ms: now,
        idle_ms,
        ended: false,
        kind,
    })
}

/// Where an input begins that has no committed offset. A partition that was added to a topic already
/// being read begins at its first record, whatever the source says of a first start; so does a topic
/// that came to match a pattern.
fn beginning(
    context: &ShardContext,
    entry: &Entry,
    at: &TopicPartition,
) -> Result<i64, crate::log::LogError> {
    let log = &*context.log;
    let info = log.topic(&at.topic)?;
    let info = info.ok_or_else(|| crate::log::LogError::NoTopic(at.topic.to_string()))?;
    let range = info.ranges.get(at.partition as usize).copied();
    let range = range.ok_or_else(|| crate::log::LogError::NoPartition(at.clone()))?;
    let start = match &entry.kind {
        EntryKind::Source(source, _) => source.start,
        EntryKind::Repartition { .. } => config::Start::Earliest,
    };
    if entry.topics.came_later(&at.topic) {
        return Ok(range.start);
    }
    let read_before = || -> Result<bool, crate::log::LogError> {
        // Of a pattern's topics: whether any was, before this one came.
        let topics = match &entry.topics.pattern {
            Some(_) => entry.topics.now(),
            None => Arc::new(vec![at.topic.clone()]),
        };
        let places = topics.iter().flat_map(|topic| {
            let partitions = 0..info.spec.partitions;
            partitions.map(|partition| TopicPartition::new(topic.clone(), partition))
        });
        let all: Vec<TopicPartition> = places.collect();
        let committed = log.committed(context.group(), &all)?;
        Ok(committed.iter().any(Option::is_some))
    };
    match start {
        config::Start::Earliest => Ok(range.start),
        config::Start::Latest | config::Start::Timestamp(_) if read_before()? => Ok(range.start),
        config::Start::Latest => Ok(range.end),
        config::Start::Timestamp(timestamp) => log.offset_at(at, timestamp),
    }
}

/// Restores a task's state from its changelogs: before its hosts and its partition start. Blocks.
///
/// # Errors
/// If the changelog cannot be read, or the store fails twice.
pub(crate) fn restore(context: &ShardContext, task: TaskId) -> Result<(), RestoreError> {
    let program = context.program(task);
    let name = context.task_name(task);
    // The offsets first: the answer waits for what an earlier owner had in flight. Only then does the
    // changelog's end say what belongs to them.
    let inputs: Vec<TopicPartition> = program.inputs(task.partition).map(|(_, at)| at).collect();
    let changelogs = context.changelogs(task);
    leftover::freed(context, task, || {
        context.log.committed(context.group(), &inputs)?;
        context.log.settled(&changelogs)
    })?;
    let mut telling = Telling::new(context, task);
    let mut progress = |progress: Progress| {
        pulse::progress();
        telling.tell(progress);
    };
    let restored = with_room(&name, || {
        let states = &context.states;
        states.open(task, &name, &*context.log, &changelogs, &mut progress)
    })?;
    if restored.replayed > 0 || restored.wiped.is_some() {
        tracing::info!(
            task = name,
            replayed = restored.replayed,
            took_ms = telling.took_ms(),
            wiped = restored.wiped.as_deref().unwrap_or("no"),
            "task state restored"
        );
    }
    Ok(())
}

/// Restores; where the disk is full, waits for room for a while. Then the task fails, is started again
/// and waits on, so that a node which is told to stop can.
fn with_room(
    task: &str,
    mut restore: impl FnMut() -> Result<Restored, RestoreError>,
) -> Result<Restored, RestoreError> {
    let mut outcome = restore();
    for attempt in 0..ATTEMPTS_AT_ROOM {
        let Err(RestoreError::Full(error)) = &outcome else {
            break;
        };
        if attempt == 0 {
            let error = crate::log::describe(error);
            tracing::warn!(
                task,
                error,
                "no room for the state store: the task waits; free space on the disk of the data directory"
            );
        }
        std::thread::park_timeout(ROOM_AGAIN);
        outcome = restore();
    }
    outcome
}

/// Says how far a restore is: in the task's status always, in the log now and then.
struct Telling<'a> {
    context: &'a ShardContext,
    task: TaskId,
    began_ms: i64,
    told_ms: i64,
}

impl<'a> Telling<'a> {
    fn new(context: &'a ShardContext, task: TaskId) -> Self {
        let now_ms = context.clock.now_ms();
        Self {
            context,
            task,
            began_ms: now_ms,
            told_ms: now_ms,
        }
    }

    fn took_ms(&self) -> u64 {
        u64::try_from(self.context.clock.now_ms() - self.began_ms).unwrap_or(0)
    }

    fn tell(&mut self, progress: Progress) {
        self.context.faults.hit("in-restore");
        let restoring = Restoring {
            done: progress.done,
            total: progress.total,
            took_ms: self.took_ms(),
        };
        self.context.status.restoring(self.task, restoring);
        let now_ms = self.context.clock.now_ms();
        if now_ms - self.told_ms >= TELL_EVERY_MS {
            self.told_ms = now_ms;
            tracing::info!(
                task = self.context.task_name(self.task),
                left = restoring.left(),
                per_s = restoring.per_s(),
                left_s = restoring.left_s(),
                "task state is being restored"
            );
        }
    }
}
