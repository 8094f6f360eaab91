//! HTTP of a running daemon: what it shows, what it takes, how it refuses.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tests::daemon::{Answer, Daemon, run};

/// Cards that have spent 100 or more, of payments posted.
pub(crate) fn till() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("system/topologies/till.toml")
}

fn start(dir: &Path) -> Daemon {
    Daemon::start(&till(), &dir.join("data"), &[])
}

const PAYMENTS: &str = "/v1/topics/payments/records";
const ALERTS: &str = "/v1/topics/alerts/records";

/// A posted line.
fn payment(card: &str, ts: i64, amount: f64) -> String {
    json!({ "card": card, "ts": ts, "amount": amount }).to_string()
}

/// The records of a topic, when there are so many.
fn records(daemon: &mut Daemon, path: &str, count: usize) -> Vec<Value> {
    daemon.wait(&format!("{count} records at {path}"), |daemon| {
        let records = daemon.get(path).json();
        let records = records.as_array()?.clone();
        (records.len() >= count).then_some(records)
    })
}

fn value(record: &Value) -> Value {
    serde_json::from_str(record["value"].as_str().expect("a value")).expect("JSON")
}

#[test]
fn a_posted_record_becomes_a_decision_and_its_session_can_be_seen() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = start(dir.path());
    let body = [payment("card-7", 1000, 30.0), payment("card-7", 2000, 90.5)].join("\n");
    let posted = daemon.post(PAYMENTS, body.as_bytes());
    assert_eq!(
        (posted.status, posted.json()),
        (201, json!({ "records": 2 }))
    );

    let alerts = records(&mut daemon, ALERTS, 1);
    assert_eq!(alerts.len(), 1, "30 is not yet 100");
    assert_eq!(alerts[0]["key"], "card-7");
    let alert = value(&alerts[0]);
    assert_eq!(
        (&alert["payments"], &alert["total"]),
        (&json!(2), &json!(120.5))
    );

    let session = daemon.get("/v1/sessions/history/card-7").json();
    assert_eq!(
        (&session["present"], &session["key"]),
        (&json!(true), &json!("card-7"))
    );
    assert!(
        session["bytes"].as_u64() > Some(0) && session["timer"].is_null(),
        "{session}"
    );
    let state = &session["state"];
    assert_eq!(
        (&state["columns"]["payments"], &state["columns"]["total"]),
        (&json!(2), &json!(120.5)),
        "{state}"
    );
    for (by, figure) in [("rate", "rows_per_minute"), ("bytes", "bytes")] {
        let first = daemon.get(&format!("/v1/sessions?by={by}&limit=1")).json();
        let first = &first[0];
        assert_eq!(
            (&first["key"], &first["hosting"]),
            (&json!("card-7"), &json!("hosted"))
        );
        assert!(first[figure].as_u64() > Some(0), "{first}");
    }
    assert_eq!(daemon.get("/v1/sessions?by=age").status, 400);
    let stranger = daemon.get("/v1/sessions/history/card%2F8").json();
    assert_eq!(
        (&stranger["present"], &stranger["key"]),
        (&json!(false), &json!("card/8"))
    );
}

#[test]
fn a_record_that_cannot_be_decoded_is_a_dead_letter_and_its_neighbour_a_decision() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = start(dir.path());
    let body = format!("{{\"card\": \n{}\n", payment("c", 1, 100.0));
    assert_eq!(daemon.post(PAYMENTS, body.as_bytes()).status, 201);
    assert_eq!(records(&mut daemon, ALERTS, 1).len(), 1);

    let letters = records(&mut daemon, "/v1/dead-letters", 1);
    assert_eq!(letters[0]["value"], "{\"card\": ");
    let headers = letters[0]["headers"].to_string();
    assert!(
        headers.contains("thalweg.reason") && headers.contains("decode"),
        "{headers}"
    );

    let data = dir.path().join("data");
    let (topology, data) = (till(), data.to_str().expect("text").to_owned());
    let topology = topology.to_str().expect("text");
    let (code, list, _) = run(&["dead-letter", "list", topology, "--data-dir", &data]);
    assert!(
        code == 0 && list.contains("decode") && list.contains("1 dead letter"),
        "{list}"
    );
    let (code, shown, _) = run(&["dead-letter", "show", topology, "0", "--data-dir", &data]);
    assert_eq!(code, 0);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown, letters[0], "the command shows what the API shows");
    let (code, _, error) = run(&["dead-letter", "show", topology, "5", "--data-dir", &data]);
    assert!(
        code == 69 && error.contains("dead letter \"5\" does not exist"),
        "{error}"
    );
}

