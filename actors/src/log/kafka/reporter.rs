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
pub(super) struct Reporter(Arc<Mutex<Option<String>>>);

impl Reporter {
    /// The last error that a client told, since it was last asked for.
    pub(super) fn last_error(&self) -> Option<String> {
        self.0.lock().take()
    }
}

impl ClientContext for Reporter {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if matches!(level, RDKafkaLogLevel::Error) {
            *self.0.lock() = Some(cause(message));
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
        let mut last = self.0.lock();
        // That all brokers are down says less than why the last of them is.
        if last.is_none() {
            *last = Some(match reason.is_empty() {
                true => error.to_string(),
                false => cause(reason),
            });
        }
    }
}

impl ConsumerContext for Reporter {}

/// What a client says, without its thread and the broker that it then names again, and with what a
/// person can do about it: whoever asks the brokers learns only that they do not answer.
/// `[thrd:HOST:PORT/ID]: HOST:PORT/ID: Connect to HOST:PORT failed: …`.
fn cause(message: &str) -> String {
    let told = match message.strip_prefix("[thrd:") {
        Some(rest) => rest.split_once("]: ").map_or(message, |(_, told)| told),
        None => message,
    };
    let told = match told.split_once(": ") {
        Some((broker, told)) if broker.contains('/') && !broker.contains(' ') => told,
        _ => told,
    };
    let code = match told {
        _ if told.contains("uthentication") => RDKafkaErrorCode::Authentication,
        _ if told.contains("SSL handshake") => RDKafkaErrorCode::SSL,
        _ => return told.to_owned(),
    };
    let cure = refusal(code);
    cure.map_or(told.to_owned(), |cure| format!("{told}; {cure}"))
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn a_cause_is_told_without_its_thread() {
        let whole =
            "[thrd:h:9/bootstrap]: h:9/bootstrap: Connect to ipv4#1.2.3.4:9 failed: refused";
        assert_eq!(cause(whole), "Connect to ipv4#1.2.3.4:9 failed: refused");
        let denied = cause("[thrd:h:9/1]: h:9/1: SASL authentication error: no (after 1ms)");
        assert!(denied.starts_with("SASL authentication error") && denied.contains("password"));
        for plain in ["1/1 brokers are down", "h:9: no", "[thrd:"] {
            assert_eq!(cause(plain), plain);
        }
    }
}
