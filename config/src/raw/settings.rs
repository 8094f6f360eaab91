//! `[log]`, `[epoch]`, `[state]`, `[supervision]`, `[dead-letter]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::values::{Duration, Size};

/// Where records live.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$kind", rename_all = "kebab-case")]
#[schemars(rename = "Log", tag = "kind")]
pub(crate) enum Log {
    /// In the data directory of this machine; durable.
    Embedded(Embedded),
    /// On a Kafka cluster.
    Kafka(Box<Kafka>),
}

/// The embedded log has no settings here.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embedded {}

/// How to reach a Kafka cluster.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Kafka {
    /// Brokers to begin with, each `host:port`.
    pub(crate) brokers: Key<Vec<Key<String>>>,
    /// Encryption and identity.
    pub(crate) security: Option<Key<Security>>,
    /// Any librdkafka property that has no key here; those the runtime owns are refused.
    pub(crate) client: Option<Key<Named<Property>>>,
    /// Whether missing topics are created when the topology starts. Default: true.
    pub(crate) create_topics: Option<Key<bool>>,
    /// Replicas of topics that are created. Default: the brokers' own.
    pub(crate) replication: Option<Key<u16>>,
    /// Who deals partitions out to the nodes. Default: classic.
    pub(crate) group_protocol: Option<Key<GroupProtocol>>,
    /// Whether a node that starts again within the session timeout (6 s) keeps its partitions. Default: static with the classic protocol, dynamic with consumer.
    pub(crate) membership: Option<Key<Membership>>,
    /// Warm copies of each task's state on other nodes, 0 or 1. Default: 0.
    pub(crate) standby: Option<Key<u8>>,
    /// How long brokers let a transaction be open before they abort it. Default: 30s and twice the epoch's interval, at most 15min.
    pub(crate) transaction_timeout: Option<Key<Duration>>,
}

/// Who deals partitions out.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GroupProtocol {
    /// One of the nodes.
    Classic,
    /// The brokers (KIP-848, brokers of 4.0 or later).
    Consumer,
}

/// How the brokers know a node.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Membership {
    /// By its node's id.
    Static,
    /// Anew at each start.
    Dynamic,
}

/// Encryption and identity. Secrets belong into `${env:NAME}` or `${file:path}`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Security {
    /// How to talk to the brokers. Default: plaintext.
    pub(crate) protocol: Option<Key<Protocol>>,
    /// How to sign in; needed with a `sasl` protocol.
    pub(crate) mechanism: Option<Key<Mechanism>>,
    /// User name of SASL.
    pub(crate) username: Option<Key<String>>,
    /// Password of SASL.
    pub(crate) password: Option<Key<String>>,
    /// File of the certificate authority, PEM.
    pub(crate) ca: Option<Key<String>>,
    /// File of the client's certificate, PEM.
    pub(crate) certificate: Option<Key<String>>,
    /// File of the client's private key, PEM.
    pub(crate) key: Option<Key<String>>,
    /// Password of the private key.
    pub(crate) key_password: Option<Key<String>>,
    /// File that holds an OAUTHBEARER token and nothing else; read again before the token expires.
    pub(crate) token_file: Option<Key<String>>,
    /// Where OAUTHBEARER tokens are issued, instead of `token-file` (OAuth 2, client credentials); an https address.
    pub(crate) token_endpoint: Option<Key<String>>,
    /// Who asks for the token.
    pub(crate) client_id: Option<Key<String>>,
    /// Secret of who asks for the token.
    pub(crate) client_secret: Option<Key<String>>,
    /// What the token is to be good for.
    pub(crate) scope: Option<Key<String>>,
}

/// How to talk to brokers.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    /// Neither encrypted nor signed in.
    Plaintext,
    /// Encrypted.
    Ssl,
    /// Signed in, not encrypted.
    SaslPlaintext,
    /// Signed in and encrypted.
    SaslSsl,
}

/// How to sign in.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mechanism {
    /// User and password as they are.
    Plain,
    /// SCRAM with SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// SCRAM with SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
    /// OAuth bearer tokens, from `token-file` or `token-endpoint`.
    Oauthbearer,
}

impl Protocol {
    /// Its name in librdkafka.
    pub(crate) fn librdkafka(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }

    /// Whether connections are encrypted.
    pub(crate) fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether the client signs in.
    pub(crate) fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl GroupProtocol {
    pub(crate) fn checked(self) -> crate::GroupProtocol {
        match self {
            Self::Classic => crate::GroupProtocol::Classic,
            Self::Consumer => crate::GroupProtocol::Consumer,
        }
    }
}

impl Membership {
    pub(crate) fn checked(self) -> crate::Membership {
        match self {
            Self::Static => crate::Membership::Static,
            Self::Dynamic => crate::Membership::Dynamic,
        }
    }
}

impl Delivery {
    pub(crate) fn checked(self) -> crate::Delivery {
        match self {
            Self::ExactlyOnce => crate::Delivery::ExactlyOnce,
            Self::AtLeastOnce => crate::Delivery::AtLeastOnce,
        }
    }
}

impl Mechanism {
    /// Its name in librdkafka.
    pub(crate) fn librdkafka(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::Oauthbearer => "OAUTHBEARER",
        }
    }

    /// Whether one signs in with a name and a password.
    pub(crate) fn has_password(self) -> bool {
        !matches!(self, Self::Oauthbearer)
    }
}

/// Value of a librdkafka property.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "Property", untagged)]
pub(crate) enum Property {
    /// As it is.
    Text(String),
    /// Written in decimal.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
}

/// When a transaction closes: whichever comes first.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Epoch {
    /// Time since it began. Default: 100ms.
    pub(crate) interval: Option<Key<Duration>>,
    /// Input records in it. Default: 10000, on Kafka 100000.
    pub(crate) records: Option<Key<u64>>,
    /// Bytes of input records in it. Default: 32MiB.
    pub(crate) bytes: Option<Key<Size>>,
    /// What is promised after a crash. Default: exactly-once.
    pub(crate) delivery: Option<Key<Delivery>>,
}

/// What is promised after a crash.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Delivery {
    /// Outputs appear once, when their epoch is committed.
    ExactlyOnce,
    /// Outputs appear at once, and again if their epoch is not committed; state counts each record once.
    AtLeastOnce,
}

/// What live sessions may cost.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct State {
    /// Beyond it the least recently used sessions leave memory. Default: 512MiB.
    pub(crate) memory: Option<Key<Size>>,
    /// Sessions without records for so long leave memory. Default: 10min.
    pub(crate) idle: Option<Key<Duration>>,
}

/// When what fails or hangs is helped.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Supervision {
    /// A partition that failed too often is parked, and tried again after so long. Default: 5min.
    pub(crate) parked_retry: Option<Key<Duration>>,
    /// An actor that makes no progress for so long is replaced; time in which it waits for a CPU does not count. Default: 1500ms.
    pub(crate) stuck_after: Option<Key<Duration>>,
    /// The same for one call to a model, the log or the disk. Default: 1min.
    pub(crate) stuck_call_after: Option<Key<Duration>>,
    /// Where records lie unread for so long although the partition could be read, the consumer is replaced. Default: 1min.
    pub(crate) unread_after: Option<Key<Duration>>,
}

/// Where records go that cannot be processed.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DeadLetter {
    /// Topic. Default: the topology's name and `.dead-letters`.
    pub(crate) topic: Option<Key<String>>,
}
