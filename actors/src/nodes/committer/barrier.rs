//! The barrier: what every task and sink has for this epoch, in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use config::{Node, Order, SinkTarget, TopicName};
use ractor::ActorProcessingErr;
use supervisors::TaskId;
use tokio::time::Instant;

use super::{CommitterState, Committing, silence};
use crate::log::{LogRecord, TopicPartition};
use crate::nodes::ask;
use crate::nodes::context::ShardContext;
use crate::nodes::dead_letter::DeadLetters;
use crate::nodes::metrics;
use crate::nodes::partition::{PartitionMessage, TaskEpoch};
use crate::nodes::producer::Transaction;
use crate::nodes::program::EntryKind;
use crate::nodes::pulse::{self, Stage};
use crate::nodes::sink::SinkMessage;
use crate::nodes::wiring::Crew;
use crate::nodes::{Gone, failure};

/// Where the tasks were at a barrier.
#[derive(Debug, Default)]
pub(super) struct Progress {
    positions: Vec<(TopicPartition, i64)>,
    held: usize,
    /// Whether every source had ended when the barrier began, so that all time has passed in it.
    ended: bool,
}

impl Progress {
    /// Whether everything that can be read has been read and processed.
    pub(super) fn caught_up(&self, context: &ShardContext) -> bool {
        let _call = pulse::enter(Stage::Log);
        self.held == 0
            && context.is_assigned()
            && !context.parked.any_of(&context.assigned())
            && self.ended
            && self.positions.iter().all(|(at, position)| {
                let info = context.log.topic(&at.topic).ok().flatten();
                let range = info.and_then(|info| info.ranges.get(at.partition as usize).copied());
                range.is_some_and(|range| *position >= range.end)
            })
    }
}

impl CommitterState {
    /// Closes the epoch, unless one is on its way (then as soon as it is there) or the shard has not
    /// wholly started.
    pub(super) async fn barrier(&mut self) -> Result<(), ActorProcessingErr> {
        if self.committing.is_some() {
            self.barrier_wanted = true;
            return Ok(());
        }
        let context = Arc::clone(&self.context);
        let crew = context.wiring.crew(self.life);
        let crew = crew.ok_or(Gone("this life of the shard"))?;
        let Some(consumer) = &crew.intake else {
            return Ok(());
        };
        self.barrier_wanted = false;
        self.last_barrier = Instant::now();
        let began = Instant::now();
        let arrivals = context.arrivals.load(Ordering::Relaxed);
        let ended = Arc::new(self.ended.of(&context, began));
        let watermarks = prepare(&crew, &self.tasks, &ended).await?;
        let epochs = release(&context, &crew, &self.tasks, &watermarks).await?;
        let mut appended = Vec::new();
        let mut dead = Vec::new();
        let mut sends = silence::markers(&context, &mut self.silent);
        for (_, sink) in &crew.sinks {
            let epoch = self.epoch;
            let closed = ask(sink, |reply| SinkMessage::Close { epoch, reply }).await?;
            sends.extend(closed.sends);
            appended.extend(closed.appended);
            dead.push(closed.dead_letters);
        }
        metrics::barrier(began.elapsed());
        let active = !sends.is_empty()
            || epochs.iter().any(|epoch| epoch.activity)
            || dead.iter().any(|letters| !letters.is_empty());
        let (progress, transaction) = self.gather(epochs, (sends, dead), appended);
        let Gathered {
            sends,
            offsets,
            appended,
        } = transaction;
        if !active {
            // Nothing happened: tasks have counted an epoch all the same, and so does this.
            self.quiet_since = Some(arrivals);
            self.epoch += 1;
            self.settled(progress);
            for reply in self.draining.drain(..) {
                drop(reply.send(()));
            }
            return Ok(());
        }
        let token = consumer.token().await?;
        let epoch = self.epoch;
        let transaction = Transaction {
            epoch,
            sends,
            offsets,
            token,
        };
        self.committing = Some(Committing {
            epoch,
            began,
            appended,
            progress,
        });
        self.epoch += 1;
        if self.producer.hand_over(transaction) {
            Ok(())
        } else {
            Err(failure("the producer's thread is not there"))
        }
    }

    /// Puts the shares of all tasks together.
    fn gather(
        &self,
        epochs: Vec<TaskEpoch>,
        (mut sends, mut dead): (Vec<(TopicPartition, Vec<LogRecord>)>, Vec<DeadLetters>),
        appended: Vec<i64>,
    ) -> (Progress, Gathered) {
        let context = &self.context;
        let mut progress = Progress {
            ended: self.ended.all,
            ..Progress::default()
        };
        let mut gathered = Gathered {
            appended,
            ..Gathered::default()
        };
        for epoch in epochs {
            context.status.task(&epoch);
            metrics::records(epoch.records);
            sends.extend(epoch.sends);
            dead.push(epoch.dead_letters);
            gathered.offsets.extend(epoch.offsets);
            progress.positions.extend(epoch.positions);
            progress.held += epoch.held;
        }
        let letters = dead_letters(context, dead);
        if !letters.is_empty() {
            let at = TopicPartition::new(context.topology.dead_letter.clone(), 0);
            sends.push((at, letters));
        }
        gathered.sends = sends;
        (progress, gathered)
    }
}

