//! The judge: reads the topics with a plain consumer, computes from the input what must be there,
//! and compares.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;

use super::cluster::client;
use super::input::made;
use super::{Chaos, Report};

/// A question to the brokers may take this long.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

/// A record of a topic.
struct Record {
    partition: i32,
    offset: i64,
    time: Option<i64>,
    value: Vec<u8>,
    headers: String,
}

/// What must come out for one input record.
#[derive(Debug, Default, Clone, PartialEq)]
struct Expected {
    n: u64,
    total: f64,
    previous: Option<u64>,
    group_n: u64,
    group_total: f64,
}

/// What the input implies.
pub(super) struct Judge {
    expected: HashMap<u64, Expected>,
    garbage: HashMap<Vec<u8>, usize>,
}

impl Judge {
    /// Reads the input, sees that it is what was fed, and computes.
    pub(super) fn of(chaos: &Chaos) -> Result<Self, String> {
        let mut expected: HashMap<u64, Expected> = HashMap::new();
        let mut garbage: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut by_key: HashMap<String, (u64, f64, Option<u64>)> = HashMap::new();
        let mut groups: BTreeMap<u64, (String, f64)> = BTreeMap::new();
        // Keys keep to their partitions, so the order of reading the partitions does not matter.
        for record in read(chaos, &chaos.input_topic())? {
            let Ok(row) = serde_json::from_slice::<Value>(&record.value) else {
                *garbage.entry(record.value).or_default() += 1;
                continue;
            };
            let Some(id) = row["id"].as_u64() else {
                continue;
            };
            if made(chaos, id).value.as_bytes() != record.value {
                return Err(format!("input {id} is not what was fed"));
            }
            let (k, v) = (text(&row, "k"), row["v"].as_f64().unwrap_or(f64::NAN));
            let key = by_key.entry(k).or_default();
            let previous = key.2.replace(id);
            (key.0, key.1) = (key.0 + 1, key.1 + v);
            let row_of = Expected {
                n: key.0,
                total: key.1,
                previous,
                ..Expected::default()
            };
            if expected.insert(id, row_of).is_some() {
                return Err(format!("input {id} was fed twice"));
            }
            groups.insert(id, (text(&row, "g"), v));
        }
        // Times grow with the numbers, so groups are taken in the numbers' order.
        let mut by_group: HashMap<String, (u64, f64)> = HashMap::new();
        for (id, (group, v)) in groups {
            let group = by_group.entry(group).or_default();
            *group = (group.0 + 1, group.1 + v);
            if let Some(expected) = expected.get_mut(&id) {
                (expected.group_n, expected.group_total) = *group;
            }
        }
        Ok(Self { expected, garbage })
    }

    /// Waits until as many outputs and dead letters are there as there must be.
    pub(super) fn wait_for_outputs(&self, chaos: &Chaos, within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        loop {
            let out = read(chaos, &format!("{}.out", chaos.name))?;
            let ids: HashSet<u64> = out
                .iter()
                .filter_map(|record| {
                    serde_json::from_slice::<Value>(&record.value).ok()?["id"].as_u64()
                })
                .collect();
            if ids.len() >= self.expected.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let (found, wanted) = (ids.len(), self.expected.len());
                return Err(format!("{found} of {wanted} outputs within {within:?}"));
            }
            super::wait(Duration::from_secs(2));
        }
    }

    /// Compares. At-least-once, an output may come again, the same as before, and behind where its group
    /// has got to; the first of each must be in order all the same.
    pub(super) fn judge(&self, chaos: &Chaos) -> Result<Found, String> {
        let may_repeat = chaos.delivery == "at-least-once";
        let mut seen: HashMap<u64, usize> = HashMap::new();
        let mut last_of_group: HashMap<(i32, String), u64> = HashMap::new();
        for record in read(chaos, &format!("{}.out", chaos.name))? {
            let row: Value = serde_json::from_slice(&record.value).map_err(|e| e.to_string())?;
            let Some(id) = row["id"].as_u64() else {
                continue;
            };
            let found = Expected {
                n: row["n"].as_u64().unwrap_or(0),
                total: row["total"].as_f64().unwrap_or(f64::NAN),
                previous: row["previous"].as_u64(),
                group_n: row["gn"].as_u64().unwrap_or(0),
                group_total: row["gtotal"].as_f64().unwrap_or(f64::NAN),
            };
            match self.expected.get(&id) {
                Some(expected) if *expected == found => {}
                expected => {
                    let told = format!("output {id} is {found:?}, not {expected:?}");
                    return Err(format!("{told}\n{}", whereabouts(chaos, id)?));
                }
            }
            *seen.entry(id).or_default() += 1;
            let group = (record.partition, text(&row, "g"));
            let last = last_of_group.entry(group).or_default();
            if may_repeat && found.group_n <= *last {
                continue;
            }
            if found.group_n != *last + 1 {
                let group = text(&row, "g");
                return Err(format!("{group} went from {last} to {}", found.group_n));
            }
            *last = found.group_n;
        }
        let repeated: usize = seen.values().map(|times| times - 1).sum();
        if let Some((id, times)) = seen.iter().find(|(_, times)| **times != 1 && !may_repeat) {
            return Err(format!("output {id} is there {times} times"));
        }
        if seen.len() != self.expected.len() {
            return Err(format!(
                "{} outputs, not {}",
                seen.len(),
                self.expected.len()
            ));
        }
        let mut letters: HashMap<Vec<u8>, usize> = HashMap::new();
        for record in read(chaos, &format!("{}.dead-letters", chaos.name))? {
            *letters.entry(record.value).or_default() += 1;
        }
        if letters != self.garbage {
            let (found, wanted) = (letters.values().sum::<usize>(), self.garbage.len());
            return Err(format!(
                "{found} dead letters, not the {wanted} that were fed"
            ));
        }
        no_open_transaction(chaos)?;
        Ok(Found {
            outputs: seen.len(),
            repeated,
            dead_letters: letters.len(),
        })
    }
}

