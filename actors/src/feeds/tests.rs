//! What the readers promise together: the same records from any position on.

mod files;
mod keys;
mod pipes;
mod rows;

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use config::{
    Column, DataType, EventTime, FileCompression, FileFormat, Format, Millis, NodeId, Profile,
    Schema, Source, Start, TimeUnit, TopicName, WatermarkSettings,
};
use proptest::prelude::*;

use super::file::{FileFeed, FileFeedSettings};
use super::generator::tests::STEADY;
use super::lines::LineFeed;
use super::{FeedReader, FeedRecord, generator};

/// A source whose key is its first column.
pub(super) fn source(format: Format, columns: Vec<Column>) -> Source {
    let time = columns
        .iter()
        .position(|c| c.data_type == DataType::Timestamp);
    Source {
        id: NodeId::parse("readings").expect("an id"),
        topics: vec![TopicName::parse("readings").expect("a topic")],
        pattern: None,
        format,
        key: Some(0),
        schema: Schema::new(columns),
        time: EventTime {
            column: time,
            unit: TimeUnit::Millisecond,
        },
        watermark: WatermarkSettings {
            delay: Millis(0),
            idle: None,
        },
        start: Start::Earliest,
        feed: None,
        partitions: 4,
    }
}

pub(super) fn payments(format: Format) -> Source {
    let column = |name, data_type| Column::new(name, data_type, false);
    source(
        format,
        vec![
            column("customer_id", DataType::String),
            column("tx_id", DataType::Int64),
            column("ts", DataType::Timestamp),
            column("terminal_id", DataType::String),
            column("amount", DataType::Float64),
        ],
    )
}

pub(super) fn readings(format: Format) -> Source {
    let column = |name, data_type| Column::new(name, data_type, false);
    source(
        format,
        vec![
            column("series", DataType::String),
            column("timestamp", DataType::Timestamp),
            column("value", DataType::Float64),
        ],
    )
}

/// The feed's records to its end, at most `limit`, asked for `step` at a time.
pub(super) fn take(feed: &mut dyn FeedReader, limit: usize, step: usize) -> Vec<FeedRecord> {
    let mut records = Vec::new();
    while !feed.ended() && records.len() < limit {
        let more = feed
            .next(step.min(limit - records.len()))
            .expect("readable");
        assert!(more.len() <= step, "no more than asked for");
        assert!(!more.is_empty() || feed.ended(), "nothing only at the end");
        records.extend(more);
    }
    records
}

pub(super) fn values(records: &[FeedRecord]) -> Vec<String> {
    let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
    let value = |r: &FeedRecord| r.record.value.as_ref().map_or_else(String::new, text);
    records.iter().map(value).collect()
}

pub(super) fn keys(records: &[FeedRecord]) -> Vec<Option<String>> {
    let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
    records
        .iter()
        .map(|r| r.record.key.as_ref().map(text))
        .collect()
}

/// Writes a file as its name says.
fn write(folder: &Path, name: &str, text: &[u8]) -> FileFeedSettings {
    let path: PathBuf = folder.join(name);
    let file = std::fs::File::create(&path).expect("created");
    let compression = if name.ends_with(".gz") {
        // Two members: the whole is their texts one after the other.
        let (first, second) = text.split_at(text.len() / 2);
        let level = flate2::Compression::fast();
        for part in [first, second] {
            let mut member = flate2::write::GzEncoder::new(&file, level);
            member.write_all(part).expect("written");
            member.finish().expect("finished");
        }
        FileCompression::Gzip
    } else if name.ends_with(".zst") {
        zstd::stream::copy_encode(text, &file, 1).expect("written");
        FileCompression::Zstd
    } else {
        (&file).write_all(text).expect("written");
        FileCompression::None
    };
    FileFeedSettings {
        path,
        format: if name.contains(".csv") {
            FileFormat::Csv
        } else {
            FileFormat::Ndjson
        },
        compression,
        repeat: false,
    }
}

/// From `position` on a fresh reader gives what one reader gives after so many records, however many
/// are asked for at a time.
fn check_resumes(
    open: impl Fn(u64) -> Box<dyn FeedReader>,
    position: usize,
    steps: (usize, usize),
) {
    const ENOUGH: usize = 400;
    let whole = take(&mut *open(0), position + ENOUGH, steps.0);
    let resumed = take(&mut *open(position as u64), ENOUGH, steps.1);
    assert_eq!(resumed, whole.get(position..).unwrap_or_default());
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    let line = prop_oneof![
        4 => "[a-z]{1,4},[0-9]{1,3},-?[0-9]{1,2}\\.[0-9]",
        1 => "[a-z,\"]{0,12}",
        1 => Just(String::new()),
    ];
    proptest::collection::vec(line, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_is_the_same_from_any_position(
        lines in lines(),
        position in 0usize..120,
        steps in (1usize..9, 1usize..9),
        kind in 0usize..6,
        repeat: bool,
        crlf: bool,
    ) {
        let names = ["a.csv", "a.csv.gz", "a.csv.zst", "a.ndjson", "a.ndjson.gz", "a.ndjson.zst"];
        let end = if crlf { "\r\n" } else { "\n" };
        let text = format!("series,timestamp,value{end}{}", lines.join(end));
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = write(folder.path(), names[kind], text.as_bytes());
        settings.repeat = repeat;
        let open = |position| -> Box<dyn FeedReader> {
            let source = readings(Format::Json);
            Box::new(FileFeed::open(&settings, &source, position).expect("opened"))
        };
        check_resumes(open, position, steps);
    }

    #[test]
    fn a_pipe_given_again_is_the_same_from_any_position(
        lines in lines(),
        position in 0usize..60,
        steps in (1usize..9, 1usize..9),
    ) {
        let text = lines.join("\n");
        let open = |position| -> Box<dyn FeedReader> {
            let input = std::io::Cursor::new(text.clone());
            Box::new(LineFeed::new(input, "<pipe>".into(), &readings(Format::Csv), position))
        };
        check_resumes(open, position, steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn payments_are_the_same_from_any_position(
        seed: u64,
        position in prop_oneof![0usize..200, 0usize..120_000],
        limit in prop_oneof![Just(None), (0u64..50_000).prop_map(Some)],
    ) {
        let open = |position| {
            let source = payments(Format::Json);
            generator::generator(STEADY, seed, limit, &source, position)
        };
        check_resumes(open, position, (1_000, 7));
    }

    #[test]
    fn readings_are_the_same_from_any_position(
        seed: u64,
        position in prop_oneof![0usize..200, 0usize..60_000],
        limit in prop_oneof![Just(None), (0u64..40_000).prop_map(Some)],
    ) {
        let open = |position| {
            let source = readings(Format::Csv);
            generator::generator(Profile::Sensor, seed, limit, &source, position)
        };
        check_resumes(open, position, (1_000, 7));
    }
}
