//! Housekeeping: the actor that writes committed state behind, says that this node lives, and keeps
//! the log within its bounds.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::context::ShardContext;
use super::program::EntryKind;
use crate::log::{LogError, TopicPartition};

/// How often committed state goes to the stores: a crash costs the replay of so much changelog.
const EVERY: Duration = Duration::from_secs(3);
/// Every so many times it is looked whether topics have come that a pattern matches, and whether those
/// that are read are as they were.
const LOOK_EVERY: u64 = 2;

/// What housekeeping is told.
pub enum HousekeepingMessage {
    /// Time to work.
    Tick,
}

/// The actor.
pub struct Housekeeping;

impl Actor for Housekeeping {
    type Msg = HousekeepingMessage;
    type State = (Arc<ShardContext>, u64);
    type Arguments = Arc<ShardContext>;

    async fn pre_start(
        &self,
        myself: ActorRef<HousekeepingMessage>,
        context: Arc<ShardContext>,
    ) -> Result<Self::State, ActorProcessingErr> {
        myself.send_after(EVERY, || HousekeepingMessage::Tick);
        Ok((context, 0))
    }

    async fn handle(
        &self,
        myself: ActorRef<HousekeepingMessage>,
        HousekeepingMessage::Tick: HousekeepingMessage,
        (context, rounds): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        context.faults.reach("housekeeping").await;
        let shared = Arc::clone(context);
        context
            .blocking("maintenance", move || work(&shared))
            .await?;
        *rounds += 1;
        if rounds.is_multiple_of(LOOK_EVERY) {
            let shared = Arc::clone(context);
            context
                .blocking("topics", move || {
                    check(&shared);
                    look(&shared);
                })
                .await?;
        }
        myself.send_after(EVERY, || HousekeepingMessage::Tick);
        Ok(())
    }
}

/// One round. What fails is told and tried again in the next: nothing here may stop the stream.
fn work(context: &ShardContext) {
    context.faults.hit("before-store");
    let flushed = context.states.flush();
    context.faults.hit("after-store");
    if let Err(error) = flushed {
        let error = crate::log::describe(&error);
        tracing::warn!(
            error,
            "committed state cannot be written to its store; the changelog has it"
        );
    }
    context.unread.look(context);
    context.heartbeats.beat(context);
    purge(context);
    if let Err(error) = context.log.maintain() {
        tracing::warn!(%error, "the log cannot be maintained");
    }
}

/// Looks whether the topics that are read are as they were, and ends the daemon if not. With another
/// number of partitions, keys land elsewhere. In another topic of the same name, the offset that was
/// read to is one of records that nobody has read.
fn check(context: &ShardContext) {
    for (topic, wanted, may_go) in context.read_topics() {
        match context.log.partitions(&topic) {
            Ok(Some(found)) if found == wanted => {}
            Ok(Some(found)) => context.refuse(LogError::PartitionCount {
                topic: topic.to_string(),
                found,
                wanted,
            }),
            Ok(None) if !may_go => context.refuse(LogError::Refused(format!(
                "topic \"{topic}\", which is read, was deleted; start again to read another of that \
                 name from its beginning"
            ))),
            // Whoever reads it says why.
            Ok(None) | Err(_) => {}
        }
    }
}

/// Takes topics up that match a pattern since the last look.
fn look(context: &ShardContext) {
    match context.look_for_topics() {
        Ok(false) => {}
        Ok(true) => {
            if let Some(consumer) = context.wiring.consumer() {
                consumer.subscribe(context.subscription());
            }
        }
        Err(error) => {
            tracing::warn!(%error, "the log cannot be asked for topics that match a pattern");
        }
    }
}

/// Forgets rows of repartition topics that every task has taken and committed.
fn purge(context: &ShardContext) {
    for program in &context.programs {
        for entry in &program.entries {
            if !matches!(entry.kind, EntryKind::Repartition { .. }) {
                continue;
            }
            let places: Vec<TopicPartition> = entry
                .topics
                .now()
                .iter()
                .flat_map(|t| (0..program.partitions).map(|p| TopicPartition::new(t.clone(), p)))
                .collect();
            let Ok(committed) = context.log.committed(context.group(), &places) else {
                continue;
            };
            for (at, committed) in places.iter().zip(committed) {
                let Some(committed) = committed else { continue };
                if let Err(error) = context.log.delete_before(at, committed.offset) {
                    tracing::warn!(%error, topic = %at.topic, partition = at.partition, "rows cannot be purged");
                }
            }
        }
    }
}
