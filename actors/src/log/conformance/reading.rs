//! Reading without a group: ranges, limits, headers, sizes.

use super::*;

#[test]
fn keys_values_headers_and_timestamps_come_back_as_they_were() {
    each_log(|subject| {
        subject.create("t", 1);
        let mut with_headers = keyed("k", "v", i64::MAX);
        with_headers.headers = headers(&[("model", b"fraud@3"), ("empty", b""), ("model", b"x")]);
        let sent = vec![
            with_headers,
            LogRecord::new(Some(bytes("deleted")), None, -1),
            LogRecord::new(None, Some(Bytes::new()), i64::MIN),
            LogRecord::new(Some(Bytes::new()), None, 0),
            LogRecord::new(None, None, 7),
        ];
        subject.append(&at("t", 0), sent.clone());
        for (got, mut sent) in subject.read_all(&at("t", 0)).into_iter().zip(sent) {
            sent.offset = got.offset;
            assert_eq!(got, sent);
        }
        assert_eq!(
            subject.read_all(&at("t", 0))[0].headers.get("model"),
            Some(&b"fraud@3"[..])
        );
    });
}

#[test]
fn a_read_stops_at_its_limits_and_the_next_goes_on() {
    each_log(|subject| {
        subject.create("t", 1);
        for _ in 0..3 {
            let records = (0..1_000).map(|i| text(&format!("{i:0>100}"))).collect();
            subject.append(&at("t", 0), records);
        }
        for (max_records, max_bytes) in [(1, usize::MAX), (700, usize::MAX), (usize::MAX, 12_345)] {
            let mut offset = 0;
            while offset < 3_000 {
                let fetched = subject
                    .log
                    .read(&at("t", 0), offset, max_records, max_bytes)
                    .unwrap();
                assert!((1..=max_records).contains(&fetched.records.len()));
                assert!(fetched.records.len() <= max_bytes / 100);
                for record in fetched.records {
                    assert_eq!(record.offset, offset);
                    let number = format!("{:0>100}", offset % 1_000);
                    assert_eq!(record.value, Some(bytes(&number)));
                    offset += 1;
                }
                assert_eq!(fetched.next_offset, offset);
            }
        }
    });
}

#[test]
fn a_read_brings_one_record_even_if_it_is_beyond_the_limit() {
    each_log(|subject| {
        subject.create("t", 1);
        subject.append(&at("t", 0), vec![text("large"), text("next")]);
        let fetched = subject.log.read(&at("t", 0), 0, 10, 1).unwrap();
        assert_eq!(values(&fetched.records), ["large"]);
        assert_eq!(fetched.next_offset, 1);
        let fetched = subject.log.read(&at("t", 0), 0, 0, 0).unwrap();
        assert_eq!(values(&fetched.records), ["large"]);
    });
}

#[test]
fn a_read_at_or_behind_the_end_brings_nothing() {
    each_log(|subject| {
        subject.create("t", 1);
        subject.append(&at("t", 0), vec![text("a")]);
        for from in [1, 5] {
            let fetched = subject.read(&at("t", 0), from);
            assert!(fetched.records.is_empty());
            assert_eq!(fetched.next_offset, from);
        }
        let missing = subject.log.read(&at("t", 9), 0, 1, 1);
        assert!(matches!(missing, Err(LogError::NoPartition(_))));
        let missing = subject.log.read(&at("nowhere", 0), 0, 1, 1);
        assert!(matches!(missing, Err(LogError::NoTopic(_))));
    });
}

#[test]
fn the_offset_at_a_time_is_the_first_record_that_late() {
    each_log(|subject| {
        subject.create("t", 1);
        let times = [5, 50, 20, 20, 70, 60, 100];
        for some in times.chunks(2) {
            let records = some.iter().map(|t| keyed("k", "v", *t)).collect();
            subject.append(&at("t", 0), records);
        }
        for time in 0..=101 {
            let first = times.iter().position(|t| *t >= time).unwrap_or(times.len());
            let offset = subject.log.offset_at(&at("t", 0), time).unwrap();
            assert_eq!(offset, i64::try_from(first).unwrap(), "at {time}");
        }
    });
}

