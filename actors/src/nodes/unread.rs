//! Records that lie unread although nothing keeps them from being read: the consumer is at fault, whatever it
//! thinks, and gets a successor.
//!
//! Housekeeping looks every few seconds at the partitions that are read here: one whose task takes all it
//! is given, and that has a record at the position where it stands, is read by an honest consumer within
//! moments. The log itself is asked for that record, past the consumer: ends alone would not do, for what lies
//! before an end may be no record but the mark of a transaction.

use std::collections::HashMap;

use config::TopicName;
use parking_lot::Mutex;
use supervisors::{ChildKind, Errand, Exit};

use super::context::ShardContext;
use super::events::Happened;
use super::status::PositionStatus;
use crate::log::TopicPartition;

/// Bytes of the record that is asked for, about.
const LOOK_BYTES: usize = 4_096;

/// Where partitions stand, and since when.
#[derive(Debug, Default)]
pub struct Unread(Mutex<HashMap<TopicPartition, Standing>>);

#[derive(Debug, Clone, Copy)]
struct Standing {
    position: i64,
    since_ms: i64,
}

impl Unread {
    /// Looks once; replaces the consumer if records have lain unread for too long. Blocks.
    pub(super) fn look(&self, context: &ShardContext) {
        let now_ms = context.clock.now_ms();
        let mut before = self.0.lock();
        let mut standing = HashMap::new();
        for (at, position) in wanting(context) {
            let since_ms = match before.get(&at) {
                Some(known) if known.position == position => known.since_ms,
                Some(_) | None => now_ms,
            };
            standing.insert(at, Standing { position, since_ms });
        }
        let limit = context.topology.supervision.unread_after.0;
        let mut due: Vec<(TopicPartition, Standing)> = Vec::new();
        for (at, stands) in &standing {
            if now_ms - stands.since_ms >= limit {
                due.push((at.clone(), *stands));
            }
        }
        *before = standing;
        let unread = |(at, stands): &(TopicPartition, Standing)| {
            let read = context.log.read(at, stands.position, 1, LOOK_BYTES);
            read.is_ok_and(|fetched| !fetched.records.is_empty())
        };
        let Some((at, stands)) = due.into_iter().find(unread) else {
            return;
        };
        before.clear();
        let unread_ms = now_ms - stands.since_ms;
        let happened = Happened::Unread {
            topic: at.topic.to_string(),
            partition: at.partition,
            offset: stands.position,
            unread_ms,
        };
        context.events.tell(now_ms, happened);
        let exit = Exit::Error {
            reason: format!(
                "\"{at}\" was not read for {unread_ms} ms at {}",
                stands.position
            ),
            remedy: None,
        };
        context.ask_tree(&ChildKind::Consumer, Errand::GiveUp(exit));
    }
}

/// Partitions read here whose tasks would take records now, and where they stand.
fn wanting(context: &ShardContext) -> Vec<(TopicPartition, i64)> {
    if context.wiring.intake().is_none() {
        // In the middle of a restart.
        return Vec::new();
    }
    let status = context.status.tasks();
    let mut wanting = Vec::new();
    for task in context.running().iter() {
        let (name, credits) = (context.task_name(*task), &context.credits[task]);
        let Some(task) = status.iter().find(|status| status.name == name) else {
            continue;
        };
        for PositionStatus {
            topic,
            partition,
            position,
        } in &task.positions
        {
            let Ok(topic) = TopicName::parse(topic) else {
                continue;
            };
            let at = TopicPartition::new(topic, *partition);
            if credits.available(&at) && credits.taken() == 0 {
                wanting.push((at, *position));
            }
        }
    }
    wanting
}
