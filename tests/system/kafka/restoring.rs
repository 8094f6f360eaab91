//! A restore says how far it is, and killed in the middle it goes on from there.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::topic::feed;

/// Several reads of a changelog for each task.
const CARDS: usize = 60_000;

/// Records that restores have replayed since the daemon's start, as its log says.
fn replayed(log: &str) -> u64 {
    let lines = log
        .lines()
        .filter(|line| line.contains("task state restored"));
    let replayed = |line: &str| {
        let said: Value = serde_json::from_str(line).expect("a line of JSON");
        said["replayed"].as_u64().expect("a number")
    };
    lines.map(replayed).sum()
}

#[test]
fn a_restore_tells_its_progress_and_goes_on_where_a_kill_stopped_it() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "restoring", "");
    let data = till.data();
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    let mut cards = String::new();
    for nth in 0..CARDS {
        writeln!(cards, r#"{{"card":"c{nth}","ts":{nth},"amount":1}}"#).expect("into a text");
    }
    let payments = till.topic("payments");
    feed(&["topic", "write", &payments, "--data-dir", &data], &cards);
    let sessions = |daemon: &Daemon| {
        let tasks = daemon.get("/v1/partitions").json();
        let sessions = |task: &Value| task["sessions"].as_u64().unwrap_or(0);
        tasks
            .as_array()
            .map_or(0, |tasks| tasks.iter().map(sessions).sum())
    };
    daemon.wait("all cards", |daemon| {
        (sessions(daemon) >= CARDS as u64).then_some(())
    });
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0, "{}", daemon.log());
    std::fs::remove_dir_all(Path::new(&data).join("state")).expect("the cache");

    let mut daemon = Daemon::start_unready(Path::new(&till.file), data.as_ref(), &[]);
    let seen = daemon.wait("a restore on its way", |daemon| {
        let tasks = daemon.get("/v1/partitions").json();
        let restoring = |task: &Value| task["restoring"].clone();
        let mut restoring = tasks.as_array()?.iter().map(restoring);
        restoring.find(|restoring| restoring["done"].as_u64() > Some(0))
    });
    daemon.signal("KILL");
    daemon.ended();
    let number = |name: &str| seen[name].as_u64().expect("a number");
    assert_eq!(number("done") + number("left"), number("total"), "{seen}");
    assert!(number("per_s") > 0 && seen["left_s"].is_u64(), "{seen}");

    let daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    let replayed = replayed(&daemon.log());
    assert!(
        0 < replayed && replayed <= CARDS as u64 - number("done") / 2,
        "{replayed} replayed after {seen}"
    );
}
