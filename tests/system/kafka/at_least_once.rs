//! `delivery = "at-least-once"`: outputs are there long before their epoch ends, and again after a
//! crash; state has counted each record once.

use std::path::Path;

use serde_json::Value;
use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::ok;
use crate::cli::topic::{feed, lines};

const CARDS: usize = 50;

/// A daemon whose epochs end only when it is told to stop.
fn start(till: &Till) -> Daemon {
    let more = [
        "--set",
        "epoch.delivery=at-least-once",
        "--set",
        "epoch.interval=1h",
        "--set",
        "epoch.records=1000000",
    ];
    Daemon::start(Path::new(&till.file), till.data().as_ref(), &more)
}

/// Waits for so many alerts; gives each card's counts in the order in which they came.
fn counts(daemon: &mut Daemon, till: &Till, alerts: usize) -> Vec<(String, Vec<u64>)> {
    let path = format!("/v1/topics/{}/records?limit=1000", till.topic("alerts"));
    let records = daemon.wait(&format!("{alerts} alerts"), |daemon| {
        let records = daemon.get(&path).json();
        let records = records.as_array()?.clone();
        (records.len() >= alerts).then_some(records)
    });
    assert_eq!(records.len(), alerts);
    let mut counts: std::collections::BTreeMap<String, Vec<u64>> = Default::default();
    for record in records {
        let text = record["value"].as_str().expect("a value");
        let value: Value = serde_json::from_str(text).expect("JSON");
        let card = value["card"].as_str().expect("a card").to_owned();
        let count = value["payments"].as_u64().expect("a count");
        counts.entry(card).or_default().push(count);
    }
    counts.into_iter().collect()
}

#[test]
fn outputs_are_visible_at_once_and_come_again_after_a_crash_while_state_counts_once() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "again", "");
    let data = till.data();
    let payments = till.topic("payments");
    let write = ["topic", "write", &payments, "--data-dir", &data];
    let of_each = |counts: &[(String, Vec<u64>)], expected: &[u64]| {
        assert_eq!(counts.len(), CARDS);
        let all = counts.iter().all(|(_, counts)| counts == expected);
        assert!(all, "{counts:?}, not {expected:?} of each");
    };

    let mut daemon = start(&till);
    feed(&write, &lines(CARDS));
    of_each(&counts(&mut daemon, &till, CARDS), &[1]);
    daemon.signal("KILL");
    daemon.ended();
    // Nothing was committed: the outputs come again, and the state is what it was then.
    let mut daemon = start(&till);
    of_each(&counts(&mut daemon, &till, 2 * CARDS), &[1, 1]);
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0, "{}", daemon.log());
    // Now it is.
    let mut daemon = start(&till);
    feed(&write, &lines(CARDS));
    of_each(&counts(&mut daemon, &till, 3 * CARDS), &[1, 1, 2]);
}

#[test]
fn a_plan_says_what_is_promised() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "promised", "");
    let set = ["--set", "epoch.delivery=at-least-once"];
    let plan = ok(&[&["plan", &till.file][..], &set].concat());
    assert!(plan.contains("at-least-once"), "{plan}");
    assert!(
        plan.contains("visible at once, and again after a crash"),
        "{plan}"
    );
}
