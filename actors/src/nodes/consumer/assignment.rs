//! Which tasks a node runs: those all of whose input partitions it owns. Pure.

use std::collections::BTreeSet;

use supervisors::TaskId;

use crate::log::TopicPartition;
use crate::nodes::context::ShardContext;

/// Tasks all of whose inputs are owned, upstream first. One that has no inputs yet (no topic matches its
/// source's pattern) is nobody's.
pub(super) fn tasks(context: &ShardContext, owned: &BTreeSet<TopicPartition>) -> Vec<TaskId> {
    let complete = |task: &&TaskId| {
        let mut inputs = context.program(**task).inputs(task.partition).peekable();
        inputs.peek().is_some() && inputs.all(|(_, at)| owned.contains(&at))
    };
    context.tasks.iter().filter(complete).copied().collect()
}
