//! Transactions through the log's own producer: visibility, atomicity, fencing, what is refused.

use super::*;
use crate::log::{OffsetCommit, Remedy};

fn text(value: &str) -> LogRecord {
    LogRecord::new(None, Some(value.to_owned().into()), 1)
}

fn offset(at: &TopicPartition, offset: i64, metadata: &str) -> OffsetCommit {
    OffsetCommit {
        at: at.clone(),
        offset,
        metadata: metadata.to_owned(),
    }
}

#[test]
fn records_of_several_topics_and_offsets_commit_together_or_not_at_all() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let (input, out) = (at(&subject.topic(1), 0), at(&subject.topic(2), 1));
    let group = unique();
    let mut producer = subject.log.producer(unique().as_str()).expect("opened");
    for commit in [false, false, false, true] {
        producer.begin().expect("begun");
        producer
            .send(&input, vec![text("a"), text("b")])
            .expect("sent");
        producer.send(&out, vec![text("c")]).expect("sent");
        let offsets = [offset(&input, 2, "w=5")];
        let sent = producer.send_offsets(group.as_str(), &offsets, None);
        sent.expect("sent");
        match commit {
            true => producer.commit().expect("committed"),
            false => producer.abort().expect("aborted"),
        }
        subject.visible(&input);
        subject.visible(&out);
        let places = [input.clone(), out.clone()];
        let told = subject
            .log
            .committed(group.as_str(), &places)
            .expect("an answer");
        let told: Vec<_> = told
            .iter()
            .map(|c| c.as_ref().map(|c| (c.offset, c.metadata.as_str())))
            .collect();
        let read = [
            values(&subject.read_all(&input)),
            values(&subject.read_all(&out)),
        ];
        match commit {
            false => {
                assert_eq!(told, [None, None]);
                assert_eq!(read, [Vec::<String>::new(), Vec::new()]);
            }
            true => {
                assert_eq!(told, [Some((2, "w=5")), None]);
                assert_eq!(read, [vec!["a".to_owned(), "b".into()], vec!["c".into()]]);
            }
        }
    }
}

#[test]
fn a_newer_producer_fences_the_older_one_and_what_that_had_open_is_gone() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let id = unique();
    let mut older = subject.log.producer(id.as_str()).expect("opened");
    older.begin().expect("begun");
    older.send(&at, vec![text("lost")]).expect("sent");
    let mut newer = subject.log.producer(id.as_str()).expect("opened");
    let late = older.commit().expect_err("a newer producer is there");
    assert!(
        matches!(late.remedy(), Remedy::Reopen | Remedy::Abort),
        "{late:?}"
    );
    let told = older.abort().and_then(|()| older.begin()).and_then(|()| {
        older.send(&at, vec![text("too late")])?;
        older.commit()
    });
    let told = told.expect_err("fenced for good");
    assert_eq!(told.remedy(), Remedy::Reopen, "{told:?}");
    newer.begin().expect("begun");
    newer.send(&at, vec![text("kept")]).expect("sent");
    newer.commit().expect("committed");
    subject.visible(&at);
    assert_eq!(values(&subject.read_all(&at)), ["kept"]);
}

#[test]
fn calls_that_do_not_fit_the_transactions_state_are_refused() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let place = at(&subject.topic(1), 0);
    let mut producer = subject.log.producer(unique().as_str()).expect("opened");
    let is_state = |result| matches!(result, Err(LogError::State(_)));
    assert!(is_state(producer.send(&place, vec![text("a")])));
    assert!(is_state(producer.send_offsets("g", &[], None)));
    assert!(is_state(producer.commit()));
    producer.abort().expect("harmless");
    producer.begin().expect("begun");
    assert!(is_state(producer.begin()));
    producer.commit().expect("an empty transaction");
    // A partition that is not there is told by the send or, at the latest, by the commit.
    producer.begin().expect("begun");
    let nowhere = at(&place.topic, 7);
    let sent = producer.send(&nowhere, vec![text("a")]);
    let told = sent.and_then(|()| producer.commit());
    assert!(told.is_err());
    producer.abort().expect("aborted");
    assert!(subject.read_all(&place).is_empty());
}

#[test]
fn records_come_back_as_they_were_sent() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let mut headers = crate::log::HeadersBuilder::default();
    headers.push("model", b"fraud@3");
    headers.push("empty", b"");
    headers.push("model", b"x");
    let mut full = LogRecord::new(Some("k".into()), Some("v".into()), 1_234);
    full.headers = headers.finish();
    let sent = vec![
        full,
        LogRecord::new(Some("deleted".into()), None, 5),
        LogRecord::new(None, Some(bytes::Bytes::new()), 6),
    ];
    let mut producer = subject.log.producer(unique().as_str()).expect("opened");
    producer.begin().expect("begun");
    producer.send(&at, sent.clone()).expect("sent");
    producer.commit().expect("committed");
    subject.visible(&at);
    let read = subject.read_all(&at);
    assert_eq!(read.len(), sent.len());
    for (read, mut sent) in read.into_iter().zip(sent) {
        sent.offset = read.offset;
        assert_eq!(read, sent);
    }
}

#[test]
fn records_of_a_state_arrive_whole_and_in_order_more_of_them_than_go_by_one_call() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(2), 1);
    let record = |nth: u32| {
        let value = match nth % 3 {
            0 => None,
            1 => Some(bytes::Bytes::new()),
            _ => Some(bytes::Bytes::from(format!("state {nth}"))),
        };
        LogRecord::new(Some(format!("key {nth}").into()), value, 1_234)
    };
    let sent: Vec<LogRecord> = (0..2_345).map(record).collect();
    let mut producer = subject.log.producer(unique().as_str()).expect("opened");
    let early = producer.send_state(&at, sent.clone());
    assert!(matches!(early, Err(LogError::State(_))), "{early:?}");
    producer.begin().expect("begun");
    producer.send_state(&at, sent.clone()).expect("sent");
    producer.commit().expect("committed");
    subject.visible(&at);
    let pairs = |records: &[LogRecord]| -> Vec<_> {
        let pair = |record: &LogRecord| (record.key.clone(), record.value.clone());
        records.iter().map(pair).collect()
    };
    assert_eq!(pairs(&subject.read_all(&at)), pairs(&sent));
    producer.begin().expect("begun");
    let huge = LogRecord::new(Some("huge".into()), Some(vec![0; 64 << 20].into()), 1);
    let told = producer.send_state(&at, vec![huge]);
    assert!(matches!(told, Err(LogError::Refused(_))), "{told:?}");
    producer.abort().expect("aborted");
}
