//! A daemon's start and work on a cluster: what it refuses, what it waits for, and that it does its
//! work once.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::daemon::{Daemon, run, thalweg};

use super::{Till, WITHIN, brokers};
use crate::cli::topic::{feed, lines};
use crate::cli::{fails, ok};

#[test]
fn payments_become_decisions_once_over_a_restart() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "decided", "");
    let data = till.data();
    let payments = till.topic("payments");
    for round in 1..=2 {
        let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
        // Through the daemon, which is found in its directory.
        let write = ["topic", "write", &payments, "--data-dir", &data];
        feed(&write, &lines(50));
        let path = format!("/v1/topics/{}/records", till.topic("alerts"));
        let records = daemon.wait("decisions", |daemon| {
            let records = daemon.get(&path).json();
            let records = records.as_array()?.clone();
            (records.len() >= 50 * round).then_some(records)
        });
        assert_eq!(records.len(), 50 * round);
        // Every card's nth payment met the state of those before it.
        let nth = format!("\\\"payments\\\":{round}");
        let of_round = records
            .iter()
            .filter(|r| r["value"].to_string().contains(&nth));
        assert_eq!(of_round.count(), 50, "round {round}");
        daemon.signal("TERM");
        assert_eq!(daemon.ended(), 0, "{}", daemon.log());
    }
}

#[test]
fn missing_topics_are_an_error_where_none_may_be_created() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "forbidden", "create-topics = false");
    let data = till.data();
    let command = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    fails(
        &command,
        69,
        &[
            "are missing, and create-topics is false",
            "hint: `thalweg apply",
        ],
    );
    ok(&["apply", &till.file]);
    ok(&[&command[..], &["--until-caught-up"]].concat());
}

#[test]
fn a_data_directory_is_one_processs() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "locked", "");
    let data = till.data();
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    let second = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    fails(&second, 69, &["is in use by another process", "hint:"]);
    daemon.signal("KILL");
    daemon.ended();
    let (code, _, told) = run(&[&second[..], &["--until-caught-up"]].concat());
    assert_eq!(code, 0, "a killed process holds nothing: {told}");
    let id = std::fs::read_to_string(till.dir.path().join("data/node-id"));
    assert!(id.expect("kept").starts_with("node-"));
}

#[test]
fn a_daemon_that_starts_before_its_cluster_waits_for_it() {
    let Some(brokers) = brokers() else { return };
    // A port that takes no connections yet.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let till = Till::on(&address, "early", "");
    let data = till.data();
    std::fs::create_dir_all(&data).expect("a folder");
    let mut child = start(&till, &data);
    let api = told(&mut child, "its address", || {
        let text = std::fs::read(Path::new(&data).join("daemon.json")).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        Some(value["listen"].as_str()?.to_owned())
    });
    let status = |path: &str| {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let answer = agent.get(format!("http://{api}{path}")).call();
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    told(&mut child, "a warning", || {
        let log = std::fs::read_to_string(till.dir.path().join("errors")).ok()?;
        log.contains("waiting for it").then_some(())
    });
    assert_eq!(
        (status("/health/live"), status("/health/ready")),
        (200, 503)
    );

    let broker = brokers.split(',').next().expect("a broker").to_owned();
    std::thread::spawn(move || forward(&address, &broker));
    told(&mut child, "readiness", || {
        (status("/health/ready") == 200).then_some(())
    });
    child.kill().expect("it ran");
    child.wait().expect("it ends");
}

fn start(till: &Till, data: &str) -> Child {
    let errors = std::fs::File::create(till.dir.path().join("errors")).expect("a file");
    thalweg()
        .args([
            "run",
            &till.file,
            "--data-dir",
            data,
            "--listen",
            "127.0.0.1:0",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .expect("it starts")
}

/// Waits until a look gives something; fails if the process ends before.
fn told<T>(child: &mut Child, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + 2 * WITHIN;
    loop {
        if let Some(found) = look() {
            return found;
        }
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none(), "ended before {what}: {ended:?}");
        assert!(Instant::now() < deadline, "no {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// The way to a broker, opened late. It tells its own address to whoever has found it.
fn forward(from: &str, to: &str) {
    let listener = TcpListener::bind(from).expect("the port is free again");
    for client in listener.incoming() {
        let (Ok(client), Ok(broker)) = (client, TcpStream::connect(to)) else {
            continue;
        };
        let (client_in, broker_in) = (client.try_clone(), broker.try_clone());
        let (mut client_in, mut broker_in) =
            (client_in.expect("cloned"), broker_in.expect("cloned"));
        let (mut client, mut broker) = (client, broker);
        // Either direction ends with its connection.
        std::thread::spawn(move || std::io::copy(&mut client_in, &mut broker));
        std::thread::spawn(move || std::io::copy(&mut broker_in, &mut client));
    }
}
