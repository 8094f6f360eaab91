//! The same as a process that is killed while windows close.

use std::sync::Arc;

use actors::log::embedded::{EmbeddedLog, EmbeddedOptions};
use models::watch::FIRST_ROWS;
use tests::daemon::Daemon;

use super::{Shop, WINDOW, row, topology, version};

fn end(daemon: &Daemon, topic: &str) -> u64 {
    let topic = daemon.get(&format!("/v1/topics/{topic}")).json();
    let partitions = topic["partitions"].as_array().cloned().unwrap_or_default();
    let ends = partitions.iter().map(|partition| partition[1].as_u64());
    ends.map(Option::unwrap_or_default).sum()
}

fn feed(daemon: &Daemon, range: std::ops::Range<usize>, is_new: bool) {
    let lines = range.map(|nth| format!("{}\n", row(nth, is_new)));
    let body: String = lines.collect();
    let answer = daemon.post("/v1/topics/rows/records", body.as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[test]
fn killed_while_windows_close_no_window_is_lost_or_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    version(&folder.path().join("fraud"));
    let (file, data) = (
        folder.path().join("topology.toml"),
        folder.path().join("data"),
    );
    std::fs::write(&file, topology(&folder.path().join("fraud"))).expect("a file");
    std::fs::create_dir(&data).expect("a folder");
    let mut daemon = Daemon::start(&file, &data, &[]);
    let mut fed = FIRST_ROWS + 1_000;
    feed(&daemon, 0..fed, false);
    let reference = data.join("models/shop/fraud/profiles/1.json");
    daemon.wait("a reference", |_| reference.exists().then_some(()));
    let mut kills = 0;
    for block in 0..8 {
        let sketches = end(&daemon, "shop.fraud.sketches");
        feed(&daemon, fed..fed + WINDOW, block >= 4);
        fed += WINDOW;
        // In the middle of it: some of the sketches of this window are there.
        daemon.wait("a sketch", |daemon| {
            (end(daemon, "shop.fraud.sketches") > sketches).then_some(())
        });
        daemon.signal("KILL");
        daemon.ended();
        daemon = Daemon::start(&file, &data, &[]);
        kills += 1;
    }
    daemon.wait("all answers", |daemon| {
        (end(daemon, "scored") >= fed as u64).then_some(())
    });
    let windows = |daemon: &Daemon| end(daemon, "shop.fraud.sketches") / 4;
    daemon.wait("the last window", |daemon| {
        let metrics = end(daemon, "shop.fraud.metrics");
        // Two columns, each with two statistics and the share of missing values.
        (windows(daemon) >= 7 && metrics >= 6 * windows(daemon)).then_some(())
    });
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0);
    let log = EmbeddedLog::open(&data.join("log"), EmbeddedOptions::default());
    let shop = Shop {
        log: Arc::new(log.expect("the log")),
        fed,
        folder,
    };
    assert_eq!(kills, 8);
    let windows = shop.check_windows();
    assert!(windows >= 7, "{windows}");
    assert!(!shop.alarms().is_empty());
}
