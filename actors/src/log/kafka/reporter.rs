//! What clients say by themselves: their log lines go to ours, their errors are remembered, so that
//! a call which got no answer can say why.
//!
//! Clients report errors of single brokers and connections all the time; they are counted and told,
//! never acted upon.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::error::refusal;

/// The ear of all clients of a log. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Reporter(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    /// Why clients are not answered, as the last of them told.
    last: Option<String>,
    /// The same, where it is a matter of who signs in, or of certificates: waiting cures none.
    denied: Option<String>,
    /// A right that a transaction lacked: its calls tell only that it must be aborted.
    unauthorized: Option<String>,
}

impl Reporter {
    /// Takes note of why clients will not be answered.
    pub(super) fn remember(&self, cause: String) {
        self.0.lock().last = Some(cause);
    }

    /// The last error that a client told, since it was last asked for.
    pub(super) fn last_error(&self) -> Option<String> {
        self.0.lock().last.take()
    }

    /// Who signs in, or whose certificate it is, was objected to since this was last asked for.
    pub(super) fn denied(&self) -> Option<String> {
        self.0.lock().denied.take()
    }

    /// The right that a transaction lacked since this was last asked for.
    pub(super) fn unauthorized(&self) -> Option<String> {
        self.0.lock().unauthorized.take()
    }

    fn hear(&self, message: &str, outright: bool) {
        let (text, denied) = cause(message);
        let mut heard = self.0.lock();
        if denied {
            heard.denied = Some(text.clone());
        }
        // That all brokers are down says less than why the last of them is.
        if outright || denied || heard.last.is_none() {
            heard.last = Some(text);
        }
    }
}

impl ClientContext for Reporter {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(text) = unauthorized(facility, message) {
            self.0.lock().unauthorized = Some(text);
        }
        if matches!(level, RDKafkaLogLevel::Error) {
            self.hear(message, true);
        }
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, text = message, "kafka client");
            }
            // Lost connections among them: what matters is told by the call that fails for it.
            RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning
            | RDKafkaLogLevel::Notice
            | RDKafkaLogLevel::Info
            | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, text = message, "kafka client");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
        match reason.is_empty() {
            true => self.hear(&error.to_string(), false),
            false => self.hear(reason, false),
        }
    }
}

impl ConsumerContext for Reporter {}

/// A broker's certificate cannot be verified: librdkafka tells no more.
const AUTHORITY: &str = "look at `ca` in [log.security], the authority that signed the brokers' certificates, and \
                         at the name in `brokers`, which their certificates must bear";
const CERTIFICATE: &str = "the brokers want to know who connects: give `certificate` and `key` in \
                           [log.security], signed by an authority that they trust";
/// No connection was refused, or that would have been told.
const PROTOCOL: &str = "if they are up, they close connections: look whether `protocol` in [log.security] is \
                        that of their listener";

/// What a client says, without its thread and the broker that it then names again, and with what a
/// person can do about it: whoever asks the brokers learns only that they do not answer.
/// `[thrd:HOST:PORT/ID]: HOST:PORT/ID: Connect to HOST:PORT failed: …`. True if that is what only a
/// person cures.
fn cause(message: &str) -> (String, bool) {
    let told = match message.strip_prefix("[thrd:") {
        Some(rest) => rest.split_once("]: ").map_or(message, |(_, told)| told),
        None => message,
    };
    let told = match told.split_once(": ") {
        Some((broker, told)) if broker.contains('/') && !broker.contains(' ') => told,
        _ => told,
    };
    let has = |part: &str| told.contains(part);
    let (cure, denied) = match told {
        _ if has("uthentication") => (refusal(RDKafkaErrorCode::Authentication), true),
        _ if has("certificate verify failed") => (Some(AUTHORITY), true),
        // Alerts of TLS: what the broker objects to in the client.
        _ if has("alert bad certificate") || has("certificate required") => {
            (Some(CERTIFICATE), true)
        }
        // Whoever stands before brokers that are not up yet closes connections too.
        _ if has("SSL handshake") => (refusal(RDKafkaErrorCode::SSL), !has("Disconnected")),
        _ if told.ends_with("brokers are down") => (Some(PROTOCOL), false),
        _ => (None, false),
    };
    let text = cure.map_or(told.to_owned(), |cure| format!("{told}; {cure}"));
    (text, denied)
}

/// The right that a transaction lacks, and what to grant, if that is what a client says.
fn unauthorized(facility: &str, message: &str) -> Option<String> {
    use RDKafkaErrorCode as Code;
    let codes = [
        ("TOPIC_AUTHORIZATION_FAILED", Code::TopicAuthorizationFailed),
        ("GROUP_AUTHORIZATION_FAILED", Code::GroupAuthorizationFailed),
    ];
    let lacking = codes.iter().find(|(name, _)| message.contains(name));
    let (_, code) = lacking.filter(|_| facility == "TXNERR")?;
    let cure = refusal(*code).unwrap_or_default();
    Some(format!("{}; {cure}", cause(message).0))
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn a_cause_is_told_without_its_thread() {
        let whole =
            "[thrd:h:9/bootstrap]: h:9/bootstrap: Connect to ipv4#1.2.3.4:9 failed: refused";
        let told = "Connect to ipv4#1.2.3.4:9 failed: refused";
        assert_eq!(cause(whole), (told.to_owned(), false));
        let (denied, _) = cause("[thrd:h:9/1]: h:9/1: SASL authentication error: no (after 1ms)");
        assert!(denied.starts_with("SASL authentication error") && denied.contains("password"));
        for plain in ["h:9: no", "[thrd:"] {
            assert_eq!(cause(plain), (plain.to_owned(), false));
        }
    }

    #[test]
    fn what_only_a_person_cures_is_told_from_what_passes() {
        // As librdkafka 2.12 and OpenSSL 3 say it.
        let cases = [
            (
                "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: x",
                true,
                "`ca`",
            ),
            (
                "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: x",
                true,
                "`key`",
            ),
            (
                "Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate required: x",
                true,
                "`key`",
            ),
            (
                "SASL authentication error: Authentication failed: Invalid username",
                true,
                "password",
            ),
            (
                "SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?",
                false,
                "protocol",
            ),
            ("1/1 brokers are down", false, "`protocol`"),
        ];
        for (told, denied, cure) in cases {
            let (text, outright) = cause(told);
            assert_eq!(outright, denied, "{told}");
            assert!(
                text.starts_with(told) && text[told.len()..].contains(cure),
                "{text}"
            );
        }
    }
}
