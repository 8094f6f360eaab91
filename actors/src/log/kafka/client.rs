//! The only place that makes a client's configuration: what the runtime must own is set here, once.
//!
//! Order of precedence: what only tunes, then the user's `client` properties, then what
//! exactly-once processing rests on (the topology's check refuses those by name already).

use std::time::Duration;

use config::{GroupProtocol, KafkaSettings};
use rdkafka::ClientConfig;

use super::NodeIdentity;

/// A member without a heartbeat for so long is dead: a crash costs its partitions that long.
const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
/// Members hear of a rebalance by their heartbeat's answer: a planned hand-over takes a few of these.
const HEARTBEAT_INTERVAL: Duration = Duration::from_millis(300);
/// A member that does not poll for so long gives its partitions up. The thread polls all the time;
/// only a stopped process or a frozen disk takes this long.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);
/// Prefetched bytes of a group consumer: librdkafka fills one partition after the other, and this
/// is all of them together.
const GROUP_PREFETCH_KIB: u32 = 16 * 1024;
/// Prefetched bytes of a reader, which reads one partition.
const READER_PREFETCH_KIB: u32 = 8 * 1024;
/// Bytes that a producer holds until the brokers have them; an epoch larger than this waits for
/// them as it is sent.
const PRODUCER_QUEUE_KIB: u32 = 128 * 1024;

/// Batches close when an epoch is flushed; until then they may fill.
const LINGER_OF_EPOCH: Duration = Duration::from_millis(5);
/// Somebody waits for these records.
const LINGER_AT_ONCE: Duration = Duration::from_millis(1);

/// How a group's partitions are dealt out to its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assignment {
    /// Each stays where it is as far as possible.
    Sticky,
    /// The same partition numbers of all topics to the same member: tasks that read several topics.
    Range,
}

/// Makes configurations of clients.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    settings: KafkaSettings,
    node: NodeIdentity,
}

impl Clients {
    pub(super) fn new(settings: KafkaSettings, node: NodeIdentity) -> Self {
        Self { settings, node }
    }

    /// The cluster's settings.
    pub(super) fn settings(&self) -> &KafkaSettings {
        &self.settings
    }

    /// The brokers, for messages.
    pub(super) fn brokers(&self) -> String {
        self.settings.brokers.join(", ")
    }

    /// Brokers abort a transaction that is open for longer; readers of committed records wait for a
    /// dead producer's at most so long.
    pub(super) fn transaction_timeout(&self) -> Duration {
        self.settings.transaction_timeout.duration()
    }

