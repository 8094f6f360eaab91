//! Records appended to topics from outside: through a running daemon, or to a log that nobody has.

use actors::clock::{Clock, SystemClock};
use actors::codec::{Decoder, key_text};
use actors::log::{
    Log, LogError, LogRecord, Producer, TopicPartition, TopicSpec, partition_for_key,
};
use actors::nodes::topics::{Purpose, matching, topics};
use bytes::Bytes;
use config::{Node, Source, TopicName, Topology};
use serde::{Deserialize, Serialize};

use super::read::find;
use super::{Control, ControlError};

/// What was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// Records.
    pub records: usize,
}

impl Control {
    /// Appends values to a topic, all or none. Where a source with a key reads the topic, the key is
    /// taken out of each value; a value it cannot be taken from gets none (and becomes a dead
    /// letter).
    ///
    /// # Errors
    /// No such topic, one of the topology's own, or the log refuses.
    pub fn append(&self, topic: &str, values: Vec<Bytes>) -> Result<Appended, ControlError> {
        let context = self.context();
        let spec = find(&*context.log, topic)?.spec;
        open_to_all(&context.topology, &spec.name)?;
        let source = source_of(&context.topology, &spec.name);
        let records = keyed(values, context.clock.now_ms(), source);
        let count = records.len();
        let mut producers = self.0.producers.lock();
        let mut producer = match producers.remove(&spec.name) {
            Some(producer) => producer,
            None => {
                // Each node has its own, or they would fence each other.
                let (topology, node) = (&context.topology.name, &context.node);
                let id = format!("{topology}.http.{}.{node}", spec.name);
                context.log.producer(&id)?
            }
        };
        send(&mut *producer, &spec, records)?;
        // A producer that failed is dropped above: the next append opens a new one.
        producers.insert(spec.name, producer);
        Ok(Appended { records: count })
    }
}

/// Appends values to a topic of a log that no daemon has, all or none. With a topology, keys are
/// taken out of the values as [`Control::append`] does; without, records have none.
///
/// # Errors
/// As [`Control::append`]; without a topology, its own topics are not known.
pub fn append_direct(
    log: &dyn Log,
    topology: Option<&Topology>,
    topic: &str,
    values: Vec<Bytes>,
) -> Result<Appended, ControlError> {
    let spec = find(log, topic)?.spec;
    if let Some(topology) = topology {
        open_to_all(topology, &spec.name)?;
    }
    let source = topology.and_then(|topology| source_of(topology, &spec.name));
    let records = keyed(values, SystemClock.now_ms(), source);
    let count = records.len();
    // Begins with the topology's name, as rights on a cluster are given; of this process, so that
    // commands at the same time do not fence each other.
    let of = topology.map_or("thalweg", |topology| topology.name.as_str());
    let mut producer = log.producer(&format!("{of}.command.{}", std::process::id()))?;
    send(&mut *producer, &spec, records)?;
    Ok(Appended { records: count })
}

/// The lines of a body: each is a value. Empty lines are none.
#[must_use]
pub fn lines(body: &Bytes) -> Vec<Bytes> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines
        .filter(|line| !line.is_empty())
        .map(|line| body.slice_ref(line))
        .collect()
}

/// Refuses topics whose records are the topology's own: a changelog is the truth of its state, and
/// rows of a repartition topic are counted against their task's marker; nodes speak for themselves.
fn open_to_all(topology: &Topology, topic: &TopicName) -> Result<(), ControlError> {
    let planned = topics(topology);
    let found = planned.iter().find(|(_, spec)| spec.name == *topic);
    match found.map(|(purpose, _)| *purpose) {
        Some(
            purpose @ (Purpose::Changelog
            | Purpose::Repartition
            | Purpose::Nodes
            | Purpose::Versions),
        ) => {
            let (name, purpose) = (&topology.name, purpose.label());
            Err(ControlError::Invalid(format!(
                "topic \"{topic}\" is a {purpose} topic: only topology \"{name}\" writes it"
            )))
        }
        Some(Purpose::Source | Purpose::Labels | Purpose::Sink | Purpose::DeadLetters) | None => {
            Ok(())
        }
    }
}

/// The source that reads a topic, if one does.
fn source_of<'t>(topology: &'t Topology, topic: &TopicName) -> Option<&'t Source> {
    topology.nodes.iter().find_map(|node| match node {
        Node::Source(source) => {
            let named = source.topics.contains(topic);
            let matched = source.pattern.as_ref().is_some_and(|pattern| {
                !matching(topology, pattern, std::iter::once(topic)).is_empty()
            });
            (named || matched).then_some(source)
        }
        Node::Operator(_) | Node::Sink(_) => None,
    })
}

/// Records of values, each with the key that the source will find in it.
fn keyed(values: Vec<Bytes>, now_ms: i64, source: Option<&Source>) -> Vec<LogRecord> {
    let values = values.into_iter();
    let mut records: Vec<LogRecord> = values
        .map(|value| LogRecord::new(None, Some(value), now_ms))
        .collect();
    let Some((source, key)) = source.and_then(|source| Some((source, source.key?))) else {
        return records;
    };
    let mut decoder = Decoder::new(source.format, &source.schema, &[key], source.time.unit);
    let decoded = decoder.decode(&records);
    let column = decoded.columns.column(0);
    for (row, origin) in decoded.origin.iter().enumerate() {
        let mut text = Vec::new();
        key_text(column, row, &mut text);
        records[*origin as usize].key = Some(text.into());
    }
    records
}

/// One transaction: records with a key go to its partition, the others around all of them.
pub(super) fn send(
    producer: &mut dyn Producer,
    spec: &TopicSpec,
    records: Vec<LogRecord>,
) -> Result<(), LogError> {
    let mut by_partition: Vec<Vec<LogRecord>> = vec![Vec::new(); spec.partitions as usize];
    for (nth, record) in (0u32..).zip(records) {
        let partition = match &record.key {
            Some(key) => partition_for_key(key, spec.partitions),
            None => nth % spec.partitions,
        };
        by_partition[partition as usize].push(record);
    }
    producer.begin()?;
    for (partition, records) in (0..).zip(by_partition) {
        if !records.is_empty() {
            producer.send(&TopicPartition::new(spec.name.clone(), partition), records)?;
        }
    }
    producer.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_lines_however_they_end() {
        let body = Bytes::from_static(b"a\r\n\nb\n\xff");
        assert_eq!(lines(&body), [&b"a"[..], b"b", b"\xff"]);
        assert!(lines(&Bytes::from_static(b"\n\r\n")).is_empty());
    }
}
