//! Two daemons of one topology: either tells of both, and so does the command line without asking any.

use std::path::Path;

use serde_json::Value;
use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::ok;

fn start(till: &Till, node: &str) -> Daemon {
    let data = till.dir.path().join(node);
    Daemon::start(Path::new(&till.file), &data, &["--node-id", node])
}

/// Each node's id, state and number of tasks.
fn told(nodes: &Value) -> Vec<(String, String, usize)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tasks = |node: &Value| node["tasks"].as_array().map_or(0, Vec::len);
    let one = |node: &Value| (text(&node["node"]), text(&node["state"]), tasks(node));
    let nodes = nodes.as_array().into_iter().flatten();
    nodes.map(one).collect()
}

/// Waits until a daemon tells of these nodes.
fn wait(daemon: &mut Daemon, expect: &[(&str, &str, usize)]) {
    let expect: Vec<(String, String, usize)> = expect
        .iter()
        .map(|(node, state, tasks)| ((*node).to_owned(), (*state).to_owned(), *tasks))
        .collect();
    daemon.wait(&format!("{expect:?}"), |daemon| {
        (told(&daemon.get("/v1/nodes").json()) == expect).then_some(())
    });
}

#[test]
fn nodes_are_listed_while_they_live_stale_once_killed_and_gone_once_stopped() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "nodes", "");
    let mut first = start(&till, "n1");
    wait(&mut first, &[("n1", "live", 2)]);
    let mut second = start(&till, "n2");
    let both = [("n1", "live", 1), ("n2", "live", 1)];
    wait(&mut first, &both);
    wait(&mut second, &both);
    let listed: Value =
        serde_json::from_str(&ok(&["nodes", &till.file, "--format", "json"])).expect("JSON");
    assert_eq!(told(&listed), told(&first.get("/v1/nodes").json()));
    assert_eq!(listed[0]["listen"], first.address());
    let table = ok(&["nodes", &till.file]);
    assert!(table.contains("n2") && table.contains("live"), "{table}");

    second.signal("TERM");
    assert_eq!(second.ended(), 0, "{}", second.log());
    wait(&mut first, &[("n1", "live", 2)]);

    let mut second = start(&till, "n2");
    wait(&mut first, &both);
    second.signal("KILL");
    second.ended();
    wait(&mut first, &[("n1", "live", 2), ("n2", "stale", 1)]);
}