    /// What every client has, and the user's properties.
    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            // A broker that is back is found within a second; 10 s is librdkafka's own bound.
            .set("reconnect.backoff.max.ms", "1000")
            // New partitions and topics of a pattern are seen within half a minute.
            .set("topic.metadata.refresh.interval.ms", "30000")
            .set("socket.keepalive.enable", "true")
            // Brokers close what is idle, and that is no news.
            .set("log.connection.close", "false");
        for (name, value) in &self.settings.client {
            config.set(name, value.expose());
        }
        config
            .set("bootstrap.servers", self.settings.brokers.join(","))
            .set("client.id", &self.node.id);
        config
    }

    /// For topics and their configuration.
    pub(super) fn admin(&self) -> ClientConfig {
        self.base()
    }

    /// For questions about offsets. `committed`: an open transaction hides what follows it.
    pub(super) fn asker(&self, committed: bool) -> ClientConfig {
        let mut config = self.base();
        let isolation = match committed {
            true => "read_committed",
            false => "read_uncommitted",
        };
        config.set("isolation.level", isolation);
        config
    }

    /// For reading one partition by position, and for a group's committed offsets, without being
    /// its member.
    pub(super) fn reader(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group, READER_PREFETCH_KIB);
        config
            .set("auto.offset.reset", "earliest")
            // The end of a partition is told by an empty answer: brokers wait for so long with it.
            .set("fetch.wait.max.ms", "10");
        config
    }

    /// For a member of a group.
    pub(super) fn group_consumer(&self, group: &str, assignment: Assignment) -> ClientConfig {
        let mut config = self.consumer(group, GROUP_PREFETCH_KIB);
        config
            .set("max.poll.interval.ms", millis(MAX_POLL_INTERVAL))
            // The batch call takes an end of a partition for a record there (librdkafka 2.12): after
            // the next rebalance the record that comes to stand there would be skipped.
            .set("enable.partition.eof", "false")
            // New partitions start at the earliest record; `start = "latest"` is the consumer's work.
            .set("auto.offset.reset", "earliest");
        match self.settings.group_protocol {
            GroupProtocol::Classic => config
                .set("group.protocol", "classic")
                .set("session.timeout.ms", millis(SESSION_TIMEOUT))
                .set("heartbeat.interval.ms", millis(HEARTBEAT_INTERVAL))
                .set(
                    "partition.assignment.strategy",
                    match assignment {
                        Assignment::Sticky => "cooperative-sticky",
                        Assignment::Range => "range",
                    },
                ),
            // Session and heartbeat are the broker's to choose, and so they must not be set.
            GroupProtocol::Consumer => config.set("group.protocol", "consumer").set(
                "group.remote.assignor",
                match assignment {
                    Assignment::Sticky => "uniform",
                    Assignment::Range => "range",
                },
            ),
        };
        if self.node.static_membership {
            config.set("group.instance.id", &self.node.id);
        }
        config
    }

    /// For transactions under an id.
    pub(super) fn producer(&self, transactional_id: &str) -> ClientConfig {
        let mut config = self.writer(LINGER_OF_EPOCH);
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", millis(self.transaction_timeout()));
        config
    }

    /// For records outside transactions.
    pub(super) fn appender(&self) -> ClientConfig {
        let mut config = self.writer(LINGER_AT_ONCE);
        // A record that the brokers do not take for so long is given up, and its epoch with it.
        config.set("message.timeout.ms", millis(self.transaction_timeout()));
        config
    }

    fn writer(&self, linger: Duration) -> ClientConfig {
        let mut config = self.base();
        let mut tuning = |name: &str, value: &str| {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        };
        tuning("compression.type", "lz4");
        tuning("linger.ms", &millis(linger));
        tuning(
            "queue.buffering.max.kbytes",
            &PRODUCER_QUEUE_KIB.to_string(),
        );
        tuning("queue.buffering.max.messages", "1000000");
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("delivery.report.only.error", "true")
            .set("partitioner", "murmur2_random");
        config
    }

    fn consumer(&self, group: &str, prefetch_kib: u32) -> ClientConfig {
        let mut config = self.base();
        let mut tuning = |name: &str, value: String| {
            if config.get(name).is_none() {
                config.set(name, value);
            }
        };
        // A full queue is looked at again so soon; the default of 1 s starves a fast consumer.
        tuning("fetch.queue.backoff.ms", "5".into());
        tuning("queued.max.messages.kbytes", prefetch_kib.to_string());
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("check.crcs", "true")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true");
        config
    }
}

fn millis(duration: Duration) -> String {
    duration.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use config::{Membership, Secret};

    use super::*;

    fn clients(protocol: GroupProtocol, client: &[(&str, &str)]) -> Clients {
        let settings = KafkaSettings {
            client: client
                .iter()
                .map(|(name, value)| ((*name).into(), Secret::new(*value)))
                .collect(),
            group_protocol: protocol,
            membership: Membership::Static,
            ..KafkaSettings::of(vec!["one:9092".into(), "two:9092".into()])
        };
        let node = NodeIdentity {
            id: "node-1".into(),
            static_membership: true,
        };
        Clients::new(settings, node)
    }

    /// Every configuration that is made here.
    fn all(clients: &Clients) -> [ClientConfig; 8] {
        [
            clients.admin(),
            clients.asker(true),
            clients.asker(false),
            clients.reader("g"),
            clients.group_consumer("g", Assignment::Sticky),
            clients.group_consumer("g", Assignment::Range),
            clients.producer("t"),
            clients.appender(),
        ]
    }

    #[test]
    fn librdkafka_takes_every_configuration() {
        for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
            for config in all(&clients(protocol, &[])) {
                config
                    .create_native_config()
                    .expect("a valid configuration");
            }
        }
        let consumer = clients(GroupProtocol::Consumer, &[]);
        let config = consumer.group_consumer("g", Assignment::Sticky);
        let made: Result<rdkafka::consumer::BaseConsumer, _> = config.create();
        assert!(made.is_ok(), "{:?}", made.err());
        let producer: Result<rdkafka::producer::BaseProducer, _> = consumer.producer("t").create();
        assert!(producer.is_ok(), "{:?}", producer.err());
    }

    #[test]
    fn the_users_properties_tune_but_cannot_break_what_the_runtime_owns() {
        let clients = clients(
            GroupProtocol::Classic,
            &[
                ("compression.type", "zstd"),
                ("acks", "0"),
                ("client.id", "x"),
            ],
        );
        let config = clients.producer("t");
        let told: Vec<_> = ["compression.type", "acks", "client.id"]
            .map(|name| config.get(name))
            .into();
        assert_eq!(told, [Some("zstd"), Some("all"), Some("node-1")]);
    }
}
