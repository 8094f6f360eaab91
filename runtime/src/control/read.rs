//! Topics and their records as they are shown.

use actors::log::{Log, LogRecord, TopicInfo, TopicPartition};
use bytes::Bytes;
use config::TopicName;
use serde::{Deserialize, Serialize};

use super::{Control, ControlError};

/// Records of one request, at most.
pub const READ_RECORDS_MAX: usize = 10_000;
/// Bytes of one request, about, at most; one record is always given.
const READ_BYTES_MAX: usize = 16 << 20;

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// One partition; without it, all of them one after the other.
    pub partition: Option<u32>,
    /// From this offset on in each partition; from the start without it.
    pub from: Option<i64>,
    /// Before this offset.
    pub until: Option<i64>,
    /// Records, at most; 1 to [`READ_RECORDS_MAX`], which is the default.
    pub limit: Option<usize>,
}

/// A record as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: i64,
    /// Milliseconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Key as text; bytes that are not UTF-8 are replaced.
    pub key: Option<String>,
    /// Value as text; bytes that are not UTF-8 are replaced, and shown in `value_hex`.
    pub value: Option<String>,
    /// The value's bytes where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value_hex: Option<String>,
    /// Headers as text.
    pub headers: Vec<(String, String)>,
}

/// What a topic is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicView {
    /// Name.
    pub name: String,
    /// Keeps the last record of each key.
    pub compacted: bool,
    /// First offset and end of each partition.
    pub partitions: Vec<(i64, i64)>,
}

/// Reads records of a topic.
///
/// # Errors
/// No such topic or partition, a request out of bounds, or a log that cannot be reached.
pub fn read(
    log: &dyn Log,
    topic: &str,
    request: &ReadRequest,
) -> Result<Vec<Record>, ControlError> {
    let (from, limit) = bounds(request).map_err(ControlError::Invalid)?;
    let info = find(log, topic)?;
    let partitions = match request.partition {
        Some(partition) if partition >= info.spec.partitions => {
            let name = format!("{topic}-{partition}");
            return Err(ControlError::NotFound {
                what: "partition",
                name,
            });
        }
        Some(partition) => partition..partition + 1,
        None => 0..info.spec.partitions,
    };
    let mut records = Vec::new();
    let mut bytes_left = READ_BYTES_MAX;
    for partition in partitions {
        let at = TopicPartition::new(info.spec.name.clone(), partition);
        let mut from = from;
        while records.len() < limit && bytes_left > 0 {
            let fetched = log.read(&at, from, limit - records.len(), bytes_left)?;
            if fetched.records.is_empty() {
                break;
            }
            from = fetched.next_offset;
            let wanted = fetched.records.iter();
            let wanted = wanted.take_while(|r| request.until.is_none_or(|until| r.offset < until));
            for record in wanted {
                bytes_left = bytes_left.saturating_sub(record.value.as_ref().map_or(0, Bytes::len));
                records.push(show(partition, record));
            }
            if request.until.is_some_and(|until| from >= until) {
                break;
            }
        }
    }
    Ok(records)
}

/// Where a request begins and how many records it may have.
fn bounds(request: &ReadRequest) -> Result<(i64, usize), String> {
    let from = request.from.unwrap_or(0);
    let limit = request.limit.unwrap_or(READ_RECORDS_MAX);
    if from < 0 {
        return Err(format!("from={from} is not an offset: they begin at 0"));
    }
    if let Some(until) = request.until.filter(|until| *until < from) {
        return Err(format!("until={until} is before from={from}"));
    }
    if !(1..=READ_RECORDS_MAX).contains(&limit) {
        return Err(format!(
            "limit={limit} is not between 1 and {READ_RECORDS_MAX}"
        ));
    }
    Ok((from, limit))
}

/// A topic as it is shown.
#[must_use]
pub fn topic_view(info: &TopicInfo) -> TopicView {
    TopicView {
        name: info.spec.name.to_string(),
        compacted: info.spec.compacted,
        partitions: info.ranges.iter().map(|r| (r.start, r.end)).collect(),
    }
}

pub(super) fn find(log: &dyn Log, topic: &str) -> Result<TopicInfo, ControlError> {
    let missing = || ControlError::no_topic(topic);
    let name = TopicName::parse(topic).map_err(|_| missing())?;
    log.topic(&name)?.ok_or_else(missing)
}

fn show(partition: u32, record: &LogRecord) -> Record {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let hex = |bytes: &Bytes| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let value = record.value.as_ref();
    let not_utf8 = value.filter(|value| std::str::from_utf8(value).is_err());
    let headers = record.headers.iter();
    Record {
        partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_deref().map(text),
        value: record.value.as_deref().map(text),
        value_hex: not_utf8.map(hex),
        headers: headers
            .map(|(name, value)| (name.to_owned(), text(value)))
            .collect(),
    }
}

impl Control {
    /// Reads records of a topic.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&self, topic: &str, request: &ReadRequest) -> Result<Vec<Record>, ControlError> {
        read(&*self.context().log, topic, request)
    }

    /// All topics of the log.
    ///
    /// # Errors
    /// If the log cannot be reached.
    pub fn topics(&self) -> Result<Vec<TopicView>, ControlError> {
        Ok(self
            .context()
            .log
            .topics()?
            .iter()
            .map(topic_view)
            .collect())
    }

    /// One topic.
    ///
    /// # Errors
    /// If it does not exist or the log cannot be reached.
    pub fn topic(&self, name: &str) -> Result<TopicView, ControlError> {
        Ok(topic_view(&find(&*self.context().log, name)?))
    }
}
