//! How commands reach a log: directly, or through the HTTP of the daemon that has its directory. A
//! cluster is always reached directly.

mod api;
mod error;
mod letters;

use std::path::Path;
use std::sync::Arc;

use actors::log::kafka::{KafkaLog, NodeIdentity};
use actors::log::{Log, LogError, TopicSpec};
use bytes::Bytes;
use config::{KafkaSettings, LogSettings, TopicName, Topology};

use crate::control::{
    Appended, ControlError, ReadRequest, Record, TopicView, append_direct, read, topic_view,
};
use crate::daemon::{DaemonError, open_log};

pub use api::Api;
pub use error::AccessError;

/// A log, directly or through its daemon.
pub enum Access {
    /// The embedded log, opened here: no one else can open it meanwhile.
    Direct(Arc<dyn Log>),
    /// A cluster, open to all.
    Cluster(Box<KafkaLog>),
    /// Through a daemon's API.
    Http(Api),
}

/// What commands are to the brokers, beside the nodes.
const COMMAND: &str = "thalweg-command";

impl Access {
    /// The log that a topology names: its cluster, or the data directory as [`Access::open`] opens it.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub fn of(log: &LogSettings, data_dir: &Path) -> Result<Self, AccessError> {
        match log {
            LogSettings::Embedded => Self::open(data_dir),
            LogSettings::Kafka(kafka) => Self::cluster(kafka),
        }
    }

    /// A cluster. Reaches no broker yet.
    ///
    /// # Errors
    /// If the settings are not taken.
    pub fn cluster(kafka: &KafkaSettings) -> Result<Self, AccessError> {
        Ok(Self::Cluster(Box::new(connect(kafka)?)))
    }

    /// Opens the embedded log of a data directory, or finds the daemon that has it. Makes no
    /// directory.
    ///
    /// # Errors
    /// If neither is possible.
    pub fn open(data_dir: &Path) -> Result<Self, AccessError> {
        if data_dir.join("log").is_dir() {
            return Self::create(data_dir);
        }
        // A daemon whose log is a cluster's.
        match Api::of(data_dir) {
            Err(AccessError::NoDaemon { dir }) => Err(AccessError::NoLog { dir }),
            api => Ok(Self::Http(api?)),
        }
    }

    /// As [`Access::open`], but makes the directory and an empty log if there is none.
    ///
    /// # Errors
    /// If that is not possible.
    pub fn create(data_dir: &Path) -> Result<Self, AccessError> {
        match open_log(&LogSettings::Embedded, data_dir, "") {
            Ok(log) => Ok(Self::Direct(log)),
            Err(DaemonError::Log(LogError::Locked(_))) => Ok(Self::Http(Api::of(data_dir)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// All topics.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn topics(&self) -> Result<Vec<TopicView>, AccessError> {
        match self.reached() {
            Ok(log) => {
                let topics = log.topics().map_err(ControlError::from)?;
                Ok(topics.iter().map(topic_view).collect())
            }
            Err(api) => api.get("/v1/topics"),
        }
    }

    /// The log, or the API of the daemon that has it.
    fn reached(&self) -> Result<&dyn Log, &Api> {
        match self {
            Self::Direct(log) => Ok(&**log),
            Self::Cluster(log) => Ok(&**log),
            Self::Http(api) => Err(api),
        }
    }

    /// One topic.
    ///
    /// # Errors
    /// If it does not exist, or the log or the daemon refuses.
    pub fn topic(&self, name: &str) -> Result<TopicView, AccessError> {
        let found = match self.reached() {
            Ok(log) => {
                let missing = || ControlError::no_topic(name);
                let name = TopicName::parse(name).map_err(|_| missing())?;
                let found = log.topic(&name).map_err(ControlError::from)?;
                found.as_ref().map(topic_view)
            }
            Err(api) => {
                let topics: Vec<TopicView> = api.get("/v1/topics")?;
                topics.into_iter().find(|topic| topic.name == name)
            }
        };
        found.ok_or_else(|| ControlError::no_topic(name).into())
    }

    /// Records of a topic.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn read(&self, topic: &str, request: &ReadRequest) -> Result<Vec<Record>, AccessError> {
        match self.reached() {
            Ok(log) => Ok(read(log, topic, request)?),
            Err(api) => api.get(&format!("/v1/topics/{topic}/records{}", query(request))),
        }
    }

    /// Appends values to a topic. A daemon knows its topology and so each record's key; directly,
    /// the topology must be given for that.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn append(
        &self,
        topology: Option<&Topology>,
        topic: &str,
        lines: &Bytes,
    ) -> Result<Appended, AccessError> {
        match self.reached() {
            Ok(log) => {
                let values = crate::control::lines(lines);
                Ok(append_direct(log, topology, topic, values)?)
            }
            Err(api) => api.post(&format!("/v1/topics/{topic}/records"), lines),
        }
    }

    /// Creates a topic. True if it was missing.
    ///
    /// # Errors
    /// If the log refuses, or a daemon has it (its topics are those of its topology).
    pub fn create_topic(&self, spec: &TopicSpec, data_dir: &Path) -> Result<bool, AccessError> {
        match self.reached() {
            Ok(log) => Ok(log.ensure_topic(spec).map_err(ControlError::from)?),
            Err(_) => Err(AccessError::Busy {
                dir: data_dir.to_owned(),
            }),
        }
    }
}

/// A command's own connection to a cluster.
///
/// # Errors
/// If the settings are not taken.
pub fn connect(kafka: &KafkaSettings) -> Result<KafkaLog, AccessError> {
    let node = NodeIdentity {
        id: COMMAND.to_owned(),
        static_membership: false,
    };
    Ok(KafkaLog::connect(kafka, node).map_err(DaemonError::from)?)
}

fn query(request: &ReadRequest) -> String {
    let parameters = [
        ("partition", request.partition.map(i64::from)),
        ("from", request.from),
        ("until", request.until),
        (
            "limit",
            request.limit.and_then(|limit| i64::try_from(limit).ok()),
        ),
    ];
    let given = parameters
        .iter()
        .filter_map(|(name, value)| Some((name, (*value)?)));
    let pairs: Vec<String> = given
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match pairs.is_empty() {
        true => String::new(),
        false => format!("?{}", pairs.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_for_is_in_the_query() {
        assert_eq!(query(&ReadRequest::default()), "");
        let request = ReadRequest {
            partition: Some(2),
            limit: Some(10),
            ..ReadRequest::default()
        };
        assert_eq!(query(&request), "?partition=2&limit=10");
    }
}
