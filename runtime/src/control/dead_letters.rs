//! Dead letters put back into the topics they came from, or given up.
//!
//! What is done with a letter is written behind it in the dead-letter topic, as a *mark*: a record
//! without value whose header `thalweg.mark` is `replayed` or `dropped`, and whose header
//! `thalweg.letter` is the letter's offset. Records and marks go in one transaction, so a command
//! that fails has done nothing, and one that is given again finds its letters marked.

use std::collections::BTreeMap;

use actors::log::{HeadersBuilder, Log, LogError, LogRecord, TopicPartition};
use bytes::Bytes;
use config::TopicName;
use serde::{Deserialize, Serialize};

use super::read::{ReadRequest, Record, find, read};
use super::{Control, ControlError};

/// Letters of one command, at most.
const LETTERS_MAX: usize = 100_000;
/// Records read at a time, and their bytes.
const READ: (usize, usize) = (2_000, 4 << 20);

const MARK: &str = "thalweg.mark";
const LETTER: &str = "thalweg.letter";
const HELD: &str = "thalweg.held";
const INPUT: &str = "thalweg.input";
/// Header of a record that came back from the dead letters: their topic and the letter's offset.
const REPLAYED: &str = "thalweg.replayed";

/// Which letters a command is for; all conditions hold. Without any, it is for none. Held rows of keys
/// in quarantine are meant only where their offset or their code is named: while the quarantine lasts,
/// they are for `thalweg sessions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LetterChoice {
    /// This one.
    pub offset: Option<i64>,
    /// From this offset on.
    pub from: Option<i64>,
    /// Before this offset.
    pub until: Option<i64>,
    /// Of this code.
    pub code: Option<String>,
    /// Of this stage.
    pub stage: Option<String>,
    /// Takes the place of the value of the one letter: repaired.
    pub value: Option<String>,
}

/// What a command has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Letters put back, or given up.
    pub letters: usize,
}

/// The dead letters of a log, with what was done to each.
#[derive(Debug, Default)]
struct Letters {
    /// By offset.
    letters: BTreeMap<i64, LogRecord>,
    /// What was done, by the letter's offset.
    handled: BTreeMap<i64, String>,
}

impl LetterChoice {
    /// Whether it has a condition at all.
    fn chooses(&self) -> bool {
        let offsets = [self.offset, self.from, self.until];
        offsets.iter().any(Option::is_some) || self.code.is_some() || self.stage.is_some()
    }

    fn takes(&self, letter: &LogRecord) -> bool {
        let is = |name: &str, wanted: &Option<String>| {
            let wanted = wanted.as_ref().map(String::as_bytes);
            wanted.is_none() || letter.headers.get(name) == wanted
        };
        let held = letter.headers.get(HELD).is_some();
        (!held || self.offset.is_some() || self.code.is_some())
            && self.offset.is_none_or(|offset| letter.offset == offset)
            && self.from.is_none_or(|from| letter.offset >= from)
            && self.until.is_none_or(|until| letter.offset < until)
            && is("thalweg.code", &self.code)
            && is("thalweg.stage", &self.stage)
    }

    fn check(&self) -> Result<(), ControlError> {
        if !self.chooses() {
            let reason = "say which letters: an offset, a range, a code or a stage";
            return Err(ControlError::Invalid(reason.into()));
        }
        if self.value.is_some() && self.offset.is_none() {
            let reason = "a repaired value is for one letter: give its offset";
            return Err(ControlError::Invalid(reason.into()));
        }
        Ok(())
    }
}

impl Letters {
    /// Reads the whole topic.
    fn read(log: &dyn Log, topic: &TopicName) -> Result<Self, LogError> {
        let at = TopicPartition::new(topic.clone(), 0);
        let info = log.topic(topic)?;
        let range = info.and_then(|info| info.ranges.first().copied());
        let mut next = range.map_or(0, |range| range.start);
        let mut all = Self::default();
        loop {
            let fetched = log.read(&at, next, READ.0, READ.1)?;
            if fetched.records.is_empty() {
                return Ok(all);
            }
            next = fetched.next_offset;
            for record in fetched.records {
                match marked(&record) {
                    Some((letter, what)) => drop(all.handled.insert(letter, what)),
                    None => drop(all.letters.insert(record.offset, record)),
                }
            }
        }
    }

