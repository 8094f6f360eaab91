//! A changelog as brokers keep it: control records and aborted ones take offsets and are never read.

use super::*;
use crate::log::{Committed, Consumer, ConsumerSettings, Fetched, LogError, OffsetRange, Producer};
use crate::log::{TopicInfo, TopicSpec};
use config::TopicName;

/// One partition; `None` is an offset that nobody sees. A read looks at this many offsets at most.
struct Changelog(Vec<Option<LogRecord>>);

const PER_READ: i64 = 4;
const OTHER: LogError = LogError::State("a restore only reads");

impl Log for Changelog {
    fn read(&self, _: &TopicPartition, from: i64, _: usize, _: usize) -> Result<Fetched, LogError> {
        let range = self.settled(&[])?[0];
        assert!((0..range.end).contains(&from), "a read at the end");
        let next_offset = (from + PER_READ).min(range.end);
        let seen = (from..next_offset).filter_map(|offset| {
            let mut record = self.0[usize::try_from(offset).ok()?].clone()?;
            record.offset = offset;
            Some(record)
        });
        Ok(Fetched {
            records: seen.collect(),
            next_offset,
        })
    }

    fn settled(&self, _: &[TopicPartition]) -> Result<Vec<OffsetRange>, LogError> {
        let end = i64::try_from(self.0.len()).expect("small");
        Ok(vec![OffsetRange { start: 0, end }])
    }

    fn topics(&self) -> Result<Vec<TopicInfo>, LogError> {
        Err(OTHER)
    }

    fn topic(&self, _: &TopicName) -> Result<Option<TopicInfo>, LogError> {
        Err(OTHER)
    }

    fn ensure_topic(&self, _: &TopicSpec) -> Result<bool, LogError> {
        Err(OTHER)
    }

    fn offset_at(&self, _: &TopicPartition, _: i64) -> Result<i64, LogError> {
        Err(OTHER)
    }

    fn committed(&self, _: &str, _: &[TopicPartition]) -> Result<Vec<Option<Committed>>, LogError> {
        Err(OTHER)
    }

    fn delete_before(&self, _: &TopicPartition, _: i64) -> Result<(), LogError> {
        Err(OTHER)
    }

    fn consumer(&self, _: &ConsumerSettings) -> Result<Box<dyn Consumer>, LogError> {
        Err(OTHER)
    }

    fn producer(&self, _: &str) -> Result<Box<dyn Producer>, LogError> {
        Err(OTHER)
    }
}

fn record(key: &'static str, value: &'static str) -> Option<LogRecord> {
    Some(LogRecord::new(Some(key.into()), Some(value.into()), 0))
}

/// Restores a changelog and checks what came of it: the values of `a` and `b`, and its end.
fn check_restored(changelog: Vec<Option<LogRecord>>) {
    let end = i64::try_from(changelog.len()).expect("small");
    let at = TopicPartition::new(TopicName::parse("changelog").expect("a name"), 0);
    let store = MemoryStore::new();
    let mut steps = 0;
    let mut count = |_: Progress| {
        steps += 1;
        assert!(steps < 20, "the restore does not come to its end");
    };
    let log = Changelog(changelog);
    let restored = restore(&log, &store, &[at], EXPECTED, &mut count).expect("restored");
    assert_eq!(restored.changelog, [end]);
    let pair = |key: &str, value: &str| ((0, key.into()), value.into());
    assert_eq!(
        content(&store),
        Model::from([pair("a", "1"), pair("b", "2")])
    );
}

#[test]
fn a_restore_ends_at_the_logs_end_though_no_record_is_there() {
    let markers = || std::iter::repeat_n(None, 11);
    let all = [record("a", "1"), record("b", "2"), None];
    check_restored(all.to_vec());
    check_restored(all.iter().cloned().chain(markers()).collect());
}

#[test]
fn a_read_without_records_is_not_the_end_of_a_restore() {
    let aborted = std::iter::repeat_n(None, 11);
    let first = [record("a", "1"), None].into_iter().chain(aborted);
    check_restored(first.chain([record("b", "2"), None]).collect());
}
