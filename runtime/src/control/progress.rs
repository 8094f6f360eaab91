//! How far the tasks are, and who holds back whose event time.

use std::collections::{BTreeSet, HashMap};

use actors::log::LogError;
use actors::nodes::context::ShardContext;
use actors::nodes::parked::ParkedStatus;
use actors::nodes::program::{Action, EntryKind};
use actors::nodes::restoring::Restoring;
use actors::nodes::status::TaskStatus;
use config::{Node, TopicName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use supervisors::{ChildKind, Errand, TaskId};

use super::{Control, ControlError};

/// A task and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionView {
    /// `<sub-topology>-<partition>`.
    pub name: String,
    /// Records of its inputs that are not read.
    pub lag: i64,
    /// Event time below which it expects no record: milliseconds since 1970-01-01 UTC. `None` before
    /// the first record, and when it has ended.
    pub watermark: Option<i64>,
    /// Its inputs have ended, so everything has passed.
    pub ended: bool,
    /// The upstream task that its watermark waits for.
    pub held_back_by: Option<String>,
    /// Rows that wait for the watermark.
    pub held: usize,
    /// Sessions in memory.
    pub sessions: usize,
    /// Their bytes, about.
    pub state_bytes: usize,
    /// A restore on its way.
    pub restoring: Option<RestoreView>,
    /// It failed too often and is left out for a while.
    pub parked: Option<ParkedStatus>,
    /// Per input.
    pub inputs: Vec<LagView>,
}

/// A restore on its way, in offsets of the task's changelogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RestoreView {
    /// Passed.
    pub done: u64,
    /// To pass.
    pub total: u64,
    /// Still to pass.
    pub left: u64,
    /// A second.
    pub per_s: u64,
    /// Seconds until it is done at this rate; `None` before there is one.
    pub left_s: Option<u64>,
}

impl RestoreView {
    fn of(restoring: &Restoring) -> Self {
        Self {
            done: restoring.done,
            total: restoring.total,
            left: restoring.left(),
            per_s: restoring.per_s(),
            left_s: restoring.left_s(),
        }
    }
}

/// One input of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagView {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// Next offset to read.
    pub position: i64,
    /// End of the partition.
    pub end: i64,
}

/// A parked partition is being tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRetried {
    /// Which: `<sub-topology>-<partition>`.
    pub partition: String,
}

impl LagView {
    /// Records that are not read.
    #[must_use]
    pub fn lag(&self) -> i64 {
        (self.end - self.position).max(0)
    }
}

impl Control {
    /// All tasks with their lag.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn partitions(&self) -> Result<Vec<PartitionView>, LogError> {
        let tasks = self.context().status.tasks();
        let mut ends: HashMap<(String, u32), i64> = HashMap::new();
        // Only what is read here: a cluster may have thousands of other topics.
        let positions = tasks.iter().flat_map(|task| &task.positions);
        let topics: BTreeSet<&str> = positions.map(|position| &*position.topic).collect();
        for topic in topics {
            let Ok(name) = TopicName::parse(topic) else {
                continue;
            };
            let Some(info) = self.context().log.topic(&name)? else {
                continue;
            };
            for (partition, range) in (0..).zip(&info.ranges) {
                ends.insert((topic.to_owned(), partition), range.end);
            }
        }
        let view = |task: &TaskStatus| {
            let input = |p: &actors::nodes::status::PositionStatus| LagView {
                topic: p.topic.clone(),
                partition: p.partition,
                position: p.position,
                end: (ends.get(&(p.topic.clone(), p.partition)).copied()).unwrap_or(p.position),
            };
            let inputs: Vec<LagView> = task.positions.iter().map(input).collect();
            PartitionView {
                name: task.name.clone(),
                lag: inputs.iter().map(LagView::lag).sum(),
                watermark: task.watermark.filter(|watermark| *watermark != i64::MAX),
                ended: task.watermark == Some(i64::MAX),
                held_back_by: held_back_by(task, &upstream(self.context(), task, &tasks)),
                held: task.held,
                sessions: task.sessions,
                state_bytes: task.state_bytes,
                restoring: task.restoring.as_ref().map(RestoreView::of),
                parked: self
                    .task(&task.name)
                    .and_then(|task| self.context().parked.get(task)),
                inputs,
            }
        };
        Ok(tasks.iter().map(view).collect())
    }

    /// Tries a parked partition again now instead of when its time comes. Returns at once.
    ///
    /// # Errors
    /// No such partition, or it is not parked here.
    pub fn retry_partition(&self, name: &str) -> Result<PartitionRetried, ControlError> {
        let task = self.task(name).ok_or_else(|| ControlError::NotFound {
            what: "partition",
            name: name.to_owned(),
        })?;
        if self.context().parked.get(task).is_none() {
            let reason = format!("partition \"{name}\" is not parked on this node");
            return Err(ControlError::Conflict(reason));
        }
        let kind = ChildKind::PartitionTree { task };
        self.context().ask_tree(&kind, Errand::Retry);
        Ok(PartitionRetried {
            partition: name.to_owned(),
        })
    }

    /// The task of this name.
    fn task(&self, name: &str) -> Option<TaskId> {
        let context = self.context();
        let mut tasks = context.tasks.iter().copied();
        tasks.find(|task| context.task_name(*task) == name)
    }

    /// Whether a source reads this topic.
    #[must_use]
    pub fn is_source(&self, topic: &str) -> bool {
        self.context().topology.nodes.iter().any(|node| match node {
            Node::Source(source) => source.topics.iter().any(|t| t.as_str() == topic),
            Node::Operator(_) | Node::Sink(_) => false,
        }) || self.is_matched(topic)
    }

    /// Whether a source's pattern matches this topic.
    fn is_matched(&self, topic: &str) -> bool {
        let entries = self
            .context()
            .programs
            .iter()
            .flat_map(|program| &program.entries);
        let mut matched = entries.filter(|entry| entry.topics.pattern.is_some());
        matched.any(|entry| entry.topics.now().iter().any(|t| t.as_str() == topic))
    }

    /// The models with the version in service, the one on trial with its share of the keys, and how far the
    /// training of a new one is on this node, and what its last windows say of drift; `null` while a model's actor does not run.
    #[must_use]
    pub fn models(&self) -> Value {
        let context = self.context();
        let models = context.models.iter().zip(&context.topology.models);
        let view = models.map(|(model, settings)| {
            json!({
                "id": settings.id.as_str(),
                "path": settings.path.display().to_string(),
                "version": model.version(),
                "arms": model.arms(),
                "training": model.training(),
                "trouble": model.trouble(),
                "drift": model.drift(),
            })
        });
        view.collect()
    }
}

