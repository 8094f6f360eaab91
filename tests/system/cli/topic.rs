//! `thalweg topic`, on a log that nobody has and through the daemon that has it.

use std::io::Write;
use std::process::Stdio;

use super::{fails, ok, text};
use crate::http::till;
use tests::daemon::{Daemon, thalweg, told};

/// Runs a command that must succeed, with a text as its standard input.
pub(crate) fn feed(arguments: &[&str], input: &str) -> String {
    let mut child = thalweg()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let (code, out, errors) = told(child.wait_with_output().expect("it ends"));
    assert_eq!(code, 0, "{arguments:?}: {errors}");
    out
}

/// Payments of 100, one a card.
pub(crate) fn lines(count: usize) -> String {
    let line = |nth| format!("{{\"card\":\"c{nth}\",\"ts\":{nth},\"amount\":100}}\n");
    (0..count).map(line).collect()
}

#[test]
fn topics_read_the_same_through_a_daemon_and_without_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let mut daemon = Daemon::start(&till(), data.as_ref(), &[]);
    let written = feed(
        &["topic", "write", "payments", "--data-dir", &data],
        &lines(300),
    );
    assert_eq!(written, "300 records appended to payments\n");
    daemon.wait("300 decisions", |daemon| {
        let decisions = daemon.get("/v1/topics/alerts/records").json();
        (decisions.as_array()?.len() == 300).then_some(())
    });
    let all = || {
        let commands = [
            "topic list",
            "topic list --format json",
            "topic describe alerts",
            "topic read alerts",
            "topic read alerts --format json",
            "topic read alerts --partition 1 --from 3 --until 9",
        ];
        commands.map(|command| with(command, &data, ok))
    };
    let through = all();
    assert_eq!(through[3].lines().count(), 300, "records: {}", through[3]);
    assert_eq!(through[5].lines().count(), 6, "offsets 3 to 8");
    let refused = |command, told: &[&str]| with(command, &data, |c| fails(c, 69, told));
    refused("topic create t", &["in use by a daemon", "hint: stop"]);
    refused(
        "topic read nothing",
        &["topic \"nothing\" does not exist", "hint:"],
    );

    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0);
    assert_eq!(all(), through, "and without the daemon");
    assert_eq!(
        with("topic read alerts --limit 7", &data, ok)
            .lines()
            .count(),
        7
    );
    refused("topic read alerts --partition 9", &["alerts-9"]);
    refused("tree", &["no daemon runs on", "hint: start one"]);
}

#[test]
fn what_is_written_without_a_daemon_gets_its_keys_from_the_topology() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let till = text(&till());
    let run = format!("run {till} --listen none --until-caught-up");
    with(&run, &data, ok);
    // One more line before the same ones: dealt out in turn they would go to the other partition.
    let other = "{\"card\":\"other\",\"ts\":0,\"amount\":100}\n";
    for first in ["", other] {
        let write = format!("topic write payments --topology {till}");
        let lines = format!("{first}{}", lines(300));
        with(&write, &data, |command| feed(command, &lines));
    }
    with(&run, &data, ok);
    let alerts = with("topic read alerts", &data, ok);
    assert_eq!(alerts.lines().count(), 601);
    // Each card's second payment met the state of its first: both were in the card's partition.
    assert_eq!(alerts.matches("\"payments\":2").count(), 300, "{alerts}");
}

/// Hands on the words of a command with the data directory.
#[track_caller]
fn with<T>(command: &str, data: &str, then: impl FnOnce(&[&str]) -> T) -> T {
    let words = command.split(' ').chain(["--data-dir", data]);
    then(&words.collect::<Vec<_>>())
}

#[test]
fn a_topic_is_created_once_and_a_folder_without_log_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let told = ["holds no log", "hint: `thalweg run` makes one"];
    fails(&["topic", "list", "--data-dir", &data], 69, &told);
    let create = [
        "topic",
        "create",
        "mine",
        "--partitions",
        "3",
        "--data-dir",
        &data,
    ];
    assert_eq!(ok(&create), "created\n");
    assert_eq!(ok(&create), "it is there already\n");
    assert!(ok(&["topic", "list", "--data-dir", &data]).contains("mine"));
    let other = [
        "topic",
        "create",
        "mine",
        "--partitions",
        "4",
        "--data-dir",
        &data,
    ];
    fails(&other, 69, &["has 3 partitions, not 4", "hint:"]);
    fails(
        &["topic", "create", "no name", "--data-dir", &data],
        2,
        &["no name"],
    );
}
