//! A cluster: reached, new enough, with the rights that are needed, with a clock that agrees, and
//! without transactions that hold readers back.

use std::time::Duration;

use actors::clock::{Clock, SystemClock};
use actors::log::kafka::{HeldBack, KafkaLog};
use actors::log::{LogError, TopicPartition};
use actors::nodes::topics::topics;
use config::{GroupProtocol, KafkaSettings, Millis, TopicName, Topology};

use super::Finding;
use crate::access::connect;

/// Readers that are held back for longer are told: epochs are shorter by far.
const HELD_BACK: Duration = Duration::from_secs(3);
/// Clocks that differ by more move event times, and records' ages with them.
const SKEW: Millis = Millis(1_000);

pub(super) fn look(kafka: &KafkaSettings, topology: &Topology) -> Vec<Finding> {
    let log = match connect(kafka) {
        Ok(log) => log,
        Err(error) => {
            let cure = "change [log] so that this build can reach the cluster";
            return vec![Finding::problem("cluster", error.to_string(), cure)];
        }
    };
    let cluster = match log.cluster() {
        Ok(cluster) => cluster,
        Err(error) => {
            let cure = "are the brokers up, the addresses right, and is the way to them open?";
            return vec![Finding::problem("cluster", error.to_string(), cure)];
        }
    };
    let brokers: Vec<&str> = cluster.brokers.iter().map(|(_, a)| a.as_str()).collect();
    let mut findings = vec![Finding::ok(
        "cluster",
        format!("reached; its brokers: {}", brokers.join(", ")),
    )];
    if let Some((broker, _)) = cluster.brokers.first() {
        findings.extend(settings(&log, *broker, kafka));
    }
    let (there, found) = needed(&log, topology, kafka);
    findings.push(found);
    findings.extend(rehearsal(&log, topology, &there));
    if let Some(found) = held_back(&log, &there) {
        findings.push(found);
    }
    findings
}

/// The client does not tell the brokers' version; their settings do, since each has come with one.
fn settings(log: &KafkaLog, broker: i32, kafka: &KafkaSettings) -> Vec<Finding> {
    const VERSION: &str = "version";
    const VERIFICATION: &str = "verification";
    let verification = "transaction.partition.verification.enable";
    let asked = log.broker_setting(broker, verification).and_then(|told| {
        let protocols = log.broker_setting(broker, "group.coordinator.rebalance.protocols")?;
        Ok((told, protocols))
    });
    let (verified, protocols) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let cure = "grant DESCRIBE_CONFIGS on the cluster to see more";
            return vec![Finding::warning(VERSION, error.to_string(), cure)];
        }
    };
    let verification = match verified.as_deref() {
        Some("true") => Finding::ok(VERIFICATION, format!("{verification} is on")),
        Some(_) => Finding::problem(
            VERIFICATION,
            format!(
                "{verification} is off: late records of a dead node can stay in a transaction for ever"
            ),
            format!("set {verification} = true on the brokers"),
        ),
        None => Finding::warning(
            VERIFICATION,
            format!("brokers before 3.6 do not have {verification}"),
            "take newer brokers: late records of a dead node can stay in a transaction for ever",
        ),
    };
    let new = protocols.as_deref().is_some_and(|p| p.contains("consumer"));
    let version = match (kafka.group_protocol, new) {
        (GroupProtocol::Consumer, false) => Finding::problem(
            VERSION,
            "the brokers do not deal partitions out (KIP-848)",
            "write group-protocol = \"classic\", or take brokers of 4.0 or later",
        ),
        (_, true) => Finding::ok(VERSION, "4.0 or later, judged by the brokers' settings"),
        (GroupProtocol::Classic, false) => {
            Finding::ok(VERSION, "before 4.0, judged by the brokers' settings")
        }
    };
    vec![version, verification]
}