/// Path, status, code, part of the message.
const REFUSALS: &str = "
/nothing                                  404 not-found path \"/nothing\" does not exist
/v1/topics/nothing                        404 not-found topic \"nothing\"
/v1/topics/Not%20A%20Name!                404 not-found does not exist
/v1/topics/nothing/records                404 not-found topic \"nothing\"
/v1/topics/alerts/records?partition=2     404 not-found alerts-2
/v1/topics/alerts/records?limit=x         400 invalid   limit
/v1/topics/alerts/records?limit=0         400 invalid   between 1 and 10000
/v1/topics/alerts/records?limit=10001     400 invalid   between 1 and 10000
/v1/topics/alerts/records?from=-1         400 invalid   from=-1
/v1/topics/alerts/records?from=9&until=5  400 invalid   until=5
/v1/topics/alerts/records?offset=1        400 invalid   offset
/v1/dead-letters?limit=0                  400 invalid   between 1 and 10000
/v1/sessions/nothing/k                    404 not-found keyed operator \"nothing\"
/v1/sessions/much/k                       404 not-found keyed operator \"much\"
";

#[test]
fn refusals_have_the_form_of_errors() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = start(dir.path());
    for line in REFUSALS.trim().lines() {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("a word");
        let (path, status, expected) = (word(), word(), word());
        let message = words.collect::<Vec<_>>().join(" ");
        let answer = daemon.get(path);
        let told = answer.json()["error"]["message"]
            .to_string()
            .replace('\\', "");
        assert!(told.contains(&message), "{path}: {told}");
        assert_eq!(
            (answer.status.to_string(), code(&answer)),
            (status.into(), json!(expected))
        );
    }
    let key = "k".repeat(5000);
    let long = daemon.get(&format!("/v1/sessions/history/{key}"));
    assert_eq!((long.status, code(&long)), (400, json!("invalid")));
}

fn code(answer: &Answer) -> Value {
    answer.json()["error"]["code"].clone()
}

#[test]
fn what_cannot_be_taken_is_refused_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let daemon = start(dir.path());
    let check = |answer: &Answer, status: u16, expected: &str| {
        assert_eq!((answer.status, code(answer)), (status, json!(expected)));
    };
    check(&daemon.delete("/v1/topics"), 405, "method-not-allowed");
    check(
        &daemon.post("/v1/topics/nothing/records", b"{}"),
        404,
        "not-found",
    );
    check(&daemon.post(PAYMENTS, b"\n\r\n"), 400, "invalid");
    let changelog = "/v1/topics/till.history.changelog/records";
    check(&daemon.post(changelog, b"{}"), 400, "invalid");
    assert_eq!(
        daemon.get(changelog).json(),
        json!([]),
        "state is the topology's"
    );
    check(
        &daemon.post(PAYMENTS, &vec![b'\n'; (32 << 20) + 1]),
        413,
        "too-large",
    );
    // One record that would fit, and one of 17 MiB: all or none.
    let mut body = payment("c", 1, 100.0).into_bytes();
    body.push(b'\n');
    body.resize(17 << 20, b'x');
    check(&daemon.post(PAYMENTS, &body), 413, "too-large");
    assert_eq!(daemon.get(PAYMENTS).json(), json!([]), "nothing was taken");
    let taken = daemon.post(PAYMENTS, payment("c", 1, 100.0).as_bytes());
    assert_eq!(taken.status, 201, "and it takes what it can again");
}

