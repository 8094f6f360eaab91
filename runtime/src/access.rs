//! How commands reach a log: directly, or through the HTTP of the daemon that has its directory.
//!
//! The daemon leaves `daemon.json` in its data directory while it runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actors::log::{Log, LogError, TopicSpec};
use config::LogSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::control::{Appended, ReadRequest, Record, TopicView, read, topic_view};
use crate::daemon::{DaemonError, open_log};

/// Where a running daemon is, as `daemon.json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DaemonFile {
    /// Its process.
    pub pid: u32,
    /// Its API, `host:port`; `None` if it has none.
    pub listen: Option<String>,
}

/// A request may take this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A command cannot reach what it needs.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The log cannot be opened.
    #[error(transparent)]
    Open(#[from] DaemonError),
    /// The log refuses.
    #[error(transparent)]
    Control(#[from] crate::control::ControlError),
    /// The directory is another process's, and that cannot be asked.
    #[error(
        "data directory \"{dir}\" is in use by a daemon that has no API: stop it, or start it with --listen"
    )]
    NoApi {
        /// Which.
        dir: PathBuf,
    },
    /// The daemon's answer.
    #[error("the daemon at {address} answered: {message}")]
    Answer {
        /// Its API.
        address: String,
        /// What it said.
        message: String,
    },
}

/// A log, directly or through its daemon.
pub enum Access {
    /// Opened here.
    Direct(Arc<dyn Log>),
    /// Through a daemon's API.
    Http(Api),
}

/// A daemon's API.
pub struct Api {
    base: String,
    agent: ureq::Agent,
}

impl Access {
    /// Opens the embedded log of a data directory, or finds the daemon that has it.
    ///
    /// # Errors
    /// If neither is possible.
    pub fn open(data_dir: &Path) -> Result<Self, AccessError> {
        match open_log(&LogSettings::Embedded, data_dir) {
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
        match self {
            Self::Direct(log) => {
                let topics = log.topics().map_err(crate::control::ControlError::from)?;
                Ok(topics.iter().map(topic_view).collect())
            }
            Self::Http(api) => api.get("/v1/topics"),
        }
    }

    /// Records of a topic.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn read(&self, topic: &str, request: &ReadRequest) -> Result<Vec<Record>, AccessError> {
        match self {
            Self::Direct(log) => Ok(read(&**log, topic, request)?),
            Self::Http(api) => {
                let mut query = String::new();
                let mut add = |name: &str, value: Option<String>| {
                    if let Some(value) = value {
                        let sign = if query.is_empty() { '?' } else { '&' };
                        query.push(sign);
                        query.push_str(&format!("{name}={value}"));
                    }
                };
                add("partition", request.partition.map(|v| v.to_string()));
                add("from", request.from.map(|v| v.to_string()));
                add("until", request.until.map(|v| v.to_string()));
                add("limit", request.limit.map(|v| v.to_string()));
                api.get(&format!("/v1/topics/{topic}/records{query}"))
            }
        }
    }

    /// Appends lines to a topic. Directly, they get no keys: only a daemon knows the sources.
    ///
    /// # Errors
    /// If the log or the daemon refuses.
    pub fn append(&self, topic: &str, lines: &str) -> Result<Appended, AccessError> {
        match self {
            Self::Direct(log) => Ok(crate::control::append_unkeyed(&**log, topic, lines)?),
            Self::Http(api) => api.post(&format!("/v1/topics/{topic}/records"), lines),
        }
    }

    /// Creates a topic. True if it was missing.
    ///
    /// # Errors
    /// If the log refuses, or a daemon has it (its topics are those of its topology).
    pub fn create(&self, spec: &TopicSpec, data_dir: &Path) -> Result<bool, AccessError> {
        match self {
            Self::Direct(log) => Ok(log
                .ensure_topic(spec)
                .map_err(crate::control::ControlError::from)?),
            Self::Http(_) => Err(AccessError::NoApi {
                dir: data_dir.to_owned(),
            }),
        }
    }
}

impl Api {
    /// The API of the daemon that has a data directory.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(data_dir: &Path) -> Result<Self, AccessError> {
        let no_api = || AccessError::NoApi {
            dir: data_dir.to_owned(),
        };
        let text = std::fs::read_to_string(data_dir.join("daemon.json")).map_err(|_| no_api())?;
        let file: DaemonFile = serde_json::from_str(&text).map_err(|_| no_api())?;
        Ok(Self::at(&file.listen.ok_or_else(no_api)?))
    }

    /// The API at an address.
    #[must_use]
    pub fn at(address: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build();
        Self {
            base: format!("http://{address}"),
            agent: settings.into(),
        }
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// If the daemon cannot be reached or refuses.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AccessError> {
        let response = self.agent.get(format!("{}{path}", self.base)).call();
        self.answer(response)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &str) -> Result<T, AccessError> {
        let response = self.agent.post(format!("{}{path}", self.base)).send(body);
        self.answer(response)
    }

    fn answer<T: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, AccessError> {
        let error = |message: String| AccessError::Answer {
            address: self.base.clone(),
            message,
        };
        let mut response = response.map_err(|e| error(e.to_string()))?;
        let status = response.status();
        let text = response
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_string()
            .map_err(|e| error(e.to_string()))?;
        if !status.is_success() {
            return Err(error(
                message_of(&text).unwrap_or_else(|| status.to_string()),
            ));
        }
        serde_json::from_str(&text).map_err(|e| error(e.to_string()))
    }
}

fn message_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value.get("error")?.get("message")?.as_str()?.to_owned())
}