/// The tasks whose rows a task takes from repartition topics.
fn upstream<'t>(
    context: &ShardContext,
    task: &TaskStatus,
    tasks: &'t [TaskStatus],
) -> Vec<&'t TaskStatus> {
    let named = |name: &str| {
        let mut all = context.tasks.iter();
        all.find(|task| context.task_name(**task) == name)
            .map(|task| context.program(*task))
    };
    let Some(program) = named(&task.name) else {
        return Vec::new();
    };
    let entries = program.entries.iter();
    let topics: Vec<_> = entries
        .filter(|entry| matches!(entry.kind, EntryKind::Repartition { .. }))
        .flat_map(|entry| entry.topics.now().to_vec())
        .collect();
    let feeds = |other: &&TaskStatus| {
        named(&other.name).is_some_and(|program| {
            program.steps.iter().any(|step| match &step.action {
                Action::KeyBy(step) => topics.contains(&step.topic),
                Action::Stateless(_) | Action::Keyed(_) | Action::Infer(..) | Action::Sink(_) => {
                    false
                }
            })
        })
    };
    tasks.iter().filter(feeds).collect()
}

/// The upstream task with the lowest watermark, among those that the task's own has not passed
/// (what it has passed is idle or ended, and holds nobody back).
fn held_back_by(task: &TaskStatus, upstream: &[&TaskStatus]) -> Option<String> {
    let own = task.watermark.unwrap_or(i64::MIN);
    let time = |task: &TaskStatus| task.watermark.unwrap_or(i64::MIN);
    let waits = upstream
        .iter()
        .filter(|task| time(task) >= own && time(task) != i64::MAX);
    waits
        .min_by_key(|task| time(task))
        .map(|task| task.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str, watermark: Option<i64>) -> TaskStatus {
        TaskStatus {
            name: name.into(),
            positions: Vec::new(),
            watermark,
            held: 0,
            sessions: 0,
            state_bytes: 0,
            restoring: None,
        }
    }

    #[test]
    fn the_slowest_upstream_task_that_is_not_passed_holds_the_watermark_back() {
        let check = |own, upstream: &[(&str, Option<i64>)], expect: Option<&str>| {
            let tasks: Vec<TaskStatus> = upstream.iter().map(|(n, w)| task(n, *w)).collect();
            let found = held_back_by(&task("own", own), &tasks.iter().collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expect, "{own:?} {upstream:?}");
        };
        check(Some(5), &[("a", Some(5)), ("b", Some(9))], Some("a"));
        check(Some(5), &[("idle", Some(2)), ("b", Some(9))], Some("b"));
        check(Some(5), &[("ended", Some(i64::MAX))], None);
        check(None, &[("silent", None), ("b", Some(1))], Some("silent"));
        check(Some(5), &[], None);
    }
}