/// What was judged.
pub(super) struct Found {
    outputs: usize,
    repeated: usize,
    dead_letters: usize,
}

impl Found {
    /// A report with it.
    pub(super) fn added_to(self, report: Report) -> Report {
        let Self {
            outputs,
            repeated,
            dead_letters,
        } = self;
        Report {
            outputs,
            repeated,
            dead_letters,
            ..report
        }
    }
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_default().to_owned()
}

fn consumer(chaos: &Chaos, isolation: &str) -> Result<BaseConsumer, String> {
    let mut config = client(&chaos.bootstrap);
    config
        .set("group.id", "chaos-judge")
        .set("enable.auto.commit", "false")
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "20");
    config.create().map_err(|e| e.to_string())
}

/// All committed records of a topic, partition by partition in order.
fn read(chaos: &Chaos, topic: &str) -> Result<Vec<Record>, String> {
    let consumer = consumer(chaos, "read_committed")?;
    let metadata = consumer
        .fetch_metadata(Some(topic), ASKED_WITHIN)
        .map_err(|e| e.to_string())?;
    let partitions = metadata.topics()[0].partitions().len();
    let mut list = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions).unwrap_or(0) {
        let added = list.add_partition_offset(topic, partition, Offset::Beginning);
        added.map_err(|e| e.to_string())?;
    }
    consumer.assign(&list).map_err(|e| e.to_string())?;
    let (mut records, mut ended) = (Vec::new(), HashSet::new());
    let mut heard = Instant::now();
    while ended.len() < partitions {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                records.push(Record {
                    partition: message.partition(),
                    offset: message.offset(),
                    time: message.timestamp().to_millis(),
                    value: message.payload().unwrap_or_default().to_vec(),
                    headers: headers(&message),
                });
                heard = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                ended.insert(partition);
                heard = Instant::now();
            }
            // Brokers may be falling; the client goes on by itself.
            Some(Err(_)) | None if heard.elapsed() < ASKED_WITHIN => {}
            Some(Err(error)) => return Err(format!("{topic}: {error}")),
            None => return Err(format!("{topic}: no answer")),
        }
    }
    Ok(records)
}

/// Where a record of the input went: a line for each time that it is in a topic. It is found by its number
/// where values are JSON; rows have their input's timestamp and its key among their bytes.
fn whereabouts(chaos: &Chaos, id: u64) -> Result<String, String> {
    let name = &chaos.name;
    let key = made(chaos, id).key;
    let (mut lines, mut time) = (String::new(), None);
    for topic in ["in", "regroup.repartition", "out"] {
        for record in read(chaos, &format!("{name}.{topic}"))? {
            let row = serde_json::from_slice::<Value>(&record.value).ok();
            let is_it = match row.map(|row| row["id"].as_u64()) {
                Some(found) => found == Some(id),
                None => record.time == time && has(&record.value, key.as_bytes()),
            };
            if is_it {
                time = time.or(record.time);
                let Record {
                    partition,
                    offset,
                    headers,
                    ..
                } = record;
                let _ = writeln!(lines, "{topic}-{partition} at {offset}: {headers}");
            }
        }
    }
    Ok(lines)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A record's headers as text.
fn headers(message: &BorrowedMessage<'_>) -> String {
    let pairs = message.headers().into_iter().flat_map(Headers::iter);
    let pairs = pairs.map(|header| {
        let value = String::from_utf8_lossy(header.value.unwrap_or_default());
        format!("{}={value}", header.key)
    });
    pairs.collect::<Vec<_>>().join(" ")
}

/// Readers of committed records can read everything that was written.
fn no_open_transaction(chaos: &Chaos) -> Result<(), String> {
    let (all, committed) = (
        consumer(chaos, "read_uncommitted")?,
        consumer(chaos, "read_committed")?,
    );
    let metadata = all
        .fetch_metadata(None, ASKED_WITHIN)
        .map_err(|e| e.to_string())?;
    for topic in metadata
        .topics()
        .iter()
        .filter(|t| t.name().starts_with(&chaos.name))
    {
        for partition in topic.partitions() {
            let end = |consumer: &BaseConsumer| {
                let marks = consumer.fetch_watermarks(topic.name(), partition.id(), ASKED_WITHIN);
                marks.map(|(_, end)| end).map_err(|e| e.to_string())
            };
            // A commit is answered before its markers are written.
            let deadline = Instant::now() + ASKED_WITHIN;
            loop {
                let (high, stable) = (end(&all)?, end(&committed)?);
                if high == stable {
                    break;
                }
                if Instant::now() > deadline {
                    let place = format!("{}-{}", topic.name(), partition.id());
                    return Err(format!("{place}: readers stop at {stable} of {high}"));
                }
                super::wait(Duration::from_millis(200));
            }
        }
    }
    Ok(())
}
