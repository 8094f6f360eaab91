//! `[log] kind = "kafka"`: brokers, security, and client properties by their librdkafka names.

mod tokens;

use super::Context;
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Kafka, Key, Property, Security};
use crate::{GroupProtocol, KafkaSettings, Membership, Millis, Secret, defaults};

/// Properties on which exactly-once processing rests: the runtime sets them, with the reason.
const OWNED: [(&str, &str); 24] = [
    ("bootstrap.servers", "it is `brokers`"),
    ("metadata.broker.list", "it is `brokers`"),
    ("client.id", "it is the node's id"),
    ("group.id", "the topology's name is the group"),
    ("group.instance.id", "it is the node's id"),
    (
        "group.protocol",
        "the runtime's rebalance protocol rests on it",
    ),
    (
        "group.remote.assignor",
        "the runtime's rebalance protocol rests on it",
    ),
    (
        "partition.assignment.strategy",
        "the runtime's rebalance protocol rests on it",
    ),
    (
        "transactional.id",
        "it names the shard whose epochs it commits",
    ),
    ("transaction.timeout.ms", "it is `transaction-timeout`"),
    (
        "enable.idempotence",
        "a transactional producer is idempotent",
    ),
    ("acks", "a transaction needs all replicas"),
    ("request.required.acks", "a transaction needs all replicas"),
    ("max.in.flight", "order rests on it"),
    ("max.in.flight.requests.per.connection", "order rests on it"),
    ("enable.auto.commit", "offsets commit with the outputs"),
    ("auto.commit.interval.ms", "offsets commit with the outputs"),
    (
        "enable.auto.offset.store",
        "offsets commit with the outputs",
    ),
    ("isolation.level", "only committed records are read"),
    ("auto.offset.reset", "it is `start` of the source"),
    (
        "enable.partition.eof",
        "the end of a partition drains a run",
    ),
    ("check.crcs", "a damaged record must not be taken for data"),
    ("partitioner", "keys must land where other clients put them"),
    (
        "delivery.report.only.error",
        "the flush before a commit rests on it",
    ),
];

/// A commit that waits for a busy broker takes seconds.
const TRANSACTION_TIMEOUT_MS_MIN: i64 = 5_000;

/// Checks the settings; `interval` is the epoch's; `None` only if something was reported.
pub(crate) fn check(kafka: &Kafka, interval: Millis, cx: &Context<'_>) -> Option<KafkaSettings> {
    let mut client: Vec<(String, Secret)> = Vec::new();
    let mut tokens = None;
    if let Some(security) = &kafka.security
        && let Some(table) = security.get()
    {
        client = properties(table, security.span, cx);
        tokens = tokens::check(table, kafka.client.is_some(), cx);
    }
    for (name, span, value) in kafka
        .client
        .as_ref()
        .and_then(Key::get)
        .into_iter()
        .flat_map(|c| c.iter())
    {
        if let Some((_, reason)) = OWNED.iter().find(|(owned, _)| *owned == name) {
            let message = format!("\"{name}\" is set by the runtime");
            cx.report(Finding::at(span, Code::OWNED_PROPERTY, message).hint(*reason));
        } else if client.iter().any(|(given, _)| given == name) {
            let message = format!("\"{name}\" follows from security");
            cx.report(Finding::at(span, Code::CONFLICT, message).hint("give it once"));
        }
        let value = match value.get()? {
            Property::Text(text) => text.clone(),
            Property::Number(number) => number.to_string(),
            Property::Flag(flag) => flag.to_string(),
        };
        client.push((name.into(), Secret::new(value)));
    }
    let protocol = kafka.group_protocol.as_ref().and_then(Key::get);
    let protocol = protocol.map_or(GroupProtocol::Classic, |protocol| protocol.checked());
    Some(KafkaSettings {
        brokers: brokers(&kafka.brokers, cx)?,
        client,
        tokens,
        create_topics: kafka
            .create_topics
            .as_ref()
            .and_then(Key::get)
            .is_none_or(|create| *create),
        // Brokers number their replicas in 16 bits with a sign.
        replication: (kafka.replication.as_ref())
            .and_then(|replication| cx.within(replication, 1, 32_767)),
        group_protocol: protocol,
        membership: membership(kafka.membership.as_ref(), protocol, cx),
        standby: (kafka.standby.as_ref())
            .and_then(|standby| cx.within(standby, 0, 1))
            .unwrap_or(0),
        transaction_timeout: (kafka.transaction_timeout.as_ref())
            .and_then(|timeout| span_of_time(timeout, TRANSACTION_TIMEOUT_MS_MIN, cx))
            .unwrap_or_else(|| defaults::transaction_timeout(interval)),
    })
}

