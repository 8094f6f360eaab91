//! The HTTP of a running daemon, asked by commands.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::AccessError;
use crate::daemon::DaemonFile;

/// A request may take this long.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Answers larger than this are not read; the API gives about 16 MiB of records, which escapes can
/// make larger.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// A daemon's API.
pub struct Api {
    address: String,
    agent: ureq::Agent,
}

impl Api {
    /// The API of the daemon that has a data directory.
    ///
    /// # Errors
    /// If there is none.
    pub fn of(data_dir: &Path) -> Result<Self, AccessError> {
        let dir = data_dir.to_owned();
        match DaemonFile::read(data_dir) {
            None => Err(AccessError::NoDaemon { dir }),
            Some(DaemonFile { listen: None, .. }) => Err(AccessError::NoApi { dir }),
            Some(DaemonFile {
                listen: Some(address),
                ..
            }) => Ok(Self::at(&address)),
        }
    }

    /// The API at an address, `host:port`.
    #[must_use]
    pub fn at(address: &str) -> Self {
        let settings = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build();
        Self {
            address: address.to_owned(),
            agent: settings.into(),
        }
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// If the daemon cannot be reached or refuses.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AccessError> {
        self.answer(self.agent.get(self.url(path)).call())
    }

    /// Sends a body and takes JSON.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, AccessError> {
        self.answer(self.agent.post(self.url(path)).send(body))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn answer<T: DeserializeOwned>(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, AccessError> {
        let unreachable = |reason: String| AccessError::Unreachable {
            address: self.address.clone(),
            reason,
        };
        let mut response = response.map_err(|e| unreachable(e.to_string()))?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body
            .read_to_string()
            .map_err(|e| unreachable(e.to_string()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refusal(&text, &status.to_string()));
        }
        serde_json::from_str(&text).map_err(|e| unreachable(e.to_string()))
    }
}

/// What an answer in the API's error form says.
fn refusal(text: &str, status: &str) -> AccessError {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| value["error"][name].as_str().map(str::to_owned);
    AccessError::Refused {
        message: field("message").unwrap_or_else(|| format!("the daemon answered {status}")),
        hint: field("hint"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_as_the_daemon_told_it() {
        let told = r#"{"error": {"code": "x", "message": "no such thing", "hint": "look"}}"#;
        let error = refusal(told, "404 Not Found");
        assert_eq!(error.to_string(), "no such thing");
        assert_eq!(error.hint(), Some("look"));
        let error = refusal("<html>", "502 Bad Gateway");
        assert_eq!(error.to_string(), "the daemon answered 502 Bad Gateway");
    }
}
