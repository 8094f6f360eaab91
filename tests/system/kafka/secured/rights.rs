//! Whoever signs in needs rights; those that are missing are named, with what to grant, and nothing
//! runs without them.

use rdkafka::bindings::{
    rd_kafka_AclOperation_t as Operation, rd_kafka_ResourceType_t as Resource,
};
use tests::daemon::run;

use super::acls::grant;
use super::{Cluster, password};
use crate::cli::topic::{feed, lines};
use crate::cli::{fails, ok};
use crate::kafka::Till;

/// The till by bob, who may do nothing before he is granted it.
fn bobs(cluster: &Cluster, name: &str) -> Till {
    cluster.till(name, "sasl", &password("plain", "bob", "bob-secret"))
}

#[test]
fn missing_rights_are_named() {
    let Some(cluster) = Cluster::secured() else {
        return;
    };
    let till = bobs(&cluster, "denied");
    let data = till.data();
    let denied = [
        "topic authorization failed",
        "grant READ, WRITE and DESCRIBE",
    ];
    fails(&["apply", &till.file], 69, &denied);
    let command = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    let (code, _, told) = run(&command);
    assert_eq!(code, 69, "it does not wait for what does not come: {told}");
    assert!(told.contains("grant READ"), "{told}");
    let (code, told, _) = run(&["doctor", &till.file, "--data-dir", &data]);
    assert_eq!(code, 69, "{told}");
    for part in ["grant READ", "grant DESCRIBE_CONFIGS"] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

/// Runs with one right less than all, which must end it with a text; then with that right too.
#[track_caller]
fn lacks(name: &str, denied: (Resource, &str, Operation), part: &str) {
    let (Some(cluster), Some(brokers)) = (Cluster::secured(), crate::kafka::brokers()) else {
        return;
    };
    let till = bobs(&cluster, name);
    let (resource, suffix, operation) = denied;
    let of = format!("{}{suffix}", till.name);
    grant(&brokers, &till.name, Some((resource, &of, operation)));
    let plain = Till::on(&brokers, name, "");
    ok(&["apply", &plain.file]);
    let payments = till.topic("payments");
    feed(
        &["topic", "write", &payments, "--topology", &plain.file],
        &lines(5),
    );
    let data = till.data();
    let command = ["run", &till.file, "--data-dir", &data, "--listen", "none"];
    let (code, _, told) = run(&[&command[..], &["--until-caught-up"]].concat());
    assert_eq!(code, 69, "{told}");
    assert!(told.contains(part), "{part:?} in {told}");
    let (_, alerts, _) = run(&[
        "topic",
        "read",
        &till.topic("alerts"),
        "--brokers",
        &brokers,
    ]);
    assert_eq!(alerts, "", "nothing is written without it");
}

const TOPIC: Resource = Resource::RD_KAFKA_RESOURCE_TOPIC;
const READ: Operation = Operation::RD_KAFKA_ACL_OPERATION_READ;
const WRITE: Operation = Operation::RD_KAFKA_ACL_OPERATION_WRITE;

#[test]
fn without_the_right_to_read_a_source_nothing_runs() {
    lacks("unread", (TOPIC, ".payments", READ), "grant READ");
}

#[test]
fn without_the_right_to_write_an_output_nothing_runs() {
    lacks(
        "unwritten",
        (TOPIC, ".alerts", WRITE),
        "grant READ, WRITE and DESCRIBE",
    );
}

#[test]
fn without_the_right_to_a_group_nothing_runs() {
    let group = Resource::RD_KAFKA_RESOURCE_GROUP;
    lacks("ungrouped", (group, "", READ), "grant READ on the group");
}

#[test]
fn without_the_right_to_transactions_nothing_runs() {
    let id = Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID;
    let told = "grant WRITE and DESCRIBE on transactional ids";
    lacks("untransacted", (id, "", WRITE), told);
}
