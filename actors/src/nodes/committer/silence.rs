//! What a parked task says to those behind its key-bys: nothing, for it does not run. After the time that its
//! sources' `watermark.idle` gives, its silence is told for it, as it would itself tell that no records come.
//!
//! Until then rows behind the key-by wait for it: its records, when they are read at last, are in their
//! order. Afterwards they do not, as for any partition that is silent so long: whoever sets `idle` has
//! chosen answers over order. Without `idle`, they wait until the task is back.

use std::collections::HashSet;

use supervisors::TaskId;

use crate::log::{LogRecord, TopicPartition};
use crate::nodes::context::ShardContext;
use crate::nodes::marker;
use crate::nodes::program::{Action, EntryKind, Program};
use crate::watermark::Pace;

/// Markers for parked tasks that have been silent for long enough now; each is told once.
pub(super) fn markers(
    context: &ShardContext,
    told: &mut HashSet<TaskId>,
) -> Vec<(TopicPartition, Vec<LogRecord>)> {
    let now_ms = context.clock.now_ms();
    let mut sends = Vec::new();
    for (task, parked) in context.parked.all() {
        let program = context.program(task);
        let silent_ms = idle_ms(program);
        let is_silent = silent_ms.is_some_and(|idle_ms| now_ms - parked.since_ms > idle_ms);
        if !is_silent || !context.assigned().contains(&task) || !told.insert(task) {
            continue;
        }
        let pace = Pace::Idle(context.status.watermark(task).unwrap_or(i64::MIN));
        let value = marker::encode(task.partition, pace);
        for step in &program.steps {
            let Action::KeyBy(key_by) = &step.action else {
                continue;
            };
            for partition in 0..key_by.partitions {
                let at = TopicPartition::new(key_by.topic.clone(), partition);
                let marker = LogRecord::new(None, Some(value.clone()), now_ms);
                sends.push((at, vec![marker]));
            }
        }
    }
    sends
}

/// When all of a task's inputs count as idle; `None`: one of them never does.
fn idle_ms(program: &Program) -> Option<i64> {
    let idle = program.entries.iter().map(|entry| match &entry.kind {
        EntryKind::Source(source, _) => source.watermark.idle.map(|idle| idle.0),
        EntryKind::Repartition { .. } => None,
    });
    idle.collect::<Option<Vec<i64>>>()?.into_iter().max()
}
