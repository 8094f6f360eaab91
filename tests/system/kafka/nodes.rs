//! Two daemons of one topology: either tells of both, and so does the command line without asking any.

use std::path::Path;

use serde_json::Value;
use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::ok;
use crate::cli::topic::{feed, lines};

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

/// Cards that pay once before a node is killed, and once after.
const CARDS: usize = 2_000;

/// Kills one of two nodes and has every card pay again; gives the changelog records that the other
/// had to replay for the tasks it took over.
fn replayed_after_a_kill(brokers: &str, standby: u8) -> u64 {
    let (name, keys) = (format!("standby{standby}"), format!("standby = {standby}"));
    let till = Till::on(brokers, &name, &keys);
    let (mut first, mut second) = (start(&till, "n1"), start(&till, "n2"));
    wait(&mut first, &[("n1", "live", 1), ("n2", "live", 1)]);
    let before = replayed(&first);
    let alerts = |daemon: &mut Daemon, nth: usize| {
        let write = [
            "topic",
            "write",
            &till.topic("payments"),
            "--brokers",
            brokers,
        ];
        feed(&write, &lines(CARDS));
        let path = format!("/v1/topics/{}/records", till.topic("alerts"));
        let count = format!("\\\"payments\\\":{nth}");
        daemon.wait(&count, |daemon| {
            let text = daemon.get(&path).text;
            (text.matches(&count).count() == CARDS).then_some(())
        });
    };
    alerts(&mut first, 1);
    if standby > 0 {
        // Its copy has all that the other committed: as much as the alerts, for they are of one epoch.
        first.wait("a warm copy", |daemon| {
            let nodes = daemon.get("/v1/nodes").json();
            let copy = &nodes[0]["standby"][0];
            let is_warm = copy["lag"] == 0 && copy["inputs"][0]["end"].as_u64()? > 500;
            is_warm.then_some(())
        });
    }
    second.signal("KILL");
    second.ended();
    alerts(&mut first, 2);
    replayed(&first) - before
}

/// The changelog records that a daemon says it has replayed, over all tasks.
fn replayed(daemon: &Daemon) -> u64 {
    let log = daemon.log();
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of = |event: Value| {
        let found = [&event["replayed"], &event["fields"]["replayed"]];
        found.into_iter().find_map(Value::as_u64)
    };
    events.filter_map(of).sum()
}

#[test]
fn a_task_that_moves_to_its_standby_has_little_left_to_replay() {
    let Some(brokers) = brokers() else { return };
    let cold = replayed_after_a_kill(&brokers, 0);
    assert!(
        cold > 500,
        "about half of the cards were the other's: {cold}"
    );
    let warm = replayed_after_a_kill(&brokers, 1);
    assert!(warm < 10, "{warm} of {cold}");
}
