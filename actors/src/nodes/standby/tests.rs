//! Who is whose standby.

use super::super::heartbeat::TaskBeat;
use super::*;

/// A node that runs these tasks.
fn node(name: &str, tasks: &[String]) -> Heartbeat {
    let task = |name: &String| TaskBeat {
        name: name.clone(),
        positions: Vec::new(),
        restoring: None,
    };
    Heartbeat {
        node: name.to_owned(),
        topology: "till".into(),
        version: "1".into(),
        listen: None,
        started_ms: 0,
        at_ms: 0,
        tasks: tasks.iter().map(task).collect(),
        standby: Vec::new(),
    }
}

/// The standbys of a task among these nodes.
fn standbys(task: &str, live: &[Heartbeat]) -> Vec<String> {
    let idle = live
        .iter()
        .filter(|node| node.tasks.iter().all(|running| running.name != task));
    idle.filter(|node| is_standby(&node.node, task, live))
        .map(|node| node.node.clone())
        .collect()
}

#[test]
fn each_task_has_one_standby_and_two_nodes_are_each_others() {
    let tasks: Vec<String> = (0..40).map(|n| format!("part-{n}")).collect();
    let two = [node("n1", &tasks[..20]), node("n2", &tasks[20..])];
    for (nth, task) in tasks.iter().enumerate() {
        let other = if nth < 20 { "n2" } else { "n1" };
        assert_eq!(standbys(task, &two), [other]);
    }
    let mut four: Vec<Heartbeat> = (0..4)
        .map(|n| node(&format!("n{n}"), &tasks[n * 10..(n + 1) * 10]))
        .collect();
    let before: Vec<Vec<String>> = tasks.iter().map(|task| standbys(task, &four)).collect();
    assert!(before.iter().all(|standbys| standbys.len() == 1));
    for name in ["n0", "n1", "n2", "n3"] {
        let copies = before.iter().filter(|standbys| standbys[0] == name);
        assert!((3..=20).contains(&copies.count()), "{before:?}");
    }
    // A node that goes moves its own copies only.
    let gone = four.pop().expect("four");
    for (task, before) in tasks.iter().zip(&before) {
        let after = standbys(task, &four);
        assert_eq!(after.len(), 1);
        if before[0] != gone.node {
            assert_eq!(&after, before, "{task}");
        }
    }
}