    /// The letters that a command is for and that nothing was done to.
    fn chosen(&self, choice: &LetterChoice) -> Result<Vec<&LogRecord>, ControlError> {
        choice.check()?;
        let open = self.letters.values();
        let open = open.filter(|letter| !self.handled.contains_key(&letter.offset));
        let chosen: Vec<&LogRecord> = open.filter(|letter| choice.takes(letter)).collect();
        if chosen.len() > LETTERS_MAX {
            let (found, most) = (chosen.len(), LETTERS_MAX);
            let reason = format!("{found} letters at once; choose at most {most}, by offsets");
            return Err(ControlError::Invalid(reason));
        }
        Ok(chosen)
    }
}

/// The letter whose mark a record is, and what was done to it; `None`: it is a letter.
fn marked(record: &LogRecord) -> Option<(i64, String)> {
    let what = String::from_utf8_lossy(record.headers.get(MARK)?).into_owned();
    let letter = std::str::from_utf8(record.headers.get(LETTER)?).ok()?;
    Some((letter.parse().ok()?, what))
}

/// Dead letters as they are shown, without marks; those that something was done to bear it in a header
/// `thalweg.mark`. Reads the whole topic.
///
/// # Errors
/// A request out of bounds, or a log that cannot be reached.
pub fn letters(
    log: &dyn Log,
    topic: &TopicName,
    request: &ReadRequest,
) -> Result<Vec<Record>, ControlError> {
    let all = Letters::read(log, topic)?;
    let mut records = read(log, topic.as_str(), request)?;
    records.retain(|record| all.letters.contains_key(&record.offset));
    for record in &mut records {
        if let Some(what) = all.handled.get(&record.offset) {
            record.headers.push((MARK.to_owned(), what.clone()));
        }
    }
    Ok(records)
}

/// Puts dead letters back into the partitions they came from, at their end, with the key and headers
/// they came with. They go the whole way of a record: what stands before the stage they failed at counts
/// them again.
///
/// # Errors
/// A choice of none or too many, a letter that came from no record, or the log refuses: then nothing
/// is done.
pub fn replay_letters(
    log: &dyn Log,
    topic: &TopicName,
    choice: &LetterChoice,
) -> Result<Handled, ControlError> {
    let letters = Letters::read(log, topic)?;
    let mut sends: BTreeMap<TopicPartition, Vec<LogRecord>> = BTreeMap::new();
    let chosen = letters.chosen(choice)?;
    for letter in &chosen {
        let (at, record) = restored(log, topic, letter, choice.value.as_deref())?;
        sends.entry(at).or_default().push(record);
    }
    commit(log, topic, sends, ("replayed", &chosen))
}

/// Gives dead letters up: they stay where they are, marked.
///
/// # Errors
/// As [`replay_letters`].
pub fn drop_letters(
    log: &dyn Log,
    topic: &TopicName,
    choice: &LetterChoice,
) -> Result<Handled, ControlError> {
    let letters = Letters::read(log, topic)?;
    let chosen = letters.chosen(choice)?;
    commit(log, topic, BTreeMap::new(), ("dropped", &chosen))
}

/// The record that a letter was, and where it goes.
fn restored(
    log: &dyn Log,
    dead: &TopicName,
    letter: &LogRecord,
    value: Option<&str>,
) -> Result<(TopicPartition, LogRecord), ControlError> {
    let offset = letter.offset;
    let input = letter.headers.get(INPUT).unwrap_or_default();
    let input = String::from_utf8_lossy(input).into_owned();
    let mut parts = input.rsplitn(3, '/').skip(1);
    let place = parts.next().and_then(|partition| partition.parse().ok());
    let (Some(partition), Some(topic)) = (place, parts.next()) else {
        return Err(ControlError::Invalid(format!(
            "dead letter {offset} came from no single record: it can only be dropped"
        )));
    };
    let spec = find(log, topic)?.spec;
    let mut headers = HeadersBuilder::default();
    headers.push(REPLAYED, format!("{dead}/{offset}").as_bytes());
    for (name, value) in letter.headers.iter() {
        if !name.starts_with("thalweg.") {
            headers.push(name, value);
        }
    }
    let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
    let record = LogRecord {
        offset: -1,
        timestamp: letter.timestamp,
        key: letter.key.clone(),
        value: value.or_else(|| letter.value.clone()),
        headers: headers.finish(),
    };
    Ok((TopicPartition::new(spec.name, partition), record))
}