/// With the brokers' protocol a member that was killed keeps its id to itself until its session ends,
/// and its successor under the same id is refused: so membership is dynamic there.
fn membership(
    key: Option<&Key<raw::Membership>>,
    protocol: GroupProtocol,
    cx: &Context<'_>,
) -> Membership {
    let given = key.and_then(|key| Some((key.span, *key.get()?)));
    match (given, protocol) {
        (None, GroupProtocol::Classic) => Membership::Static,
        (None, GroupProtocol::Consumer) => Membership::Dynamic,
        (Some((span, raw::Membership::Static)), GroupProtocol::Consumer) => {
            let message = "static membership does not go with the brokers' group protocol";
            cx.report(Finding::at(span, Code::CONFLICT, message).hint(
                "a node that was killed would be refused until its session ends: write \
                 membership = \"dynamic\", or group-protocol = \"classic\"",
            ));
            Membership::Dynamic
        }
        (Some((_, membership)), _) => membership.checked(),
    }
}

fn brokers(list: &Key<Vec<Key<String>>>, cx: &Context<'_>) -> Option<Vec<String>> {
    let mut brokers = Vec::new();
    for broker in list.get()? {
        // One reference may hold several: `${env:KAFKA_BROKERS}`.
        for address in broker.get()?.split(',').map(str::trim) {
            let port = address
                .rsplit_once(':')
                .map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(1..))) {
                let message = format!("\"{address}\" is not a broker's address");
                cx.report(
                    Finding::at(broker.span, Code::INVALID_VALUE, message)
                        .hint("write host:port, such as localhost:9092"),
                );
            }
            brokers.push(address.to_owned());
        }
    }
    if brokers.is_empty() {
        cx.report(Finding::at(
            list.span,
            Code::INVALID_VALUE,
            "there is no broker",
        ));
    }
    Some(brokers)
}

/// Security as librdkafka's properties.
fn properties(security: &Security, span: Span, cx: &Context<'_>) -> Vec<(String, Secret)> {
    let mut properties = Vec::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            properties.push((name.to_owned(), Secret::new(value)));
        }
    };
    let protocol = security.protocol.as_ref().and_then(Key::get);
    let mechanism = security.mechanism.as_ref().and_then(Key::get);
    set("security.protocol", protocol.map(|p| p.librdkafka().into()));
    set("sasl.mechanisms", mechanism.map(|m| m.librdkafka().into()));
    let text = |key: &Option<Key<String>>| key.as_ref().and_then(Key::get).cloned();
    let path = |key: &Option<Key<String>>| {
        let key = key.as_ref()?;
        Some(cx.resolve(key.get()?, key.span).display().to_string())
    };
    set("sasl.username", text(&security.username));
    set("sasl.password", text(&security.password));
    set("ssl.ca.location", path(&security.ca));
    set("ssl.certificate.location", path(&security.certificate));
    set("ssl.key.location", path(&security.key));
    set("ssl.key.password", text(&security.key_password));

    check_pairs(security, cx);
    let signs_in = protocol.is_some_and(|protocol| protocol.has_sasl());
    if signs_in && security.mechanism.is_none() {
        // librdkafka would choose Kerberos, which is not built in.
        cx.report(
            Finding::at(span, Code::MISSING_KEY, "missing key \"mechanism\"").hint(
                "a sasl protocol needs one: plain, scram-sha-256, scram-sha-512, oauthbearer",
            ),
        );
    }
    if let Some(mechanism) = &security.mechanism
        && !signs_in
    {
        cx.report(
            Finding::at(
                mechanism.span,
                Code::CONFLICT,
                "mechanism without a sasl protocol",
            )
            .hint("write protocol = \"sasl_ssl\""),
        );
    }
    properties
}

/// Keys that are of no use without another.
fn check_pairs(security: &Security, cx: &Context<'_>) {
    let mechanism = security.mechanism.as_ref();
    let by_password = mechanism
        .and_then(Key::get)
        .is_some_and(|mechanism| mechanism.has_password());
    let encrypts = security.protocol.as_ref().and_then(Key::get);
    let encrypts = encrypts.is_some_and(|protocol| protocol.has_tls());
    let span = |key: &Option<Key<String>>| key.as_ref().map(|key| key.span);
    let mechanism = mechanism.map(|key| key.span).filter(|_| by_password);
    let needs = [
        (mechanism, "username", &security.username),
        (mechanism, "password", &security.password),
        (span(&security.certificate), "key", &security.key),
        (span(&security.key), "certificate", &security.certificate),
    ];
    for (given, name, needed) in needs {
        if let (Some(span), None) = (given, needed) {
            let message = format!("missing key \"{name}\"");
            cx.report(
                Finding::at(span, Code::MISSING_KEY, message)
                    .hint(format!("this is of no use without {name}")),
            );
        }
    }
    for (name, key) in [("ca", &security.ca), ("certificate", &security.certificate)] {
        if let (Some(span), false) = (span(key), encrypts) {
            let message = format!("\"{name}\" without TLS");
            cx.report(
                Finding::at(span, Code::CONFLICT, message)
                    .hint("write protocol = \"ssl\" or \"sasl_ssl\""),
            );
        }
    }
}
