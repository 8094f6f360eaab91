//! Alerts of a running daemon: told once, whatever happens, and handed over until they are taken.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tests::daemon::{Daemon, run};

use crate::http::till;

/// Fires when more than three payments come within five seconds.
const BUSY: &str = r#"
[alerts]
to = ["topic", "ops"]
[alerts.webhook.ops]
url = "HOOK"
[[alert]]
id = "busy"
when = "increase(records_total, 5s) > 3"
see = "https://wiki.example/busy"
"#;

/// A webhook: its address, the answers that are left, and the keys of calls that were taken.
struct Receiver {
    address: String,
    calls: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Receiver {
    /// Answers with these statuses first, then takes everything.
    fn start(mut statuses: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let calls: Arc<Mutex<Vec<(String, u16)>>> = Arc::default();
        let heard = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream);
                let Some((head, _)) = request(&mut reader) else {
                    continue;
                };
                let status = match statuses.is_empty() {
                    true => 200,
                    false => statuses.remove(0),
                };
                let key = head
                    .lines()
                    .find_map(|line| line.strip_prefix("idempotency-key: "));
                heard
                    .lock()
                    .push((key.unwrap_or_default().to_owned(), status));
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n");
                // A daemon that was killed does not hear it.
                drop(reader.get_mut().write_all(answer.as_bytes()));
            }
        });
        Self { address, calls }
    }

    fn calls(&self) -> Vec<(String, u16)> {
        self.calls.lock().clone()
    }
}

/// Head, in lower case, and body of a request.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// A topology with these alerts, calling a receiver.
fn topology(folder: &Path, receiver: &Receiver) -> PathBuf {
    let till = std::fs::read_to_string(till()).expect("the topology");
    let busy = BUSY.replace("HOOK", &format!("http://{}/hook", receiver.address));
    let file = folder.join("till.toml");
    std::fs::write(&file, format!("{till}{busy}")).expect("a file");
    file
}

fn pay(daemon: &Daemon) {
    let payments: Vec<String> = (0..10)
        .map(|nth| format!("{{\"card\": \"c{nth}\", \"ts\": {nth}, \"amount\": 1.0}}"))
        .collect();
    let posted = daemon.post(
        "/v1/topics/payments/records",
        payments.join("\n").as_bytes(),
    );
    assert_eq!(posted.status, 201, "{}", posted.text);
}

/// State and number of each record in the topic of alerts, once there are so many.
fn told(daemon: &mut Daemon, count: usize) -> Vec<(String, u64)> {
    daemon.wait(&format!("{count} alerts"), |daemon| {
        let records = daemon.get("/v1/topics/till.alerts/records").json();
        let records = records.as_array()?.iter().map(|record| {
            let text = record["value"].as_str().unwrap_or_default();
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let state = value["state"].as_str().unwrap_or_default().to_owned();
            (state, value["number"].as_u64().unwrap_or_default())
        });
        let records: Vec<(String, u64)> = records.collect();
        (records.len() >= count).then_some(records)
    })
}

fn pair(state: &str, number: u64) -> (String, u64) {
    (state.to_owned(), number)
}

#[test]
fn an_alert_fires_and_is_resolved_once_and_a_webhook_that_fails_twice_takes_each_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(vec![500, 503]);
    let file = topology(folder.path(), &receiver);
    let mut daemon = Daemon::start(&file, &folder.path().join("data"), &[]);
    pay(&daemon);
    assert_eq!(told(&mut daemon, 1), [pair("firing", 1)]);
    let shown = daemon.wait("the alert to be shown", |daemon| {
        let alerts = daemon.get("/v1/alerts").json();
        alerts["firing"].get(0).cloned()
    });
    assert_eq!(shown["alert"], "busy");
    assert_eq!(shown["see"], "https://wiki.example/busy");
    let data = folder.path().join("data");
    let (code, printed, _) = run(&["alerts", "--data-dir", data.to_str().expect("text")]);
    assert_eq!(code, 0);
    assert!(
        printed.contains("busy") && printed.contains("firing"),
        "{printed}"
    );

    assert_eq!(
        told(&mut daemon, 2),
        [pair("firing", 1), pair("resolved", 1)]
    );
    daemon.wait("four calls", |_| {
        (receiver.calls().len() >= 4).then_some(())
    });
    let call = |state: &str, status: u16| (format!("till.busy.1.{state}"), status);
    assert_eq!(
        receiver.calls(),
        [
            call("firing", 500),
            call("firing", 503),
            call("firing", 200),
            call("resolved", 200)
        ]
    );
    // The process reads back what the operator has told, once a second.
    let states = daemon.wait("both events", |daemon| {
        let events = daemon.get("/v1/events").json();
        let events = events.as_array()?.iter();
        let alerts = events.filter(|event| event["event"] == "alert");
        let states: Vec<Value> = alerts.map(|alert| alert["state"].clone()).collect();
        (states.len() >= 2).then_some(states)
    });
    assert_eq!(states, ["firing", "resolved"]);
}

#[test]
fn an_alert_that_fires_when_the_daemon_is_killed_is_there_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(Vec::new());
    let file = topology(folder.path(), &receiver);
    let data = folder.path().join("data");
    let mut daemon = Daemon::start(&file, &data, &[]);
    pay(&daemon);
    assert_eq!(told(&mut daemon, 1), [pair("firing", 1)]);
    for _ in 0..2 {
        daemon.signal("KILL");
        daemon.ended();
        daemon = Daemon::start(&file, &data, &[]);
        daemon.wait("the alert to fire still", |daemon| {
            let alerts = daemon.get("/v1/alerts").json();
            alerts["firing"].get(0).cloned()
        });
    }
    let all = [pair("firing", 1), pair("resolved", 1)];
    assert_eq!(told(&mut daemon, 2), all);
    pay(&daemon);
    assert_eq!(told(&mut daemon, 3)[2], pair("firing", 2));
    daemon.wait("the webhook to be told all of it", |_| {
        let taken: Vec<String> = receiver.calls().into_iter().map(|call| call.0).collect();
        let wanted = ["1.firing", "1.resolved", "2.firing"];
        let wanted = wanted.map(|end| format!("till.busy.{end}"));
        wanted.iter().all(|key| taken.contains(key)).then_some(())
    });
}
