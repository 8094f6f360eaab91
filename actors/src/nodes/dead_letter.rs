//! Dead letters: records that cannot be processed, as they came, with the reason.
//!
//! A dead letter has the key and value of the record and its own headers, and beside them
//! `thalweg.code`, `thalweg.reason`, `thalweg.stage`, `thalweg.topology`, and `thalweg.input`
//! (`topic/partition/offset`).

use super::context::ShardContext;
use super::input::Rejected;
use crate::log::{HeadersBuilder, LogRecord, TopicPartition};

/// Reasons are cut to this many characters.
const REASON_MAX: usize = 500;

/// The record for the dead-letter topic.
pub(crate) fn encode(context: &ShardContext, at: &TopicPartition, bad: Rejected) -> LogRecord {
    let Rejected {
        record,
        code,
        reason,
    } = bad;
    let reason: String = reason.chars().take(REASON_MAX).collect();
    let mut headers = HeadersBuilder::default();
    headers.push("thalweg.code", code.as_bytes());
    headers.push("thalweg.reason", reason.as_bytes());
    headers.push("thalweg.stage", b"decode");
    headers.push(
        "thalweg.topology",
        context.topology.name.as_str().as_bytes(),
    );
    let input = format!("{}/{}/{}", at.topic, at.partition, record.offset);
    headers.push("thalweg.input", input.as_bytes());
    headers.push_block(&record.headers);
    LogRecord {
        offset: -1,
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
        headers: headers.finish(),
    }
}
