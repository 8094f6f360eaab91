//! A webhook's calls, against a receiver in this process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use super::*;
use crate::nodes::alerts::AlertState;
use crate::nodes::alerts::tests::Fixture;

/// A receiver that answers with these statuses in turn; gives head and body of each request.
fn receiver(statuses: &'static [u16]) -> (String, mpsc::Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (sender, received) = mpsc::channel();
    let serve = move || {
        for status in statuses {
            let (stream, _) = listener.accept().expect("a call");
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                reader.read_line(&mut head).expect("a line");
            }
            let lower = head.to_ascii_lowercase();
            let length = lower.split("content-length: ").nth(1).expect("a length");
            let length = length.lines().next().and_then(|text| text.parse().ok());
            let mut body = vec![0; length.expect("a number")];
            reader.read_exact(&mut body).expect("a body");
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\nlocation: /other\r\n\r\n"
            );
            let body = String::from_utf8(body).expect("text");
            // Before the answer: who is answered looks at what was received.
            sender.send((lower, body)).expect("somebody looks");
            reader
                .get_mut()
                .write_all(answer.as_bytes())
                .expect("answered");
        }
    };
    std::thread::spawn(serve);
    (address, received)
}

/// A node that runs all tasks and calls `http://{address}/hook`.
fn node(address: &str) -> (Fixture, Caller) {
    let fixture = Fixture::new(&format!(
        "[alerts]\nstandard = false\nwebhook.ops = {{ url = \"http://{address}/hook\", \
         headers = {{ authorization = \"Bearer 1234\" }}, give-up = \"10min\" }}\n\
         [[alert]]\nid = \"late\"\nwhen = \"lag_records > 1\"\nto = [\"ops\"]\n\
         [[alert]]\nid = \"other\"\nwhen = \"lag_records > 2\"\nto = [\"topic\"]\n"
    ));
    fixture.context.assign(fixture.context.tasks.clone());
    fixture.set_second(0);
    let caller = Caller::new(&fixture.context, 0).expect("alerts go to a topic");
    (fixture, caller)
}

fn round(caller: &mut Caller) -> Duration {
    let going = AtomicBool::new(false);
    caller.round(&going).expect("the log is there")
}

fn twice(caller: &mut Caller) {
    for _ in 0..2 {
        round(caller);
    }
}

#[test]
fn a_webhook_that_fails_twice_is_called_again_later_until_it_takes_the_alert_once() {
    let (address, received) = receiver(&[500, 302, 204]);
    let (fixture, mut caller) = node(&address);
    fixture.tell(-1, "other", 1, AlertState::Firing);
    fixture.tell(0, "late", 3, AlertState::Firing);
    let waits: Vec<u128> = (0..3).map(|_| round(&mut caller).as_millis()).collect();
    assert!((500..=1_000).contains(&waits[0]), "{waits:?}");
    assert!((1_000..=2_000).contains(&waits[1]), "{waits:?}");
    for _ in 0..3 {
        round(&mut caller);
    }
    let calls: Vec<(String, String)> = received.try_iter().collect();
    assert_eq!(calls.len(), 3);
    for (head, body) in &calls {
        assert!(head.starts_with("post /hook http/1.1\r\n"), "{head}");
        assert!(
            head.contains("idempotency-key: till.late.3.firing\r\n"),
            "{head}"
        );
        assert!(head.contains("authorization: bearer 1234\r\n"), "{head}");
        let told: Told = serde_json::from_str(body).expect("an alert");
        assert_eq!((told.alert.as_str(), told.number), ("late", 3));
    }
}

#[test]
fn a_node_that_takes_over_goes_on_behind_what_was_handed_over() {
    let (address, received) = receiver(&[200, 200]);
    let (fixture, mut caller) = node(&address);
    fixture.tell(0, "late", 1, AlertState::Firing);
    twice(&mut caller);
    let mut other = Caller::new(&fixture.context, 0).expect("alerts go to a topic");
    fixture.tell(1, "late", 1, AlertState::Resolved);
    twice(&mut other);
    let keys: Vec<bool> = received
        .try_iter()
        .map(|(head, _)| head.contains("till.late.1.firing"))
        .collect();
    assert_eq!(keys, [true, false]);
}

#[test]
fn an_alert_that_is_too_old_is_given_up_and_the_next_is_told() {
    let (address, received) = receiver(&[200]);
    let (fixture, mut caller) = node(&address);
    fixture.tell(0, "late", 1, AlertState::Firing);
    caller.next = Some(0);
    fixture.set_second(601);
    fixture.tell(600, "late", 1, AlertState::Resolved);
    twice(&mut caller);
    let calls: Vec<(String, String)> = received.try_iter().collect();
    assert_eq!(calls.len(), 1);
    assert!(
        calls[0].0.contains("till.late.1.resolved"),
        "{}",
        calls[0].0
    );
}

#[test]
fn no_reason_names_the_address_or_a_header() {
    let (fixture, caller) = node("127.0.0.1:1");
    fixture.tell(0, "late", 1, AlertState::Firing);
    let record = fixture.context.log.read(&caller.at, 0, 1, 1 << 10);
    let record = record.expect("read").records.remove(0);
    let alert = told(&record).expect("an alert");
    let reason = caller
        .post
        .send(&alert, &record)
        .expect_err("nobody is there");
    assert!(
        !reason.contains("127.0.0.1") && !reason.contains("1234"),
        "{reason}"
    );
    let shown = format!("{:?}", fixture.context.topology.alerts);
    assert!(
        !shown.contains("127.0.0.1") && !shown.contains("1234"),
        "{shown}"
    );
}

#[test]
fn another_node_is_left_to_call() {
    let (fixture, mut caller) = node("127.0.0.1:1");
    fixture.tell(0, "late", 1, AlertState::Firing);
    fixture.context.assign(Vec::new());
    assert_eq!(round(&mut caller), EVERY);
    assert_eq!((caller.failures, caller.next), (0, None));
}
