//! The log on Apache Kafka.
//!
//! Opening it reaches no broker: every call does so by itself, waits a bounded time and then says
//! [`LogError::Unavailable`], so a daemon comes up without brokers and goes on when they are back.
//! What each client may set is in [`client`]; what is committed is read by readers of committed
//! records only, and ends of partitions are their last stable offsets.

mod features;
mod client;
mod error;
mod reporter;
mod tokens;

mod wait;
mod admin;
mod offsets;
mod topics;
mod reader;
mod groups;
mod rivals;

mod native;
mod probe;

mod consumer;
mod producer;
mod appender;
#[cfg(test)]
mod tests;

pub(crate) use native::GroupMetadata;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use config::{KafkaSettings, TopicName};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;

use self::client::Clients;
use self::native::SignsIn;
use self::reporter::Reporter;
use self::rivals::Rivals;
use self::tokens::Tokens;
use super::{
    Appender, Committed, Consumer, ConsumerSettings, Fetched, Log, LogError, OffsetRange, Producer,
    TopicInfo, TopicPartition, TopicSpec,
};

pub use probe::{Cluster, HeldBack};
pub use topics::Described;

/// A request to the brokers may take this long; then the log is unavailable. Callers try again.
pub(super) const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// Who this process is to the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeIdentity {
    /// The node's id: the clients' `client.id`, and its place in the group if membership is static.
    pub id: String,
    /// Keeps its partitions over a restart that is shorter than the session timeout.
    pub static_membership: bool,
}

/// The log on a cluster. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct KafkaLog {
    shared: Arc<Shared>,
    topics: Arc<topics::Topics>,
    readers: Arc<reader::Readers>,
    groups: Arc<groups::Groups>,
}

/// What all clients of a log share.
struct Shared {
    clients: Clients,
    reporter: Reporter,
    /// If the clients sign in with tokens.
    tokens: Option<Arc<Tokens>>,
    /// The brokers have answered once.
    reached: AtomicBool,
    rivals: Rivals,
}

/// What a call was doing, for its error.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    doing: &'a str,
    topic: Option<&'a str>,
}

impl KafkaLog {
    /// The log of a cluster. Reaches no broker.
    ///
    /// # Errors
    /// [`LogError::Refused`] if librdkafka does not take the settings: a property that does not
    /// exist or has an invalid value, what this build cannot do (TLS), or a file that is not there.
    pub fn connect(settings: &KafkaSettings, node: NodeIdentity) -> Result<Self, LogError> {
        let shared = Arc::new(Shared::new(settings, node));
        shared.check()?;
        shared.files()?;
        let topics = Arc::new(topics::Topics::new(Arc::clone(&shared)));
        Ok(Self {
            readers: Arc::new(reader::Readers::new(
                Arc::clone(&shared),
                Arc::clone(&topics),
            )),
            topics,
            groups: Arc::new(groups::Groups::new(Arc::clone(&shared))),
            shared,
        })
    }
}

impl KafkaLog {
    /// What topics are, in the order of their names; `None` for those that do not exist.
    ///
    /// # Errors
    /// If the brokers cannot be reached or refuse.
    pub fn look(&self, names: &[TopicName]) -> Result<Vec<Option<Described>>, LogError> {
        self.topics.look(names)
    }
}

/// Whether this build can reach a cluster with these settings.
///
/// # Errors
/// [`LogError::Refused`], with the feature that it lacks or what librdkafka objects to.
pub fn supported(settings: &KafkaSettings) -> Result<(), LogError> {
    let node = NodeIdentity {
        id: String::new(),
        static_membership: false,
    };
    Shared::new(settings, node).check()
}

impl Log for KafkaLog {
    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        self.topics.all()
    }

    fn names(&self) -> Result<Vec<TopicName>, LogError> {
        let names = self.topics.names()?.into_iter();
        Ok(names.map(|(name, _)| name).collect())
    }

    fn partitions(&self, name: &TopicName) -> Result<Option<u32>, LogError> {
        self.topics.partitions(name)
    }

    fn topic(&self, name: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        self.topics.one(name)
    }

    fn ensure_topic(&self, spec: &TopicSpec) -> Result<bool, LogError> {
        self.topics.ensure(spec)
    }

    fn read(
        &self,
        at: &TopicPartition,
        from: i64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Fetched, LogError> {
        self.readers.read(at, from, max_records, max_bytes)
    }

    fn offset_at(&self, at: &TopicPartition, timestamp: i64) -> Result<i64, LogError> {
        self.topics.offset_at(at, timestamp)
    }

    fn settled(&self, at: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        self.topics.settled(at)
    }

    fn committed(
        &self,
        group: &str,
        partitions: &[TopicPartition],
    ) -> Result<Vec<Option<Committed>>, LogError> {
        self.groups.committed(group, partitions)
    }

    fn delete_before(&self, at: &TopicPartition, offset: i64) -> Result<(), LogError> {
        self.topics.delete_before(at, offset)
    }

    fn offsets_of_commit(&self) -> i64 {
        1
    }

    fn maintain(&self) -> Result<(), LogError> {
        self.readers.drop_idle();
        self.groups.drop_idle();
        self.topics.offsets().serve();
        Ok(())
    }

    fn consumer(&self, settings: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        consumer::open(&self.shared, settings)
    }

    fn producer(&self, transactional_id: &str) -> Result<Box<dyn Producer>, LogError> {
        producer::open(&self.shared, transactional_id)
    }

    fn appender(&self) -> Result<Box<dyn Appender>, LogError> {
        appender::open(&self.shared)
    }
}

