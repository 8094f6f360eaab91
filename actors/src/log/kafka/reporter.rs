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
use rdkafka::error::KafkaError;

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
            *self.0.lock() = Some(message.to_owned());
        }
        match level {
            // A property for producers that a consumer is given too: one table serves all clients.
            _ if facility == "CONFWARN" => tracing::debug!(facility, message, "kafka client"),
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::warn!(facility, message, "kafka client")
            }
            // Lost connections among them: what matters is told by the call that fails.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::info!(facility, message, "kafka client");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(facility, message, "kafka client");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client");
        let text = match reason.is_empty() {
            true => error.to_string(),
            false => reason.to_owned(),
        };
        *self.0.lock() = Some(text);
    }
}

impl ConsumerContext for Reporter {}
