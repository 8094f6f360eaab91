//! One request to a webhook. What it says of a failure never has the address or a header in it: both
//! may be secrets.

use std::time::Duration;

use config::{Millis, Secret, Topology, Webhook};

use crate::log::LogRecord;
use crate::nodes::alerts::Told;

/// Where and how requests go.
pub(super) struct Post {
    agent: ureq::Agent,
    topology: String,
    url: Secret,
    headers: Vec<(String, Secret)>,
    give_up: Millis,
}

impl Post {
    pub(super) fn new(topology: &str, webhook: &Webhook) -> Self {
        Self {
            agent: agent(webhook.timeout.duration()),
            topology: topology.to_owned(),
            url: webhook.url.clone(),
            headers: webhook.headers.clone(),
            give_up: webhook.give_up,
        }
    }

    pub(super) fn give_up_ms(&self) -> i64 {
        self.give_up.0
    }

    /// Sends an alert as its record says it.
    ///
    /// # Errors
    /// Why it was not taken: only an answer of 200 to 299 takes it.
    pub(super) fn send(&self, alert: &Told, record: &LogRecord) -> Result<(), String> {
        let key = format!(
            "{}.{}.{}.{}",
            self.topology,
            alert.alert,
            alert.number,
            alert.state.word()
        );
        let mut request = self
            .agent
            .post(self.url.expose())
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        for (name, value) in &self.headers {
            request = request.header(name, value.expose());
        }
        let body = record.value.as_deref().unwrap_or_default();
        let answer = request.send(body).map_err(|error| reason(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answers {status}")),
        }
    }
}

/// A redirect is an answer like any other that takes nothing: headers go where the file says, nowhere else.
fn agent(timeout: Duration) -> ureq::Agent {
    let settings = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false);
    // The authorities that this machine trusts; OpenSSL's SSL_CERT_FILE names others.
    #[cfg(feature = "tls")]
    let settings = settings.tls_config(
        ureq::tls::TlsConfig::builder()
            .provider(ureq::tls::TlsProvider::NativeTls)
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build(),
    );
    settings.build().into()
}

/// Why there is no answer.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it does not answer in time".into(),
        ureq::Error::ConnectionFailed => "it cannot be reached".into(),
        ureq::Error::HostNotFound => "its host has no address".into(),
        ureq::Error::Io(error) => format!("it cannot be reached: {}", error.kind()),
        _ => "the request cannot be made".into(),
    }
}

/// What this build has not, that a topology's webhooks need.
#[must_use]
pub fn lacking(topology: &Topology) -> Option<String> {
    let mut webhooks = topology.alerts.webhooks.iter();
    let encrypted = webhooks.find(|webhook| webhook.url.expose().starts_with("https://"))?;
    (!cfg!(feature = "tls")).then(|| {
        format!(
            "webhook \"{}\" needs TLS, which this build has not: build it with `cargo build --release \
             --features tls`, where OpenSSL's headers are installed (libssl-dev)",
            encrypted.id
        )
    })
}
