//! Dead letters: records that cannot be processed, as they came, with the reason.
//!
//! A dead letter has the key and value of the record and its own headers, and beside them
//! `thalweg.code`, `thalweg.reason`, `thalweg.stage`, `thalweg.topology`, and `thalweg.input`
//! (`topic/partition/offset`).

use config::TopicName;

use super::context::ShardContext;
use super::input::Rejected;
use crate::batch::Batch;
use crate::log::{HeadersBuilder, LogRecord, TopicPartition};

/// Reasons are cut to this many characters.
const REASON_MAX: usize = 500;

/// The record that a row came from at first, as the source's topic has it; what the task read, if
/// the topic has it no longer.
pub(crate) fn original(
    context: &ShardContext,
    origin: &TopicName,
    batch: &Batch,
    row: usize,
) -> Option<(TopicPartition, LogRecord)> {
    let at = TopicPartition::new(origin.clone(), batch.rows[row].partition);
    let offset = batch.rows[row].offset;
    let read = context.log.read(&at, offset, 1, 1).ok();
    let found = read.and_then(|fetched| fetched.records.into_iter().next());
    let record = found
        .filter(|record| record.offset == offset)
        .or_else(|| batch.raw.get(batch.rows[row].index as usize).cloned())?;
    Some((at, LogRecord { offset, ..record }))
}

/// The record for the dead-letter topic.
pub(crate) fn encode(context: &ShardContext, at: &TopicPartition, bad: Rejected) -> LogRecord {
    let Rejected {
        stage,
        record,
        code,
        reason,
    } = bad;
    let reason: String = reason.chars().take(REASON_MAX).collect();
    let mut headers = HeadersBuilder::default();
    headers.push("thalweg.code", code.as_bytes());
    headers.push("thalweg.reason", reason.as_bytes());
    headers.push("thalweg.stage", stage.as_bytes());
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