#[test]
fn metrics_have_help_and_unit_and_no_key_in_a_label() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = start(dir.path());
    let body = format!("{}\nrubbish", payment("card-secret", 1000, 130.0));
    assert_eq!(daemon.post(PAYMENTS, body.as_bytes()).status, 201);
    let lag = "thalweg_lag_records{topic=\"payments\",partition=\"0\"} 0";
    let text = daemon.wait("all is read and told", |daemon| {
        let text = daemon.get("/metrics").text;
        (text.contains("thalweg_dead_letters_total{") && text.contains(lag)).then_some(text)
    });
    for (name, kind) in [
        ("thalweg_records_total", "counter"),
        ("thalweg_epochs_total", "counter"),
        ("thalweg_dead_letters_total", "counter"),
        ("thalweg_commit_seconds", "histogram"),
        ("thalweg_barrier_seconds", "histogram"),
        ("thalweg_latency_seconds", "histogram"),
        ("thalweg_sessions_live", "gauge"),
        ("thalweg_state_bytes", "gauge"),
        ("thalweg_state_unwritten_bytes", "gauge"),
        ("thalweg_lag_records", "gauge"),
        ("thalweg_held_rows", "gauge"),
        ("thalweg_watermark_lag_seconds", "gauge"),
        ("thalweg_mailbox_depth", "gauge"),
    ] {
        let told = include_str!("../../docs/operations.md");
        assert!(told.contains(&format!("| `{name}` |")), "{name} in docs");
        assert!(
            text.contains(&format!("# TYPE {name} {kind}\n")),
            "{name} in\n{text}"
        );
        assert!(
            text.contains(&format!("# HELP {name} ")),
            "{name} in\n{text}"
        );
    }
    assert!(text.contains("stage=\"decode\""), "{text}");
    assert!(!text.contains("card-secret"), "no label is a key:\n{text}");
}

#[test]
fn what_runs_is_shown() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut daemon = start(dir.path());
    assert_eq!(daemon.get("/health/live").text, "ok\n");
    assert_eq!(daemon.get("/health/ready").text, "ready\n");
    assert_eq!(daemon.get("/v1/topology").json()["name"], "till");
    assert_eq!(daemon.get("/v1/models").json(), json!([]));
    let tree = daemon.get("/v1/tree").json();
    assert_eq!(
        (&tree["name"], &tree["state"]),
        (&json!("root"), &json!("running"))
    );
    let nodes = daemon.get("/v1/nodes").json();
    let one = &nodes.as_array().expect("nodes")[..];
    assert_eq!(one.len(), 1, "{nodes}");
    assert_eq!(
        (&one[0]["state"], &one[0]["listen"]),
        (&json!("live"), &json!(daemon.address()))
    );
    let topics = daemon.get("/v1/topics").json();
    assert!(
        topics.as_array().is_some_and(|topics| topics.len() == 4),
        "{topics}"
    );
    let topic = daemon.get("/v1/topics/payments").json();
    assert_eq!(topic["partitions"], json!([[0, 0], [0, 0]]));
    let told = include_str!("../../docs/http.md");
    let paths = daemon.get("/").json();
    for path in paths.as_array().expect("paths") {
        let path = path.as_str().expect("a path");
        let methods = ["GET", "POST"].map(|method| format!("`{method} {path}`"));
        assert!(
            methods.iter().any(|told_as| told.contains(told_as)),
            "{path} in docs/http.md"
        );
    }

    assert_eq!(
        daemon
            .post(PAYMENTS, payment("c", 5000, 1.0).as_bytes())
            .status,
        201
    );
    let tasks = daemon.wait("a watermark", |daemon| {
        let tasks = daemon.get("/v1/partitions").json().as_array()?.clone();
        let moved = tasks.iter().any(|task| task["watermark"].is_i64());
        (moved && tasks.len() == 2).then_some(tasks)
    });
    let read: i64 = tasks
        .iter()
        .filter_map(|t| t["inputs"][0]["position"].as_i64())
        .sum();
    assert_eq!(read, 1, "one record is read: {tasks:?}");
}