#[test]
fn everything_committed_is_there_after_opening_again() {
    let subject = Subject::embedded();
    subject.create("t", 2);
    let compacted = TopicSpec {
        compacted: true,
        retention_ms: Some(5),
        retention_bytes: Some(6),
        ..spec("u", 1)
    };
    subject.log.ensure_topic(&compacted).unwrap();
    subject.append(&at("t", 1), ["a", "b", "c"].map(text).to_vec());
    subject.log.delete_before(&at("t", 1), 1).unwrap();
    let mut producer = subject.log.producer("p").unwrap();
    producer.begin().unwrap();
    producer
        .send_offsets("group ü", &[commit_of(&at("t", 1), 2, "mark")], None)
        .unwrap();
    producer.commit().unwrap();
    producer.begin().unwrap();
    producer
        .send(&at("t", 1), vec![text("never committed")])
        .unwrap();
    drop(producer);
    let before = subject.log.topics().unwrap();

    let subject = subject.reopened();
    assert_eq!(subject.log.topics().unwrap(), before);
    assert_eq!(
        subject.log.topic(&name("u")).unwrap().unwrap().spec,
        compacted
    );
    assert_eq!(values(&subject.read_all(&at("t", 1))), ["b", "c"]);
    let committed = subject.log.committed("group ü", &[at("t", 1)]).unwrap();
    let committed = committed[0].as_ref().expect("a position");
    assert_eq!((committed.offset, committed.metadata.as_str()), (2, "mark"));
    subject.append(&at("t", 1), vec![text("d")]);
    assert_eq!(values(&subject.read_all(&at("t", 1))), ["b", "c", "d"]);
    assert_eq!(subject.range(&at("t", 1)), OffsetRange { start: 1, end: 4 });
}

#[test]
fn a_directory_in_use_is_locked() {
    let subject = Subject::embedded();
    let dir = subject.dir.as_ref().expect("a directory").path();
    let second = EmbeddedLog::open(dir, EmbeddedOptions::default());
    assert!(matches!(second, Err(LogError::Locked(path)) if path == dir));
}

#[test]
fn damage_on_disk_is_an_error_and_never_other_records() {
    let subject = Subject::embedded();
    subject.create("t", 1);
    let records: Vec<_> = (0..3_000).map(|i| text(&format!("{i:0>100}"))).collect();
    subject.append(&at("t", 0), records);
    let dir = subject
        .dir
        .as_ref()
        .expect("a directory")
        .path()
        .join("segments");
    let segment = std::fs::read_dir(dir)
        .unwrap()
        .next()
        .expect("a segment")
        .unwrap()
        .path();
    let whole = std::fs::read(&segment).unwrap();
    // The cache holds the newest chunks only.
    let first = |subject: &Subject| subject.log.read(&at("t", 0), 0, 1, 1);
    for damage in [0, 100, 65_000] {
        let mut bytes = whole.clone();
        bytes[damage] ^= 4;
        std::fs::write(&segment, bytes).unwrap();
        assert!(
            matches!(first(&subject), Err(LogError::Damaged(_))),
            "byte {damage}"
        );
    }
    std::fs::write(&segment, &whole[..1_000]).unwrap();
    assert!(matches!(first(&subject), Err(LogError::Damaged(_))));
    std::fs::write(&segment, &whole).unwrap();
    assert_eq!(
        values(&first(&subject).unwrap().records)[0],
        format!("{:0>100}", 0)
    );
    std::fs::remove_file(&segment).unwrap();
    let subject = subject.reopened();
    assert!(matches!(first(&subject), Err(LogError::Damaged(_))));
}

#[test]
fn segments_without_a_chunk_in_use_are_removed() {
    let subject = Subject::embedded();
    subject.create("t", 2);
    let segments = |subject: &Subject| {
        let dir = subject.dir.as_ref().expect("a directory").path();
        std::fs::read_dir(dir.join("segments")).unwrap().count()
    };
    for _ in 0..4 {
        subject.append(&at("t", 0), vec![text(&"x".repeat(8 << 20))]);
        subject.append(&at("t", 1), vec![text("small")]);
    }
    assert_eq!(segments(&subject), 5);
    subject.log.delete_before(&at("t", 0), 3).unwrap();
    assert_eq!(segments(&subject), 2);
    subject.log.delete_before(&at("t", 1), 4).unwrap();
    assert_eq!(segments(&subject), 1);
    subject.append(&at("t", 1), vec![text("again")]);
    let subject = subject.reopened();
    assert_eq!(segments(&subject), 2);
    assert_eq!(values(&subject.read_all(&at("t", 1))), ["again"]);
}
