//! The command line on a cluster: what it says before anything runs, what it creates, what it reads
//! and writes without a daemon, and what it finds wrong.

use serde_json::Value;
use tests::daemon::run;

use super::{Till, WITHIN, brokers, write};
use crate::cli::topic::{feed, lines};
use crate::cli::{fails, ok};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer};

fn json(text: &str) -> Value {
    let parsed = serde_json::from_str(text);
    parsed.expect("JSON")
}

/// The state that a plan tells of each topic, by what the topic is for.
fn states(plan: &str) -> Vec<(String, String)> {
    let plan = json(plan);
    let topics = plan["topics"].as_array().expect("topics").iter();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    topics
        .map(|topic| (word(&topic["purpose"]), word(&topic["state"])))
        .collect()
}

#[test]
fn missing_topics_are_planned_then_applied_and_only_once() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(
        &brokers,
        "applied",
        "create-topics = false\nreplication = 1",
    );
    let plan = || ok(&["plan", &till.file, "--format", "json"]);
    let all = |state: &str| states(&plan()).iter().all(|(_, found)| found == state);
    assert!(all("missing"), "{}", plan());
    let told = ok(&["apply", &till.file, "--dry-run"]);
    assert_eq!(told.matches("to create").count(), 5, "{told}");
    assert!(all("missing"), "a dry run makes nothing");
    let told = ok(&["apply", &till.file]);
    assert_eq!(told.matches("created").count(), 5, "{told}");
    assert!(
        told.contains("changelog (2 partitions, compacted)"),
        "{told}"
    );
    assert!(all("there"), "{}", plan());
    let told = ok(&["apply", &till.file]);
    assert_eq!(told.matches("there").count(), 5, "{told}");

    let text = ok(&["plan", &till.file]);
    for part in ["replicas", "exactly-once", "read_committed", "last per key"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn topics_that_differ_are_told_before_anything_runs() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "differing", "");
    let create = |suffix: &str, partitions: &str| {
        let topic = till.topic(suffix);
        let command = ["topic", "create", &topic, "--partitions", partitions];
        ok(&[&command[..], &["--brokers", &brokers]].concat());
    };
    create("payments", "5");
    create("history.changelog", "2");
    let plan = ok(&["plan", &till.file]);
    for part in [
        "5 partitions instead of 2",
        "will not start",
        "not compacted: it grows",
    ] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    let told = [
        "5 partitions instead of 2",
        "hint: set the node's `partitions`",
    ];
    fails(&["apply", &till.file], 69, &told);
    let data = till.data();
    let run = ["run", &till.file, "--listen", "none", "--data-dir", &data];
    fails(
        &run,
        69,
        &["has 5 partitions, not 2", "hint: set the node's"],
    );
}

#[test]
fn without_brokers_the_plan_is_printed_and_says_so() {
    let till = Till::on("127.0.0.1:9", "offline", "");
    let (code, plan, told) = run(&["plan", &till.file]);
    assert_eq!(code, 0, "{told}");
    assert!(
        told.contains("cannot be asked") && told.contains("127.0.0.1:9"),
        "{told}"
    );
    assert_eq!(plan.matches("unknown").count(), 5, "{plan}");
    assert!(plan.contains("root"), "the tree too: {plan}");
    fails(
        &["apply", &till.file],
        69,
        &["log does not answer", "(brokers 127.0.0.1:9)", "refused"],
    );
    let (code, told, _) = run(&["doctor", &till.file, "--format", "json"]);
    assert_eq!(code, 69);
    let told = json(&told);
    let cluster = told.as_array().expect("findings").last().expect("one");
    assert_eq!(
        (&cluster["check"], &cluster["state"]),
        (&"cluster".into(), &"problem".into())
    );
    assert!(
        cluster["cure"]
            .as_str()
            .is_some_and(|cure| !cure.is_empty()),
        "{cluster}"
    );
}

#[test]
fn topics_are_written_read_and_described_by_brokers_or_by_topology() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "by-hand", "");
    ok(&["apply", &till.file]);
    let payments = till.topic("payments");
    let at = ["--topology", till.file.as_str()];
    let with = |words: &[&str], more: &[&str]| -> Vec<String> {
        words.iter().chain(more).map(|w| (*w).to_owned()).collect()
    };
    let command = with(&["topic", "write", &payments], &at);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let written = feed(&command, &lines(40));
    assert_eq!(written, format!("40 records appended to {payments}\n"));
    let read = |more: &[&str]| {
        let command = with(&["topic", "read", &payments, "--brokers", &brokers], more);
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        ok(&words)
    };
    let mut values: Vec<String> = read(&[]).lines().map(str::to_owned).collect();
    values.sort();
    let mut expect: Vec<String> = lines(40).lines().map(str::to_owned).collect();
    expect.sort();
    assert_eq!(values, expect);
    assert_eq!(read(&["--limit", "7"]).lines().count(), 7);
    // Keys come from the topology's source.
    let first = read(&["--limit", "1", "--format", "json"]);
    let first = json(&first);
    let value = json(first["value"].as_str().expect("a value"));
    assert_eq!(first["key"], value["card"]);

    let described = ok(&["topic", "describe", &payments, "--brokers", &brokers]);
    assert!(described.contains("keeps all"), "{described}");
    let listed = ok(&["topic", "list", "--topology", &till.file]);
    assert!(
        listed.contains(&payments) && listed.contains("last per key"),
        "{listed}"
    );
    let missing = ["topic", "read", "no.such.topic", "--brokers", &brokers];
    fails(&missing, 69, &["\"no.such.topic\" does not exist", "hint:"]);
}

#[test]
fn a_sound_cluster_passes_the_doctor_and_an_open_transaction_does_not() {
    let Some(brokers) = brokers() else { return };
    let till = Till::on(&brokers, "examined", "");
    let data = till.data();
    let doctor = ["doctor", &till.file, "--data-dir", &data];
    let fresh = ok(&doctor);
    assert!(fresh.contains("5 are created at the first run"), "{fresh}");
    assert!(!std::path::Path::new(&data).exists(), "it makes nothing");
    ok(&["apply", &till.file]);
    let sound = ok(&doctor);
    for part in [
        "taken back",
        "by the marker",
        "none holds readers back",
        "verification",
    ] {
        assert!(sound.contains(part), "{part} in {sound}");
    }
    let dead_letters = ok(&["dead-letter", "list", &till.file]);
    assert!(dead_letters.contains("0 dead letters"), "{dead_letters}");

    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", &till.brokers)
        .set("transactional.id", till.topic("forgotten"))
        .create()
        .expect("a producer");
    producer.init_transactions(WITHIN).expect("transactions");
    write(&producer, &till.topic("alerts"), "never");
    let (code, told, _) = run(&doctor);
    assert_eq!(code, 69, "{told}");
    assert!(
        told.contains("PROBLEM") && told.contains("is readable to 0"),
        "{told}"
    );
    producer.abort_transaction(WITHIN).expect("aborted");
    ok(&doctor);
}