impl Shared {
    fn new(settings: &KafkaSettings, node: NodeIdentity) -> Self {
        let reporter = Reporter::default();
        let source = settings.tokens.clone();
        Self {
            clients: Clients::new(settings.clone(), node),
            tokens: source.map(|source| Tokens::new(source, reporter.clone())),
            reporter,
            reached: AtomicBool::new(false),
            rivals: Rivals::default(),
        }
    }

    /// Whether librdkafka takes the configuration that all clients have.
    fn check(&self) -> Result<(), LogError> {
        let plain = ClientConfig::new().create_native_config();
        let built = plain.and_then(|config| config.get("builtin.features"));
        if let Some(text) = features::lacking(self.clients.settings(), &built.unwrap_or_default()) {
            return Err(LogError::Refused(text));
        }
        let made = self.clients.admin().create_native_config();
        let place = Place::new("[log]");
        made.map(drop).map_err(|error| self.failed(&error, &place))
    }

    /// Gives a new client its token, where clients sign in with tokens.
    fn sign_in<C: SignsIn + 'static>(&self, client: &Arc<C>) -> Result<(), LogError> {
        let tokens = self.tokens.as_ref();
        tokens.map_or(Ok(()), |tokens| tokens.sign_in(client))
    }

    /// Whether what keys name can be read: librdkafka says of a file that is not there only that it
    /// failed.
    fn files(&self) -> Result<(), LogError> {
        let keys = [
            ("ssl.ca.location", "ca"),
            ("ssl.certificate.location", "certificate"),
            ("ssl.key.location", "key"),
        ];
        for (name, value) in &self.clients.settings().client {
            let key = keys.iter().find(|(property, _)| property == name);
            // A value that looks for itself.
            let path = Some(value.expose()).filter(|path| *path != "probe");
            if let (Some((_, key)), Some(path)) = (key, path)
                && let Err(error) = std::fs::File::open(path)
            {
                let text = format!("`{key}` in [log.security]: {path} cannot be read: {error}");
                return Err(LogError::Refused(text));
            }
        }
        Ok(())
    }

    /// The brokers have answered.
    fn reached(&self) {
        self.reached.store(true, Ordering::Relaxed);
    }

    /// An error if the brokers have never answered and objected to who signs in, or to a certificate:
    /// that is how it was set up, and no waiting helps. Later it is waited for what changed there.
    fn denied(&self, place: &Place<'_>) -> Result<(), LogError> {
        match self.reporter.denied() {
            Some(cause) if !self.reached.load(Ordering::Relaxed) => {
                let brokers = self.clients.brokers();
                let text = format!("{place} (brokers {brokers}): {cause}");
                Err(LogError::Refused(text))
            }
            _ => Ok(()),
        }
    }

    /// An error of a call that is no transaction's. If the brokers did not answer, it names them
    /// and the last thing that a client said of them.
    fn failed(&self, error: &KafkaError, place: &Place<'_>) -> LogError {
        self.explained(error::request(error, place))
    }

    /// Names the brokers in an error that is about them.
    fn explained(&self, error: LogError) -> LogError {
        let LogError::Unavailable(text) = error else {
            return error;
        };
        let brokers = self.clients.brokers();
        let cause = self.reporter.last_error();
        let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
        LogError::Unavailable(format!("{text} (brokers {brokers}){cause}"))
    }
}

impl<'a> Place<'a> {
    fn new(doing: &'a str) -> Self {
        Self { doing, topic: None }
    }

    fn of_topic(self, topic: &'a str) -> Self {
        Self {
            topic: Some(topic),
            ..self
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.doing)?;
        match self.topic {
            Some(topic) => write!(f, " \"{topic}\""),
            None => Ok(()),
        }
    }
}

/// A partition's number as clients take it.
fn partition_id(at: &TopicPartition) -> Result<i32, LogError> {
    i32::try_from(at.partition).map_err(|_| LogError::NoPartition(at.clone()))
}

impl fmt::Debug for KafkaLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KafkaLog")
            .field(&self.shared.clients.brokers())
            .finish()
    }
}
