//! Transactions: visibility, atomicity, fencing, offsets.

use super::*;
use crate::log::Remedy;

#[test]
fn what_is_sent_is_not_visible_before_its_commit() {
    each_log(|subject| {
        subject.create("t", 1);
        let mut producer = subject.log.producer("p").unwrap();
        producer.begin().unwrap();
        producer.send(&at("t", 0), vec![text("a")]).unwrap();
        assert!(subject.read_all(&at("t", 0)).is_empty());
        assert_eq!(subject.range(&at("t", 0)), OffsetRange { start: 0, end: 0 });
        producer.commit().unwrap();
        assert_eq!(values(&subject.read_all(&at("t", 0))), ["a"]);
        assert_eq!(subject.range(&at("t", 0)), OffsetRange { start: 0, end: 1 });
    });
}

#[test]
fn records_of_several_topics_and_offsets_commit_together_or_not_at_all() {
    each_log(|subject| {
        subject.create("in", 1);
        subject.create("out", 2);
        let (input, out) = (at("in", 0), at("out", 1));
        let mut producer = subject.log.producer("p").unwrap();
        let mut fill = |commit: bool| {
            producer.begin().unwrap();
            producer.send(&input, vec![text("a"), text("b")]).unwrap();
            producer.send(&out, vec![text("c")]).unwrap();
            producer
                .send_offsets("g", &[commit_of(&input, 2, "w=5")], None)
                .unwrap();
            if commit {
                producer.commit()
            } else {
                producer.abort()
            }
            .unwrap();
        };
        fill(false);
        assert!(subject.read_all(&input).is_empty() && subject.read_all(&out).is_empty());
        assert_eq!(
            subject
                .log
                .committed("g", std::slice::from_ref(&input))
                .unwrap(),
            [None]
        );
        fill(true);
        assert_eq!(values(&subject.read_all(&input)), ["a", "b"]);
        assert_eq!(values(&subject.read_all(&out)), ["c"]);
        let committed = subject
            .log
            .committed("g", &[out.clone(), input.clone()])
            .unwrap();
        assert_eq!(committed[0], None);
        let committed = committed[1].as_ref().expect("a position");
        assert_eq!((committed.offset, committed.metadata.as_str()), (2, "w=5"));
    });
}

#[test]
fn a_newer_producer_fences_the_older_one_at_every_call() {
    each_log(|subject| {
        subject.create("t", 1);
        let mut idle = subject.log.producer("p").unwrap();
        let mut other = subject.log.producer("another id").unwrap();
        let mut older = subject.log.producer("p").unwrap();
        older.begin().unwrap();
        older.send(&at("t", 0), vec![text("lost")]).unwrap();
        let mut newer = subject.log.producer("p").unwrap();
        assert_fenced(idle.begin());
        assert_fenced(older.send(&at("t", 0), vec![text("too late")]));
        assert_fenced(older.send_offsets("g", &[commit_of(&at("t", 0), 1, "")], None));
        assert_fenced(older.commit());
        assert_fenced(older.abort());
        for producer in [&mut other, &mut newer] {
            producer.begin().unwrap();
            producer.send(&at("t", 0), vec![text("kept")]).unwrap();
            producer.commit().unwrap();
        }
        assert_eq!(values(&subject.read_all(&at("t", 0))), ["kept", "kept"]);
    });
}

fn assert_fenced(result: Result<(), LogError>) {
    let error = result.expect_err("a newer producer is there");
    assert!(matches!(error, LogError::Fenced(_)), "{error:?}");
    assert_eq!(error.remedy(), Remedy::Reopen);
}

#[test]
fn calls_that_do_not_fit_the_transactions_state_are_refused_and_change_nothing() {
    each_log(|subject| {
        subject.create("t", 1);
        let mut producer = subject.log.producer("p").unwrap();
        let is_state = |result| matches!(result, Err(LogError::State(_)));
        assert!(is_state(producer.send(&at("t", 0), vec![text("a")])));
        assert!(is_state(producer.send_offsets("g", &[], None)));
        assert!(is_state(producer.commit()));
        producer.abort().unwrap();
        producer.begin().unwrap();
        assert!(is_state(producer.begin()));
        let unknown = producer.send(&at("nowhere", 0), vec![text("a")]);
        assert!(matches!(unknown, Err(LogError::NoTopic(_))));
        let unknown = producer.send(&at("t", 1), vec![text("a")]);
        assert!(matches!(unknown, Err(LogError::NoPartition(_))));
        let long = commit_of(&at("t", 0), 0, &"x".repeat(4_001));
        let long = producer.send_offsets("g", &[long], None);
        assert!(matches!(long, Err(LogError::TooLarge { .. })));
        producer.commit().unwrap();
        assert!(subject.read_all(&at("t", 0)).is_empty());
    });
}

#[test]
fn a_record_of_10_mb_is_kept_and_one_beyond_the_limit_is_refused() {
    each_log(|subject| {
        subject.create("t", 1);
        let large = Bytes::from(vec![7; 10_000_000]);
        let record = LogRecord::new(None, Some(large.clone()), 0);
        subject.append(&at("t", 0), vec![text("before"), record, text("after")]);
        let records = subject.read_all(&at("t", 0));
        assert_eq!(records.len(), 3);
        assert_eq!(records[1].value, Some(large));
        let mut producer = subject.log.producer("p").unwrap();
        producer.begin().unwrap();
        let larger = LogRecord::new(None, Some(Bytes::from(vec![7; 17 << 20])), 0);
        let refused = producer.send(&at("t", 0), vec![larger]);
        assert!(matches!(refused, Err(LogError::TooLarge { .. })));
    });
}

#[test]
fn a_transaction_beyond_the_limit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions {
        transaction_bytes_max: 1_000,
        ..EmbeddedOptions::default()
    };
    let log = EmbeddedLog::open(dir.path(), options).unwrap();
    log.ensure_topic(&spec("t", 1)).unwrap();
    let mut producer = log.producer("p").unwrap();
    producer.begin().unwrap();
    producer
        .send(&at("t", 0), vec![text(&"x".repeat(600))])
        .unwrap();
    let refused = producer.send(&at("t", 0), vec![text(&"x".repeat(600))]);
    assert!(matches!(
        refused,
        Err(LogError::TooLarge {
            bytes: 1_200,
            limit: 1_000
        })
    ));
}

#[test]
fn topics_are_created_once_and_with_one_number_of_partitions() {
    each_log(|subject| {
        subject.create("t", 3);
        assert!(!subject.log.ensure_topic(&spec("t", 3)).unwrap());
        let other = subject.log.ensure_topic(&spec("t", 4));
        assert!(matches!(
            other,
            Err(LogError::PartitionCount {
                found: 3,
                wanted: 4,
                ..
            })
        ));
        subject.create("u", 1);
        let topics = subject.log.topics().unwrap();
        assert_eq!(topics.len(), 2);
        assert_eq!(
            subject.log.topic(&name("t")).unwrap().as_ref(),
            Some(&topics[0])
        );
        assert_eq!(subject.log.topic(&name("nowhere")).unwrap(), None);
    });
}