/// Records and marks, in one transaction.
fn commit(
    log: &dyn Log,
    topic: &TopicName,
    sends: BTreeMap<TopicPartition, Vec<LogRecord>>,
    (what, letters): (&str, &[&LogRecord]),
) -> Result<Handled, ControlError> {
    let handled = Handled {
        letters: letters.len(),
    };
    if letters.is_empty() {
        return Ok(handled);
    }
    let mark = |letter: &&LogRecord| {
        let mut headers = HeadersBuilder::default();
        headers.push(MARK, what.as_bytes());
        headers.push(LETTER, letter.offset.to_string().as_bytes());
        LogRecord {
            headers: headers.finish(),
            ..LogRecord::new(None, None, letter.timestamp)
        }
    };
    let marks = letters.iter().map(mark).collect();
    let mut producer = log.producer(&format!("{topic}.letters"))?;
    producer.begin()?;
    for (at, records) in sends {
        producer.send(&at, records)?;
    }
    producer.send(&TopicPartition::new(topic.clone(), 0), marks)?;
    producer.commit()?;
    Ok(handled)
}

impl Control {
    /// Reads the dead letters, as [`letters`].
    ///
    /// # Errors
    /// As [`letters`].
    pub fn dead_letters(&self, request: &ReadRequest) -> Result<Vec<Record>, ControlError> {
        let context = self.context();
        letters(&*context.log, &context.topology.dead_letter, request)
    }

    /// Puts dead letters back, as [`replay_letters`].
    ///
    /// # Errors
    /// As [`replay_letters`].
    pub fn replay_letters(&self, choice: &LetterChoice) -> Result<Handled, ControlError> {
        let context = self.context();
        replay_letters(&*context.log, &context.topology.dead_letter, choice)
    }

    /// Gives dead letters up, as [`drop_letters`].
    ///
    /// # Errors
    /// As [`drop_letters`].
    pub fn drop_letters(&self, choice: &LetterChoice) -> Result<Handled, ControlError> {
        let context = self.context();
        drop_letters(&*context.log, &context.topology.dead_letter, choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(offset: i64, headers: &[(&str, &str)]) -> LogRecord {
        let mut built = HeadersBuilder::default();
        for (name, value) in headers {
            built.push(name, value.as_bytes());
        }
        LogRecord {
            offset,
            headers: built.finish(),
            ..LogRecord::new(None, None, 0)
        }
    }

    #[test]
    fn held_rows_are_chosen_only_by_name() {
        let panicked = [("thalweg.code", "panicked"), ("thalweg.stage", "history")];
        let held = [
            ("thalweg.code", "quarantined"),
            ("thalweg.stage", "history"),
            (HELD, "5/0"),
        ];
        let letters = [letter(0, &panicked), letter(1, &held), letter(2, &panicked)];
        let check = |choice: LetterChoice, expect: &[i64]| {
            let chosen = letters.iter().filter(|letter| choice.takes(letter));
            let offsets: Vec<i64> = chosen.map(|letter| letter.offset).collect();
            assert_eq!(offsets, expect, "{choice:?}");
        };
        let any = LetterChoice::default;
        check(
            LetterChoice {
                from: Some(0),
                ..any()
            },
            &[0, 2],
        );
        check(
            LetterChoice {
                stage: Some("history".into()),
                until: Some(2),
                ..any()
            },
            &[0],
        );
        check(
            LetterChoice {
                code: Some("quarantined".into()),
                ..any()
            },
            &[1],
        );
        check(
            LetterChoice {
                offset: Some(1),
                ..any()
            },
            &[1],
        );
    }
}
