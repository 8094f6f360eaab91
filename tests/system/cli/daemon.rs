//! `thalweg run` as a process: how it starts, stops, and refuses; and `thalweg tree`.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use super::{card_fraud, fails, ok, payments, text};
use crate::http::till;
use tests::daemon::Daemon;

/// Payments of 100 of one card each.
fn body(from: usize, count: usize) -> String {
    let line = |nth| format!("{{\"card\":\"c{nth}\",\"ts\":1,\"amount\":100}}\n");
    (from..from + count).map(line).collect()
}

#[test]
fn however_it_is_stopped_nothing_is_lost_or_doubled() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    for (nth, signal) in ["TERM", "INT", "KILL"].into_iter().enumerate() {
        let mut daemon = Daemon::start(&till(), &data, &[]);
        let posted = daemon.post(
            "/v1/topics/payments/records",
            body(nth * 5000, 5000).as_bytes(),
        );
        assert_eq!(posted.status, 201);
        daemon.signal(signal);
        let code = if signal == "KILL" { -1 } else { 0 };
        assert_eq!(daemon.ended(), code, "{signal}: {}", daemon.log());
        let left = data.join("daemon.json").exists();
        assert_eq!(
            left,
            signal == "KILL",
            "{signal} leaves daemon.json: {left}"
        );
    }
    let data = text(&data);
    ok(&[
        "run",
        &text(&till()),
        "--data-dir",
        &data,
        "--listen",
        "none",
        "--until-caught-up",
    ]);
    let alerts = ok(&["topic", "read", "alerts", "--data-dir", &data]);
    let mut cards: Vec<String> = alerts
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["card"].to_string())
        .collect();
    assert_eq!(cards.len(), 15_000);
    cards.sort();
    cards.dedup();
    assert_eq!(cards.len(), 15_000, "each payment has one decision");
}

#[test]
fn a_second_signal_stops_at_once_with_75() {
    let dir = tempfile::tempdir().expect("a folder");
    // As many payments as it can take: the drain has something to commit.
    let feed = payments(100_000_000);
    let set = [
        "--set",
        &feed,
        "--set",
        "epoch.records=1000000",
        "--set",
        "epoch.interval=10s",
    ];
    let mut daemon = Daemon::start(card_fraud().as_ref(), &dir.path().join("data"), &set);
    daemon.wait("payments", |daemon| {
        daemon
            .get("/metrics")
            .text
            .contains("thalweg_lag_records")
            .then_some(())
    });
    daemon.signal("TERM");
    daemon.wait("the drain", |daemon| {
        daemon.log().contains("draining").then_some(())
    });
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 75, "{}", daemon.log());
}

#[test]
fn a_port_in_use_is_told_before_anything_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let told = [
        &*format!("cannot listen on {address}: Address already in use"),
        "--listen none",
    ];
    fails(
        &[
            "run",
            &card_fraud(),
            "--data-dir",
            &data,
            "--listen",
            &address,
        ],
        69,
        &told,
    );
    assert!(!Path::new(&data).exists(), "no data directory is made");
}

#[test]
fn a_data_directory_in_use_or_not_writable_is_told_with_its_cure() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let mut daemon = Daemon::start(&till(), &data, &[]);
    let second = [
        "run",
        &text(&till()),
        "--data-dir",
        &text(&data),
        "--listen",
        "none",
    ];
    fails(
        &second,
        69,
        &[
            "is in use by another process",
            "hint: a daemon runs on this data directory",
        ],
    );
    assert_eq!(
        daemon.wait("health", |d| Some(d.get("/health/ready").status)),
        200
    );
    let tree = ok(&["tree", "--data-dir", &text(&data)]);
    assert!(
        tree.starts_with("root  running\n") && tree.contains("└ "),
        "{tree}"
    );
    let json = ok(&["tree", "--api", daemon.address(), "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["name"], "root");

    // A file stands where a folder is needed: the data directory's, the log's, the state's.
    for taken in ["", "log", "state"] {
        let dir = tempfile::tempdir().expect("a folder");
        let data = dir.path().join("data");
        let file = data.join(taken);
        let parent = if taken.is_empty() { dir.path() } else { &data };
        std::fs::create_dir_all(parent).expect("a folder");
        let file = if taken.is_empty() { &data } else { &file };
        std::fs::write(file, "").expect("written");
        let data = text(&data);
        let refused = [
            "run",
            &text(&till()),
            "--data-dir",
            &data,
            "--listen",
            "none",
        ];
        fails(&refused, 69, &["cannot be used: ", "hint: choose a folder"]);
    }
}

#[test]
fn logs_are_json_where_no_terminal_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut daemon, data) = {
        let data = dir.path().join("data");
        (Daemon::start(&till(), &data, &["--node-id", "left"]), data)
    };
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0);
    assert!(
        data.join("topologies/till.json").exists(),
        "what ran is remembered"
    );
    let lines: Vec<Value> = daemon
        .log()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    let ready = lines
        .iter()
        .find(|line| line["message"] == "ready")
        .expect("a line");
    assert_eq!(
        (&ready["node"], &ready["topology"]),
        (&"left".into(), &"till".into())
    );
    assert!(
        lines.iter().all(|line| line["level"] != "ERROR"),
        "{lines:?}"
    );
}

#[test]
fn state_of_another_definition_is_refused_and_not_taken_for_its_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let file = dir.path().join("topology.toml");
    let original = std::fs::read_to_string(till()).expect("readable");
    let run = [
        "run",
        &text(&file),
        "--data-dir",
        &data,
        "--listen",
        "none",
        "--until-caught-up",
    ];
    std::fs::write(&file, &original).expect("written");
    ok(&run);
    let last_ten = original.replace(
        "of = \"amount\", over = \"all\"",
        "of = \"amount\", over = 10",
    );
    std::fs::write(&file, &last_ten).expect("written");
    fails(&run, 78, &["\"history\"", "give it a new id"]);
    // Another column of the source is none of the state's business.
    let wider = original.replace(
        "amount = \"float64\"",
        "shop = \"string?\"\namount = \"float64\"",
    );
    std::fs::write(&file, &wider).expect("written");
    ok(&run);
    let renamed = last_ten.replace("\"history\"", "\"recent\"");
    std::fs::write(&file, &renamed).expect("written");
    ok(&run);
}
