//! Dead letters of a running daemon put back, repaired or not, and given up; and the events it tells.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use tests::daemon::{Daemon, run};

use crate::http::till;

const PAYMENTS: &str = "/v1/topics/payments/records";
const ALERTS: &str = "/v1/topics/alerts/records";

/// Starts the till and posts two payments that do not decode.
fn with_letters(dir: &Path) -> Daemon {
    let mut daemon = Daemon::start(&till(), &dir.join("data"), &[]);
    let bad = b"{\"card\":\"c1\",\"ts\":1,\"amount\":\"much\"}\n{\"card\":\"c2\",\"ts\":2}";
    assert_eq!(daemon.post(PAYMENTS, bad).status, 201);
    letters(&mut daemon, |letters| letters.len() == 2);
    daemon
}

fn letters(daemon: &mut Daemon, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    daemon.wait("dead letters", |daemon| {
        let letters = daemon.get("/v1/dead-letters").json().as_array()?.clone();
        wanted(&letters).then_some(letters)
    })
}

fn header<'r>(record: &'r Value, name: &str) -> Option<&'r str> {
    let mut headers = record["headers"].as_array()?.iter();
    let found = headers.rfind(|header| header[0] == name)?;
    found[1].as_str()
}

#[test]
fn a_repaired_letter_goes_back_once_and_another_can_be_dropped() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = with_letters(dir.path());
    let all = letters(&mut daemon, |_| true);
    let of = |card: &str| {
        let letter = all.iter().find(|letter| letter["key"] == card);
        letter.expect("its letter")["offset"].to_string()
    };
    let (file, data) = (till(), dir.path().join("data"));
    let place = [file.to_str(), Some("--data-dir"), data.to_str()].map(|text| text.expect("text"));
    let command = |name: &str, more: &[&str]| {
        let (code, out, errors) = run(&[&["dead-letter", name], &place[..], more].concat());
        assert_eq!(code, 0, "{name} {more:?}: {errors}");
        out
    };
    let repaired = r#"{"card":"c1","ts":1,"amount":150.0}"#;
    let replay = ["--offset", &of("c1"), "--value", repaired];
    assert_eq!(command("replay", &replay).trim(), "1 dead letters put back");
    assert_eq!(command("replay", &replay).trim(), "0 dead letters put back");
    let dropped = command("drop", &["--code", "missing-value"]);
    assert_eq!(dropped.trim(), "1 dead letters dropped");

    let alerts = daemon.wait("the repaired payment's alert", |daemon| {
        let alerts = daemon.get(ALERTS).json().as_array()?.clone();
        (!alerts.is_empty()).then_some(alerts)
    });
    assert_eq!((alerts.len(), &alerts[0]["key"]), (1, &json!("c1")));
    let payments = daemon.get(PAYMENTS).json();
    let back = payments.as_array().expect("records").iter();
    let back: Vec<&Value> = back.filter(|r| r["value"] == repaired).collect();
    assert_eq!(back.len(), 1, "once");
    let from = format!("till.dead-letters/{}", of("c1"));
    assert_eq!(header(back[0], "thalweg.replayed"), Some(&*from));
    let done = letters(&mut daemon, |letters| letters.len() == 2);
    let done: Vec<Option<&str>> = done.iter().map(|l| header(l, "thalweg.mark")).collect();
    assert!(
        done.contains(&Some("replayed")) && done.contains(&Some("dropped")),
        "{done:?}"
    );
}

#[test]
fn letters_that_nobody_chose_are_not_touched() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = with_letters(dir.path());
    for (path, body, status) in [
        ("replay", "{}", 400),
        ("drop", "{\"value\":\"x\",\"from\":0}", 400),
        ("drop", "{\"wrong\":1}", 400),
        ("replay", "{\"stage\":\"nowhere\"}", 200),
    ] {
        let path = format!("/v1/dead-letters/{path}");
        let answer = daemon.post(&path, body.as_bytes());
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
    }
}

#[test]
fn a_key_in_no_quarantine_cannot_be_released_and_no_key_fails() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = with_letters(dir.path());
    assert_eq!(daemon.get("/v1/sessions").json(), json!([]));
    for action in ["release", "replay", "skip"] {
        let answer = daemon.post(&format!("/v1/sessions/history/c%2F1/{action}"), b"");
        assert_eq!(answer.status, 409, "{action}");
        assert_eq!(
            answer.json()["error"]["message"],
            "key \"c/1\" of operator \"history\" is in no quarantine"
        );
    }
    assert_eq!(daemon.post("/v1/sessions/history/c1/burn", b"").status, 404);
    let list = run(&["sessions", "list", "--api", daemon.address()]);
    assert_eq!((list.0, list.1.lines().last()), (0, Some("0 keys fail")));
    let (code, _, errors) = run(&[
        "sessions",
        "skip",
        "history",
        "c/1",
        "--api",
        daemon.address(),
    ]);
    assert_eq!(code, 69);
    assert!(
        errors.contains("key \"c/1\" of operator \"history\" is in no quarantine"),
        "{errors}"
    );
    assert_eq!(
        daemon.get("/v1/sessions/history/c1").json()["quarantine"],
        Value::Null
    );
}

#[test]
fn events_are_told_and_streamed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = with_letters(dir.path());
    let events = daemon.get("/v1/events").json();
    let first = &events[0];
    assert_eq!(
        (&first["event"], &first["stage"], &first["number"]),
        (&json!("dead-letters"), &json!("decode"), &json!(1))
    );
    assert_eq!(daemon.get("/v1/events?after=1000").json(), json!([]));

    let mut stream = TcpStream::connect(daemon.address()).expect("reached");
    let request = "GET /v1/events HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("sent");
    let mut open = BufReader::new(stream);
    let told = open.by_ref().lines().find_map(|line| {
        let line = line.expect("readable");
        line.strip_prefix("data: ").map(str::to_owned)
    });
    let told: Value = serde_json::from_str(&told.expect("an event")).expect("JSON");
    assert_eq!(&told, first);
    // A listener does not keep the daemon from stopping, and hears the end.
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), 0);
    assert!(open.lines().all(|line| line.is_ok()));
}
