//! The disk of the data directory is full: a small file system in memory stands for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::daemon::Daemon;

use super::{Till, brokers};
use crate::cli::topic::feed;

/// Cards, each a key of 2 KB: more than the disk holds.
const CARDS: usize = 1_000;
const DISK: &str = "size=1500k";
const LARGER: &str = "remount,size=100m";

/// A file system of its own at a data directory. Unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    #[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
    fn at(data: &str) -> Option<Self> {
        std::fs::create_dir_all(data).expect("a folder");
        if mount(DISK, Path::new(data)) {
            return Some(Self(data.into()));
        }
        eprintln!("SKIPPED: a full disk: no tmpfs can be mounted (it needs root)");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a daemon that was just killed may have files open.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(options: &str, at: &Path) -> bool {
    let mut command = Command::new("mount");
    let command = command
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(at);
    command.status().is_ok_and(|status| status.success())
}

/// Payments of 100, one for each card.
fn payments() -> String {
    let filling = "x".repeat(2_000);
    let line = |nth| format!("{{\"card\":\"{nth}-{filling}\",\"ts\":{nth},\"amount\":100}}\n");
    (0..CARDS).map(line).collect()
}

/// Waits until each card has been told of so many payments, each number once.
fn wait_for_each(daemon: &mut Daemon, till: &Till, payments: u64) {
    let path = format!("/v1/topics/{}/records", till.topic("alerts"));
    let wanted = CARDS * usize::try_from(payments).expect("few");
    let records = daemon.wait("decisions", |daemon| {
        let records = daemon.get(&path).json();
        let records = records.as_array()?.clone();
        (records.len() >= wanted).then_some(records)
    });
    assert_eq!(records.len(), wanted);
    for nth in 1..=payments {
        let counts = |record: &&Value| {
            let value: Value = serde_json::from_str(record["value"].as_str().unwrap_or_default())
                .unwrap_or_default();
            value["payments"] == nth
        };
        assert_eq!(
            records.iter().filter(counts).count(),
            CARDS,
            "payment {nth}"
        );
    }
}

#[test]
fn a_full_disk_stops_no_running_task_and_makes_one_that_restores_wait_for_room() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "full", "");
    let data = till.data();
    let Some(disk) = Disk::at(&data) else { return };
    let topic = till.topic("payments");
    let write = ["topic", "write", &topic, "--data-dir", &data];
    let mut daemon = Daemon::start(Path::new(&till.file), data.as_ref(), &[]);
    feed(&write, &payments());
    // Its state is in memory and in the changelog.
    wait_for_each(&mut daemon, &till, 1);
    daemon.wait("a warning", |daemon| {
        let log = daemon.log();
        (log.contains("cannot be written to its store") && log.contains("No space left"))
            .then_some(())
    });
    daemon.signal("KILL");
    daemon.ended();

    let mut daemon = Daemon::start_unready(Path::new(&till.file), data.as_ref(), &[]);
    daemon.wait("a task that waits", |daemon| {
        daemon
            .log()
            .contains("no room for the state store: the task waits")
            .then_some(())
    });
    assert_eq!(daemon.get("/health/live").status, 200);
    assert_eq!(daemon.get("/health/ready").status, 503);
    assert!(mount(LARGER, &disk.0), "more room");
    daemon.wait("/health/ready", |daemon| {
        (daemon.get("/health/ready").status == 200).then_some(())
    });
    feed(&write, &payments());
    wait_for_each(&mut daemon, &till, 2);
}
