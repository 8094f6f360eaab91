//! The nodes of a topology: who runs what, and how far it is.
//!
//! On a cluster from what each node last said of itself, so that any node tells of all, and a command
//! needs none. On the embedded log there is the one node that is asked.

use std::collections::{BTreeSet, HashMap};

use actors::log::{Log, LogError};
use actors::nodes::heartbeat::{Heartbeat, TaskBeat, latest};
use config::{LogSettings, TopicName, Topology};
use serde::{Deserialize, Serialize};

use super::{Control, LagView};

/// A node as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its id.
    pub node: String,
    /// Whether it has been heard lately.
    pub state: NodeState,
    /// Version of Thalweg.
    pub version: String,
    /// Its API, `host:port`, if it has one.
    pub listen: Option<String>,
    /// When it started: milliseconds since 1970-01-01 UTC.
    pub started_ms: i64,
    /// When it was heard last.
    pub heard_ms: i64,
    /// Records of its tasks' inputs that are not read.
    pub lag: i64,
    /// The tasks that it runs, or ran when it was heard last.
    pub tasks: Vec<NodeTaskView>,
    /// Tasks of others whose state it keeps warm; the inputs are their changelogs.
    pub standby: Vec<NodeTaskView>,
}

/// Whether a node has been heard lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// It has.
    Live,
    /// It has not: it is dead, stopped, or cut off from the brokers. Others may run its tasks.
    Stale,
}

/// A task of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeTaskView {
    /// `<sub-topology>-<partition>`.
    pub name: String,
    /// Records of its inputs that are not read.
    pub lag: i64,
    /// A restore on its way: changelog offsets passed, and to pass.
    pub restoring: Option<(u64, u64)>,
    /// Per input; none before its first epoch.
    pub inputs: Vec<LagView>,
}

impl NodeState {
    /// In one word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Stale => "stale",
        }
    }
}

impl Control {
    /// All nodes of the topology, by id; this one as it is now.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn nodes(&self) -> Result<Vec<NodeView>, LogError> {
        let context = self.context();
        let own = context.heartbeats.now(context);
        let now_ms = context.clock.now_ms();
        nodes(&*context.log, &context.topology, Some(own), now_ms)
    }
}

/// All nodes of a topology, by id. `own` is what the node that asks says of itself.
///
/// # Errors
/// If the log cannot be reached, or no node has run there and there is no `own`.
pub fn nodes(
    log: &dyn Log,
    topology: &Topology,
    own: Option<Heartbeat>,
    now_ms: i64,
) -> Result<Vec<NodeView>, LogError> {
    let mut beats = match &topology.log {
        LogSettings::Embedded => Vec::new(),
        LogSettings::Kafka(_) => match latest(log, &topology.nodes_topic(), now_ms) {
            // A daemon that starts answers before its topics are made.
            Err(LogError::NoTopic(_)) if own.is_some() => Vec::new(),
            beats => beats?,
        },
    };
    if let Some(own) = own {
        beats.retain(|beat| beat.node != own.node);
        beats.push(own);
        beats.sort_by(|a, b| a.node.cmp(&b.node));
    }
    let ends = ends(log, &beats)?;
    Ok(beats
        .into_iter()
        .map(|beat| view(beat, &ends, now_ms))
        .collect())
}

/// By topic, the end of each partition.
type Ends = HashMap<String, Vec<i64>>;

/// The ends of the topics that the nodes read.
fn ends(log: &dyn Log, beats: &[Heartbeat]) -> Result<Ends, LogError> {
    let tasks = beats
        .iter()
        .flat_map(|beat| beat.tasks.iter().chain(&beat.standby));
    let topics: BTreeSet<&str> = tasks
        .flat_map(|task| &task.positions)
        .map(|position| position.topic.as_str())
        .collect();
    let mut ends = Ends::new();
    for topic in topics {
        // What another version wrote there may be anything.
        let Ok(name) = TopicName::parse(topic) else {
            continue;
        };
        if let Some(info) = log.topic(&name)? {
            let of_each = info.ranges.iter().map(|range| range.end);
            ends.insert(topic.to_owned(), of_each.collect());
        }
    }
    Ok(ends)
}

fn view(beat: Heartbeat, ends: &Ends, now_ms: i64) -> NodeView {
    let state = match beat.is_stale(now_ms) {
        true => NodeState::Stale,
        false => NodeState::Live,
    };
    let views = |tasks: Vec<TaskBeat>| -> Vec<NodeTaskView> {
        let tasks = tasks.into_iter();
        tasks.map(|task| task_view(task, ends)).collect()
    };
    let (tasks, standby) = (views(beat.tasks), views(beat.standby));
    NodeView {
        node: beat.node,
        state,
        version: beat.version,
        listen: beat.listen,
        started_ms: beat.started_ms,
        heard_ms: beat.at_ms,
        lag: tasks.iter().map(|task| task.lag).sum(),
        tasks,
        standby,
    }
}

fn task_view(task: TaskBeat, ends: &Ends) -> NodeTaskView {
    let input = |at: actors::nodes::status::PositionStatus| {
        let partitions = ends.get(&at.topic);
        let end = partitions.and_then(|ends| ends.get(at.partition as usize));
        LagView {
            end: end.copied().unwrap_or(at.position),
            topic: at.topic,
            partition: at.partition,
            position: at.position,
        }
    };
    let inputs: Vec<LagView> = task.positions.into_iter().map(input).collect();
    NodeTaskView {
        name: task.name,
        lag: inputs.iter().map(LagView::lag).sum(),
        restoring: task.restoring,
        inputs,
    }
}

#[cfg(test)]
mod tests {
    use actors::nodes::status::PositionStatus;

    use super::*;

    #[test]
    fn a_nodes_lag_is_what_lies_behind_its_positions_and_silence_makes_it_stale() {
        let position = |topic: &str, partition, position| PositionStatus {
            topic: topic.to_owned(),
            partition,
            position,
        };
        let task = |name: &str, positions| TaskBeat {
            name: name.to_owned(),
            positions,
            restoring: None,
        };
        let beat = Heartbeat {
            node: "n1".into(),
            topology: "till".into(),
            version: "1".into(),
            listen: None,
            started_ms: 1,
            at_ms: 20_000,
            tasks: vec![
                task("a-0", vec![position("in", 0, 4), position("more", 0, 2)]),
                task("a-1", vec![position("in", 1, 9), position("gone", 0, 3)]),
                task("a-2", vec![]),
            ],
            standby: vec![task("b-0", vec![position("in", 0, 1)])],
        };
        // The second partition was read beyond the end that was asked for a moment earlier.
        let ends = Ends::from([("in".into(), vec![10, 8]), ("more".into(), vec![3])]);
        let shown = view(beat.clone(), &ends, 35_000);
        let lags: Vec<i64> = shown.tasks.iter().map(|task| task.lag).collect();
        assert_eq!((lags, shown.lag), (vec![7, 0, 0], 7));
        assert_eq!(shown.standby[0].lag, 9, "no part of the node's lag");
        assert_eq!(shown.state, NodeState::Live);
        assert_eq!(view(beat, &ends, 35_001).state, NodeState::Stale);
    }
}