/// The dead letters of an epoch, counted and told.
fn dead_letters(context: &ShardContext, all: Vec<DeadLetters>) -> Vec<LogRecord> {
    let now_ms = context.clock.now_ms();
    let mut records = Vec::new();
    for letters in all {
        for ((stage, code), count) in &letters.counts {
            metrics::dead_letters(stage, code, *count);
            context.events.dead_letters(now_ms, stage, code, *count);
        }
        records.extend(letters.records);
    }
    let status = &context.status.dead_letters;
    status.fetch_add(records.len() as u64, Ordering::Relaxed);
    records
}

#[derive(Default)]
struct Gathered {
    sends: Vec<(TopicPartition, Vec<LogRecord>)>,
    offsets: Vec<crate::log::OffsetCommit>,
    appended: Vec<i64>,
}

/// First half: every task finishes what it has and says how far its event time has come.
async fn prepare(
    crew: &Crew,
    tasks: &[TaskId],
    ended: &Arc<Vec<(TopicPartition, i64)>>,
) -> Result<HashMap<TaskId, i64>, ActorProcessingErr> {
    let asked = tasks.iter().map(|task| {
        let ended = Arc::clone(ended);
        async move {
            let actor = crew.partitions.get(task).ok_or(Gone("the partition"))?;
            let prepared = ask(actor, |reply| PartitionMessage::Prepare { ended, reply }).await?;
            Ok::<_, ActorProcessingErr>((*task, prepared.watermark))
        }
    });
    futures_util::future::try_join_all(asked)
        .await
        .map(|all| all.into_iter().collect())
}

/// How old the ends of inputs that have ended may be: asking may cost a way to a broker.
const ENDS_FOR: Duration = Duration::from_millis(200);

/// Source partitions that will get no more records, as last asked for.
#[derive(Default)]
pub(super) struct EndedInputs {
    asked: Option<Instant>,
    /// Whether every source had ended by then.
    all: bool,
    inputs: Vec<(TopicPartition, i64)>,
}

impl EndedInputs {
    fn of(&mut self, context: &ShardContext, now: Instant) -> Vec<(TopicPartition, i64)> {
        let all = context.status.feeds_ended();
        if all != self.all || self.asked.is_none_or(|asked| now - asked > ENDS_FOR) {
            self.asked = Some(now);
            self.all = all;
            self.inputs = ended_inputs(context);
        }
        self.inputs.clone()
    }
}

/// Source partitions that will get no more records, and where they end.
fn ended_inputs(context: &ShardContext) -> Vec<(TopicPartition, i64)> {
    let _call = pulse::enter(Stage::Log);
    let mut ended = Vec::new();
    for program in &context.programs {
        for entry in &program.entries {
            let EntryKind::Source(source, _) = &entry.kind else {
                continue;
            };
            if !context.status.source_ended(&source.id) {
                continue;
            }
            // What this topology writes itself ends with what is before it: more may be on its way, and
            // what waits for it, as a row for its label, must not be given up.
            if entry
                .topics
                .now()
                .iter()
                .any(|topic| is_written(context, topic))
            {
                continue;
            }
            for topic in entry.topics.now().iter() {
                let Ok(Some(info)) = context.log.topic(topic) else {
                    continue;
                };
                let ranges = (0..).zip(&info.ranges);
                ended.extend(ranges.map(|(p, r)| (TopicPartition::new(topic.clone(), p), r.end)));
            }
        }
    }
    ended
}

/// Whether a sink of this topology writes a topic.
fn is_written(context: &ShardContext, topic: &TopicName) -> bool {
    context.topology.nodes.iter().any(|node| match node {
        Node::Sink(sink) => matches!(&sink.target, SinkTarget::Topic(to) if to == topic),
        Node::Source(_) | Node::Operator(_) => false,
    })
}

/// Second half: rows before the watermark are released and every share handed over. Behind a key-by
/// all tasks of a sub-topology release up to the same watermark, so that the order of outputs does
/// not depend on which task was further.
async fn release(
    context: &ShardContext,
    crew: &Crew,
    tasks: &[TaskId],
    watermarks: &HashMap<TaskId, i64>,
) -> Result<Vec<TaskEpoch>, ActorProcessingErr> {
    let asked = tasks.iter().map(|task| async move {
        let own = watermarks.get(task).copied().unwrap_or(i64::MIN);
        let watermark = match context.program(*task).order {
            Order::Arrival => own,
            Order::EventTime => watermarks
                .iter()
                .filter(|(other, _)| other.sub_topology == task.sub_topology)
                .map(|(_, watermark)| *watermark)
                .min()
                .unwrap_or(own),
        };
        let actor = crew.partitions.get(task).ok_or(Gone("the partition"))?;
        ask(actor, |reply| PartitionMessage::Release {
            watermark,
            reply,
        })
        .await
    });
    futures_util::future::try_join_all(asked).await
}
