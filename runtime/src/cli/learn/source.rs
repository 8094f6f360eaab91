//! Rows of a file (CSV with a header, plain or gzip'd) or of a topic (JSON objects), cell by cell as text.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::{Map, Value};

use super::error::LearnError;
use crate::access::Access;
use crate::control::{ReadRequest, Record};

/// Records of a page of a topic.
const PAGE: usize = 5_000;

/// Where rows come from.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct SourceArguments {
    /// Rows of this CSV file, which begins with the columns' names; `.gz` is unpacked
    #[arg(long, value_name = "PATH")]
    pub(super) from_file: Option<PathBuf>,
    /// Rows of this topic, JSON objects
    #[arg(long, value_name = "TOPIC")]
    pub(super) from_topic: Option<String>,
}

/// One row: a cell for each name asked for; `None` where the row has none.
pub(super) struct Row<'a> {
    pub(super) cells: &'a [Option<String>],
    /// The record's time in milliseconds, of a topic.
    pub(super) timestamp: Option<i64>,
    /// For messages.
    pub(super) place: Place<'a>,
}

/// Where a row stands.
pub(super) enum Place<'a> {
    Line(&'a Path, u64),
    Record(&'a str, u32, i64),
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(path, line) => write!(f, "{} line {line}", path.display()),
            Self::Record(topic, partition, offset) => {
                write!(f, "topic {topic} partition {partition} offset {offset}")
            }
        }
    }
}

/// What visits rows.
pub(super) type Visit<'v> = dyn FnMut(Row<'_>) -> Result<(), LearnError> + 'v;

/// Names of a CSV file's columns.
pub(super) fn header(path: &Path) -> Result<Vec<String>, LearnError> {
    let mut reader = open(path)?;
    let header = reader.headers().map_err(|error| broken(path, &error))?;
    Ok(header.iter().map(|name| name.trim().to_owned()).collect())
}

/// Visits all rows of a CSV file.
pub(super) fn each_of_file(
    path: &Path,
    names: &[String],
    visit: &mut Visit<'_>,
) -> Result<(), LearnError> {
    let header = header(path)?;
    let at = |name: &String| header.iter().position(|column| column == name);
    let positions: Vec<Option<usize>> = names.iter().map(at).collect();
    if let Some(missing) = positions.iter().position(Option::is_none) {
        return Err(LearnError::Usage(format!(
            "{} has no column \"{}\"; it has {}",
            path.display(),
            names[missing],
            header.join(", ")
        )));
    }
    let mut cells = vec![None; names.len()];
    for record in open(path)?.records() {
        let record = record.map_err(|error| broken(path, &error))?;
        for (cell, position) in cells.iter_mut().zip(&positions) {
            let text = position.and_then(|position| record.get(position));
            *cell = text
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned);
        }
        let line = record.position().map_or(0, csv::Position::line);
        visit(Row {
            cells: &cells,
            timestamp: None,
            place: Place::Line(path, line),
        })?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<csv::Reader<Box<dyn Read>>, LearnError> {
    let file = File::open(path).map_err(|source| LearnError::Read {
        path: path.into(),
        source,
    })?;
    let file = BufReader::new(file);
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let bytes: Box<dyn Read> = if is_packed {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Ok(csv::Reader::from_reader(bytes))
}

fn broken(path: &Path, error: &csv::Error) -> LearnError {
    LearnError::Row {
        place: path.display().to_string(),
        cause: error.to_string(),
    }
}

/// Names of the columns of a topic: those of its first record.
pub(super) fn names_of_topic(access: &Access, topic: &str) -> Result<Vec<String>, LearnError> {
    let first = access.read(topic, &page(None, None, 1))?;
    let Some(record) = first.first() else {
        return Err(LearnError::Usage(format!(
            "topic \"{topic}\" has no records"
        )));
    };
    let place = Place::Record(topic, record.partition, record.offset);
    let object = object(record, &place)?;
    Ok(object
        .map(|object| object.keys().cloned().collect())
        .unwrap_or_default())
}

/// Records of a partition that were read: its number, the first offset, and behind the last.
pub(super) type Span = (u32, i64, i64);

/// Visits all records of a topic that have a value, partition after partition; says which there were.
pub(super) fn each_of_topic(
    access: &Access,
    topic: &str,
    names: &[String],
    visit: &mut Visit<'_>,
) -> Result<Vec<Span>, LearnError> {
    let view = access.topic(topic)?;
    let mut spans = Vec::new();
    let mut cells = vec![None; names.len()];
    for partition in (0..).take(view.partitions.len()) {
        let mut span: Option<Span> = None;
        loop {
            let from = span.map_or(0, |(_, _, until)| until);
            let records = access.read(topic, &page(Some(partition), Some(from), PAGE))?;
            let (Some(first), Some(last)) = (records.first(), records.last()) else {
                break;
            };
            let begin = span.map_or(first.offset, |(_, begin, _)| begin);
            span = Some((partition, begin, last.offset + 1));
            for record in &records {
                let place = Place::Record(topic, partition, record.offset);
                let Some(object) = object(record, &place)? else {
                    continue;
                };
                for (cell, name) in cells.iter_mut().zip(names) {
                    *cell = object.get(name).and_then(text);
                }
                visit(Row {
                    cells: &cells,
                    timestamp: Some(record.timestamp),
                    place,
                })?;
            }
        }
        spans.extend(span);
    }
    Ok(spans)
}

fn page(partition: Option<u32>, from: Option<i64>, limit: usize) -> ReadRequest {
    ReadRequest {
        partition,
        from,
        until: None,
        limit: Some(limit),
    }
}

/// The JSON object of a record; `None` if the record has no value.
fn object(record: &Record, place: &Place<'_>) -> Result<Option<Map<String, Value>>, LearnError> {
    let Some(value) = &record.value else {
        return Ok(None);
    };
    match serde_json::from_str(value) {
        Ok(object) => Ok(Some(object)),
        Err(error) => Err(LearnError::Row {
            place: place.to_string(),
            cause: format!("no JSON object: {error}"),
        }),
    }
}

/// A value as a cell; truth values are 0 and 1.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(is) => Some(u8::from(*is).to_string()),
        Value::String(text) => Some(text.clone()),
        other @ (Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
    }
}
