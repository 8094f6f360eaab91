//! A source of what matches a pattern, on a cluster.

use std::path::Path;

use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::ok;
use crate::cli::topic::{feed, lines};

#[test]
fn topics_that_come_to_match_are_taken_up_while_it_runs() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "matching", "");
    let text = std::fs::read_to_string(&till.file).expect("written");
    let named = format!("topic = \"{}\"", till.topic("payments"));
    let pattern = format!("pattern = '{}\\..*'", till.name);
    let text = text.replace(&named, &pattern);
    let text = text.replace("feed = { kind = \"http\" }\n", "");
    std::fs::write(&till.file, text).expect("written");

    let create = |suffix: &str, partitions: &str| {
        let topic = till.topic(suffix);
        let command = ["topic", "create", &topic, "--partitions", partitions];
        ok(&[&command[..], &["--brokers", &brokers]].concat());
    };
    let pay = |suffix: &str| {
        let topic = till.topic(suffix);
        feed(
            &["topic", "write", &topic, "--topology", &till.file],
            &lines(30),
        );
    };
    create("shop", "2");
    create("odd", "3");
    ok(&["apply", &till.file]);
    let plan = ok(&["plan", &till.file]);
    assert!(plan.contains("source of what matches"), "{plan}");
    for (topic, state) in [("shop", "there"), ("odd", "it is not read")] {
        let topic = till.topic(topic);
        let line = plan.lines().find(|line| line.contains(&topic));
        let line = line.unwrap_or_else(|| panic!("{topic} in {plan}"));
        assert!(line.contains(state), "{line}");
    }

    let data = till.data();
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    let alerts = format!("/v1/topics/{}/records?limit=1000", till.topic("alerts"));
    let mut decided = |what: &str, count: usize| {
        daemon.wait(what, |daemon| {
            let records = daemon.get(&alerts).json();
            (records.as_array()?.len() >= count).then_some(())
        });
        let records = daemon.get(&alerts).json();
        assert_eq!(records.as_array().map(Vec::len), Some(count), "{what}");
    };
    pay("shop");
    decided("payments of the shop", 30);
    create("stall", "2");
    pay("stall");
    decided("payments of the stall, from the first", 60);
    pay("shop");
    decided("both topics go on", 90);
    let records = daemon.get(&alerts).text;
    assert_eq!(
        records.matches("\\\"payments\\\":3").count(),
        30,
        "one state"
    );
}
