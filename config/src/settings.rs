//! Settings of a whole topology, checked: where its records live, when its transactions close and
//! what they promise, what its sessions may cost.

use std::path::PathBuf;

use crate::{ByteSize, Millis, Secret, defaults};

/// Where records live.
#[derive(Debug, Clone, PartialEq)]
pub enum LogSettings {
    /// In the data directory.
    Embedded,
    /// On a cluster.
    Kafka(KafkaSettings),
}

/// How to reach a Kafka cluster, and what is done there.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaSettings {
    /// `host:port`, at least one.
    pub brokers: Vec<String>,
    /// Further librdkafka properties, security among them; those the runtime owns have been refused.
    pub client: Vec<(String, Secret)>,
    /// Where tokens come from, if the nodes sign in with some (OAUTHBEARER).
    pub tokens: Option<TokenSource>,
    /// Whether missing topics are created when the topology starts.
    pub create_topics: bool,
    /// Replicas of topics that are created; `None`: as many as the brokers' default says.
    pub replication: Option<u16>,
    /// Who deals partitions out to the nodes.
    pub group_protocol: GroupProtocol,
    /// Whether a node keeps its partitions over a short restart.
    pub membership: Membership,
    /// Warm copies of each task's state on other nodes.
    pub standby: u8,
    /// How long brokers let a transaction be open before they abort it.
    pub transaction_timeout: Millis,
}

/// Where tokens of OAUTHBEARER come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A file that holds nothing but the token; who runs the node renews it.
    File(PathBuf),
    /// An issuer, asked with the grant of client credentials (RFC 6749, section 4.4).
    Issuer(TokenIssuer),
}

/// Who issues tokens, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenIssuer {
    /// An https address, or an http one on this machine.
    pub endpoint: String,
    /// Who asks.
    pub client_id: String,
    /// What proves it.
    pub client_secret: Secret,
    /// What the token is to be good for; `None`: what the issuer gives unasked.
    pub scope: Option<String>,
}

/// Who deals partitions out to the members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupProtocol {
    /// One of the members.
    Classic,
    /// The brokers (KIP-848).
    Consumer,
}

/// Whether a member is known by its node's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Membership {
    /// By its node's id: a restart within the session timeout moves no partition.
    Static,
    /// Anew at each start.
    Dynamic,
}

impl KafkaSettings {
    /// These brokers, and everything else as it is without being set.
    #[must_use]
    pub fn of(brokers: Vec<String>) -> Self {
        Self {
            brokers,
            client: Vec::new(),
            tokens: None,
            create_topics: true,
            replication: None,
            group_protocol: GroupProtocol::Classic,
            membership: Membership::Static,
            standby: 0,
            transaction_timeout: defaults::transaction_timeout(defaults::EPOCH.interval),
        }
    }
}

/// When a transaction closes: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochSettings {
    /// Time since it began.
    pub interval: Millis,
    /// Input records in it.
    pub records: u64,
    /// Bytes of input records in it: keys and values as they lie in the log.
    pub bytes: ByteSize,
    /// What is promised after a crash.
    pub delivery: Delivery,
}

/// What a topology promises of its outputs after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// They appear once, when their epoch is committed.
    ExactlyOnce,
    /// They appear at once, and again if their epoch is not committed. State and offsets commit
    /// together all the same.
    AtLeastOnce,
}

impl Delivery {
    /// Its name in a topology file.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

/// When what fails or hangs is helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SupervisionSettings {
    /// A partition that was parked is tried again after so long.
    pub parked_retry: Millis,
    /// An actor at work that makes no progress for so long is replaced. Time in which it waited for a CPU
    /// does not count.
    pub stuck_after: Millis,
    /// The same for one call that has reason to take long: a model's forward, the log, the disk.
    pub stuck_call_after: Millis,
    /// A partition that has records to read and is not read for so long gets a new consumer.
    pub unread_after: Millis,
}

/// What live sessions may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateSettings {
    /// Beyond it the least recently used are passivated.
    pub memory: ByteSize,
    /// Sessions without records for so long are passivated.
    pub idle: Millis,
}
