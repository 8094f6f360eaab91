//! Records of topics: read and appended from outside.

use actors::clock::{Clock, SystemClock};
use actors::codec::{Decoder, key_text};
use actors::log::{Log, LogRecord, TopicInfo, TopicPartition, partition_for_key};
use bytes::Bytes;
use config::{Node, Source, TopicName};
use serde::{Deserialize, Serialize};

use super::{Control, ControlError, TopicView};

/// Records of one request, at most.
pub const READ_RECORDS_MAX: usize = 10_000;
/// Bytes of one request, about, at most.
const READ_BYTES_MAX: usize = 16 << 20;

/// What to read.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadRequest {
    /// One partition; without it, all of them one after the other.
    pub partition: Option<u32>,
    /// From this offset on in each partition; from the start without it.
    pub from: Option<i64>,
    /// Before this offset.
    pub until: Option<i64>,
    /// Records, at most.
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

/// What was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Records.
    pub records: usize,
}

/// Reads records of a topic.
///
/// # Errors
/// No such topic or partition, or the log cannot be reached.
pub fn read(
    log: &dyn Log,
    topic: &str,
    request: &ReadRequest,
) -> Result<Vec<Record>, ControlError> {
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
    let limit = request
        .limit
        .unwrap_or(READ_RECORDS_MAX)
        .min(READ_RECORDS_MAX);
    let mut records = Vec::new();
    for partition in partitions {
        let at = TopicPartition::new(info.spec.name.clone(), partition);
        let mut from = request.from.unwrap_or(0);
        while records.len() < limit {
            let fetched = log.read(&at, from, limit - records.len(), READ_BYTES_MAX)?;
            if fetched.records.is_empty() {
                break;
            }
            from = fetched.next_offset;
            let before =
                |record: &LogRecord| request.until.is_none_or(|until| record.offset < until);
            let shown = fetched.records.iter().filter(|record| before(record));
            records.extend(shown.map(|record| show(partition, record)));
            if request.until.is_some_and(|until| from >= until) {
                break;
            }
        }
    }
    Ok(records)
}

/// A topic as it is shown.
#[must_use]
pub fn topic_view(info: &TopicInfo) -> TopicView {
    TopicView {
        name: info.spec.name.to_string(),
        compacted: info.spec.compacted,
        partitions: info
            .ranges
            .iter()
            .map(|range| (range.start, range.end))
            .collect(),
    }
}

fn find(log: &dyn Log, topic: &str) -> Result<TopicInfo, ControlError> {
    let missing = || ControlError::NotFound {
        what: "topic",
        name: topic.to_owned(),
    };
    let name = TopicName::parse(topic).map_err(|_| missing())?;
    log.topic(&name)?.ok_or_else(missing)
}

fn show(partition: u32, record: &LogRecord) -> Record {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let hex = |bytes: &Bytes| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let not_utf8 = record
        .value
        .as_ref()
        .filter(|value| std::str::from_utf8(value).is_err());
    Record {
        partition,
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.as_ref().map(text),
        value: record.value.as_ref().map(text),
        value_hex: not_utf8.map(hex),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
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

    /// Appends values to a topic, all or none. Where a source with a key reads the topic, the key is
    /// taken out of each value; a value it cannot be taken from gets none (and becomes a dead letter).
    ///
    /// # Errors
    /// No such topic, or the log refuses.
    pub fn append(&self, topic: &str, values: Vec<Bytes>) -> Result<Appended, ControlError> {
        let context = self.context();
        let info = find(&*context.log, topic)?;
        let now = context.clock.now_ms();
        let mut records: Vec<LogRecord> = values
            .into_iter()
            .map(|value| LogRecord::new(None, Some(value), now))
            .collect();
        let source = context.topology.nodes.iter().find_map(|node| match node {
            Node::Source(source) => source.topics.contains(&info.spec.name).then_some(source),
            Node::Operator(_) | Node::Sink(_) => None,
        });
        if let Some(source) = source {
            set_keys(source, &mut records);
        }
        let partitions = info.spec.partitions;
        let mut by_partition: Vec<Vec<LogRecord>> = vec![Vec::new(); partitions as usize];
        let count = records.len();
        for (nth, record) in (0u32..).zip(records) {
            let partition = match &record.key {
                Some(key) => partition_for_key(key, partitions),
                None => nth % partitions,
            };
            by_partition[partition as usize].push(record);
        }
        // One append at a time: they share a producer a topic.
        let mut producers = self.0.producers.lock();
        let name = info.spec.name.clone();
        let mut producer = match producers.remove(&name) {
            Some(producer) => producer,
            None => context
                .log
                .producer(&format!("{}.http.{name}", context.topology.name))?,
        };
        producer.begin()?;
        for (partition, records) in (0..).zip(by_partition) {
            if !records.is_empty() {
                producer.send(&TopicPartition::new(name.clone(), partition), records)?;
            }
        }
        producer.commit()?;
        // A producer that failed is dropped above: the next append opens a new one.
        producers.insert(name, producer);
        Ok(Appended { records: count })
    }
}

/// Appends lines to a topic of a log that no daemon has, without keys.
///
/// # Errors
/// No such topic, or the log refuses.
pub fn append_unkeyed(log: &dyn Log, topic: &str, lines: &str) -> Result<Appended, ControlError> {
    let info = find(log, topic)?;
    let now = SystemClock.now_ms();
    let mut producer = log.producer(&format!("cli.{topic}"))?;
    producer.begin()?;
    let mut by_partition = vec![Vec::new(); info.spec.partitions as usize];
    let lines = lines.lines().filter(|line| !line.is_empty());
    let mut count = 0;
    for (nth, line) in lines.enumerate() {
        let value = Bytes::copy_from_slice(line.as_bytes());
        by_partition[nth % info.spec.partitions as usize].push(LogRecord::new(
            None,
            Some(value),
            now,
        ));
        count += 1;
    }
    for (partition, records) in (0..).zip(by_partition) {
        if !records.is_empty() {
            producer.send(
                &TopicPartition::new(info.spec.name.clone(), partition),
                records,
            )?;
        }
    }
    producer.commit()?;
    Ok(Appended { records: count })
}

/// Takes each record's key out of its value, as the source will.
fn set_keys(source: &Source, records: &mut [LogRecord]) {
    let Some(key) = source.key else { return };
    let mut decoder = Decoder::new(source.format, &source.schema, &[key], source.time.unit);
    let decoded = decoder.decode(records);
    let column = decoded.columns.column(0);
    for (row, origin) in decoded.origin.iter().enumerate() {
        let mut text = Vec::new();
        key_text(column, row, &mut text);
        records[*origin as usize].key = Some(text.into());
    }
}