/// The partitions that are there, of those that the topology needs.
fn needed(
    log: &KafkaLog,
    topology: &Topology,
    kafka: &KafkaSettings,
) -> (Vec<TopicPartition>, Finding) {
    const CHECK: &str = "topics";
    let names: Vec<TopicName> = topics(topology).into_iter().map(|(_, s)| s.name).collect();
    let looked = match log.look(&names) {
        Ok(looked) => looked,
        Err(error) => {
            let cure = "grant DESCRIBE and DESCRIBE_CONFIGS on the topics";
            return (Vec::new(), Finding::problem(CHECK, error.to_string(), cure));
        }
    };
    let missing = looked.iter().filter(|topic| topic.is_none()).count();
    let there = looked.into_iter().flatten().flat_map(|topic| {
        let name = topic.spec.name;
        (0..topic.spec.partitions).map(move |p| TopicPartition::new(name.clone(), p))
    });
    let found = match (missing, kafka.create_topics) {
        (0, _) => Finding::ok(CHECK, "all are there; `thalweg plan` shows them"),
        (missing, true) => Finding::ok(CHECK, format!("{missing} are created at the first run")),
        (missing, false) => Finding::problem(
            CHECK,
            format!("{missing} are missing, and create-topics is false"),
            "`thalweg apply` creates them",
        ),
    };
    (there.collect(), found)
}

/// A transaction that is taken back, on the dead letters, and the time that its marker bears.
fn rehearsal(log: &KafkaLog, topology: &Topology, there: &[TopicPartition]) -> Vec<Finding> {
    const CHECK: &str = "transactions";
    let dead_letters = there.iter().find(|at| at.topic == topology.dead_letter);
    let Some(at) = dead_letters else {
        return vec![Finding::warning(
            CHECK,
            "not tried: the topic of dead letters is not there yet",
            "look again after `thalweg apply` or the first run",
        )];
    };
    // Rights are given by the beginning of an id, which nodes and this have in common.
    let id = format!("{}.doctor", topology.name);
    if let Err(error) = log.try_transaction(&id, at) {
        let cure = match &error {
            // It says itself which right is missing.
            LogError::Refused(_) => "grant it to the user of [log.security]",
            _ => "look at the brokers' logs: transactions need their coordinator",
        };
        return vec![Finding::problem(CHECK, error.to_string(), cure)];
    }
    let tried = Finding::ok(CHECK, format!("one was written to \"{at}\" and taken back"));
    vec![tried, clock(log, at)]
}

fn clock(log: &KafkaLog, at: &TopicPartition) -> Finding {
    const CHECK: &str = "clock";
    let unknown = |why: String| Finding::warning(CHECK, why, "compare the clocks by other means");
    // The marker of the abort is of a moment ago.
    let here = SystemClock.now_ms();
    let there = match log.last_written_at(at, here) {
        Ok(Some(there)) => there,
        Ok(None) => return unknown("dead letters from the future hide the broker's time".into()),
        Err(error) => return unknown(error.to_string()),
    };
    let skew = Millis((there - here).abs());
    let message = format!("{skew} from the broker's, by the marker of the transaction tried");
    match skew > SKEW {
        false => Finding::ok(CHECK, message),
        true => Finding::warning(
            CHECK,
            message,
            "keep clocks by NTP, here and at the brokers",
        ),
    }
}

/// Transactions that stay open.
fn held_back(log: &KafkaLog, there: &[TopicPartition]) -> Option<Finding> {
    const CHECK: &str = "open transactions";
    let cure = "a producer died or hangs: the brokers abort its transaction when it times out, those \
                of Thalweg within 30 s; `kafka-transactions.sh \
                describe-producers --topic T --partition P` tells whose it is, `abort` ends it";
    Some(match log.held_back(there, HELD_BACK) {
        _ if there.is_empty() => return None,
        Err(error) => Finding::warning(CHECK, error.to_string(), "look again"),
        Ok(held) if held.is_empty() => Finding::ok(CHECK, "none holds readers back"),
        Ok(held) => {
            let told = held.iter().map(|held| {
                let HeldBack {
                    at,
                    readable,
                    written,
                } = held;
                format!("\"{at}\" is readable to {readable}, written to {written}")
            });
            let told: Vec<String> = told.collect();
            let (message, seconds) = (told.join("; "), HELD_BACK.as_secs());
            Finding::problem(CHECK, format!("for over {seconds} s: {message}"), cure)
        }
    })
}
