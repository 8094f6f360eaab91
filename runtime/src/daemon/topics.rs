//! The topics of a topology, made ready before its tree starts.

use std::sync::Arc;
use std::time::Duration;

use actors::log::{LogError, Remedy};
use actors::nodes::context::ShardContext;
use actors::nodes::topics::topics;
use config::LogSettings;

use super::DaemonError;

/// How soon a log that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Creates the missing topics, or sees that all are there if the file forbids to create them. Waits
/// for brokers that do not answer, for as long as it takes: a daemon that starts before its cluster
/// is up is no error.
///
/// # Errors
/// Topics that are missing or differ in partitions, or brokers that refuse.
pub(super) async fn ready(context: &Arc<ShardContext>) -> Result<(), DaemonError> {
    loop {
        let shared = Arc::clone(context);
        let made = context.blocking("topics", move || make(&shared)).await;
        match made.map_err(|e| LogError::Unavailable(e.to_string()))? {
            Err(DaemonError::Log(error)) if error.remedy() == Remedy::Retry => {
                tracing::warn!(%error, "the log does not answer: waiting for it");
                tokio::time::sleep(AGAIN).await;
            }
            done => return done,
        }
    }
}

fn make(context: &ShardContext) -> Result<(), DaemonError> {
    let creates = match &context.topology.log {
        LogSettings::Embedded => true,
        LogSettings::Kafka(kafka) => kafka.create_topics,
    };
    let mut missing = Vec::new();
    for (purpose, spec) in topics(&context.topology) {
        if !creates {
            match context.log.topic(&spec.name)? {
                None => missing.push(spec.name.to_string()),
                Some(found) if found.spec.partitions != spec.partitions => {
                    return Err(LogError::PartitionCount {
                        topic: spec.name.to_string(),
                        found: found.spec.partitions,
                        wanted: spec.partitions,
                    }
                    .into());
                }
                Some(_) => {}
            }
        } else if context.log.ensure_topic(&spec)? {
            tracing::info!(
                topic = %spec.name, purpose = purpose.label(), partitions = spec.partitions,
                "topic created"
            );
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(DaemonError::MissingTopics(missing)),
    }
}
