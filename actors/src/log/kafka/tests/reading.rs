//! Reading: what comes back, where it stops, what is not seen.

use super::*;

#[test]
fn keys_values_headers_and_timestamps_come_back_as_they_were() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let producer = subject.producer();
    producer.begin_transaction().expect("begun");
    let headers = OwnedHeaders::new()
        .insert(Header {
            key: "model",
            value: Some("fraud@3"),
        })
        .insert(Header::<&str> {
            key: "none",
            value: None,
        })
        .insert(Header {
            key: "model",
            value: Some("x"),
        });
    let topic = at.topic.as_str();
    let full = BaseRecord::to(topic)
        .key("k")
        .payload("v")
        .timestamp(1_234)
        .headers(headers);
    producer.send(full).expect("queued");
    producer
        .send(
            BaseRecord::<str, str>::to(topic)
                .key("deleted")
                .timestamp(5),
        )
        .expect("queued");
    producer
        .send(BaseRecord::<str, str>::to(topic).payload("").timestamp(6))
        .expect("queued");
    producer.commit_transaction(WITHIN).expect("committed");
    subject.visible(&at);

    let records = subject.read_all(&at);
    let told: Vec<_> = records
        .iter()
        .map(|r| (r.offset, r.timestamp, r.key.as_deref(), r.value.as_deref()))
        .collect();
    type Shown = (i64, i64, Option<&'static [u8]>, Option<&'static [u8]>);
    let expect: [Shown; 3] = [
        (0, 1_234, Some(b"k"), Some(b"v")),
        (1, 5, Some(b"deleted"), None),
        (2, 6, None, Some(b"")),
    ];
    assert_eq!(told, expect);
    let headers: Vec<_> = records[0].headers.iter().collect();
    let expect: [(&str, &[u8]); 3] = [("model", b"fraud@3"), ("none", b""), ("model", b"x")];
    assert_eq!(headers, expect);
    assert!(records[1].headers.is_empty());
}

#[test]
fn a_read_stops_at_its_limits_and_the_next_goes_on() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let producer = subject.producer();
    let written: Vec<String> = (0..300).map(|n| format!("{n:0>100}")).collect();
    let texts: Vec<&str> = written.iter().map(String::as_str).collect();
    for part in texts.chunks(100) {
        subject.commit(&producer, &at, part);
    }
    for max in [1, 7, 1_000] {
        let (mut read, mut next) = (Vec::new(), 0);
        while read.len() < written.len() {
            let fetched = subject.log.read(&at, next, max, 1 << 20).expect("readable");
            assert!((1..=max).contains(&fetched.records.len()));
            read.extend(values(&fetched.records));
            next = fetched.next_offset;
        }
        assert!(read == written, "max {max}");
    }
    let fetched = subject.log.read(&at, 0, 100, 1).expect("readable");
    assert!(!fetched.records.is_empty(), "at least one, however large");
}

#[test]
fn the_end_is_past_control_records_and_is_told_without_waiting() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let producer = subject.producer();
    subject.commit(&producer, &at, &["a", "b"]);
    producer.begin_transaction().expect("begun");
    subject.write(&producer, &at, &["never"]);
    producer.abort_transaction(WITHIN).expect("aborted");
    subject.visible(&at);
    // Offsets: a, b, their commit, the aborted record, its abort.
    assert_eq!(subject.range(&at), OffsetRange { start: 0, end: 5 });
    let (mut next, mut read) = (0, Vec::new());
    while next < 5 {
        let fetched = subject.log.read(&at, next, 100, 1 << 20).expect("readable");
        read.extend(values(&fetched.records));
        next = fetched.next_offset;
    }
    assert_eq!((read, next), (vec!["a".to_owned(), "b".into()], 5));
    let began = std::time::Instant::now();
    for from in [5, 9] {
        let fetched = subject.log.read(&at, from, 100, 1 << 20).expect("readable");
        assert_eq!((fetched.records.len(), fetched.next_offset), (0, from));
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    subject.commit(&producer, &at, &["c"]);
    let fetched = subject.log.read(&at, 5, 100, 1 << 20).expect("readable");
    assert_eq!(values(&fetched.records), ["c"]);
}

#[test]
fn an_open_transaction_is_not_read_and_settled_waits_for_it() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let (dead, alive) = (subject.producer(), subject.producer());
    subject.commit(&alive, &at, &["a"]);
    dead.begin_transaction().expect("begun");
    subject.write(&dead, &at, &["open"]);
    alive.begin_transaction().expect("begun");
    subject.write(&alive, &at, &["hidden"]);
    alive.commit_transaction(WITHIN).expect("committed");
    assert_eq!(values(&subject.read_all(&at)), ["a"]);
    assert_eq!(subject.range(&at), OffsetRange { start: 0, end: 2 });

    let settled = std::thread::scope(|scope| {
        let settled = scope.spawn(|| subject.log.settled(std::slice::from_ref(&at)));
        // Not before the transaction is decided, and then at once.
        std::thread::park_timeout(Duration::from_millis(300));
        assert!(!settled.is_finished());
        dead.abort_transaction(WITHIN).expect("aborted");
        settled.join().expect("no panic")
    });
    assert_eq!(
        settled.expect("decided"),
        [OffsetRange { start: 0, end: 6 }]
    );
    assert_eq!(values(&subject.read_all(&at)), ["a", "hidden"]);
}

#[test]
fn the_offset_at_a_time_is_the_first_record_that_late() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let producer = subject.producer();
    producer.begin_transaction().expect("begun");
    for time in [5, 50, 70, 100] {
        let record = BaseRecord::to(at.topic.as_str())
            .key("k")
            .payload("v")
            .timestamp(time);
        producer.send(record).expect("queued");
    }
    producer.commit_transaction(WITHIN).expect("committed");
    subject.visible(&at);
    // The transaction's marker, which nobody sees, is at 4 and of now.
    for (time, offset) in [(0, 0), (5, 0), (6, 1), (70, 2), (71, 3), (101, 4)] {
        let found = subject.log.offset_at(&at, time).expect("an answer");
        assert_eq!(found, offset, "at {time}");
    }
}

#[test]
fn what_is_not_there_is_told() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let topic = subject.topic(1);
    let missing = subject.log.read(&at(&topic, 9), 0, 1, 1);
    assert!(
        matches!(missing, Err(LogError::NoPartition(_))),
        "{missing:?}"
    );
    let nowhere = at(&unique(), 0);
    let missing = subject.log.read(&nowhere, 0, 1, 1);
    assert!(matches!(missing, Err(LogError::NoTopic(_))), "{missing:?}");
    assert_eq!(subject.log.topic(&nowhere.topic).expect("an answer"), None);
    assert!(matches!(
        subject.log.settled(&[nowhere]),
        Err(LogError::NoTopic(_))
    ));
}

#[test]
fn partitions_read_by_turns_keep_their_places() {
    let Some(subject) = Subject::new() else {
        return;
    };
    // More than readers are kept.
    let topic = subject.topic(6);
    let producer = subject.producer();
    let places: Vec<_> = (0..6).map(|partition| at(&topic, partition)).collect();
    for place in &places {
        let texts: Vec<String> = (0..20).map(|n| format!("{place} {n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        subject.commit(&producer, place, &texts);
    }
    let mut next = [0; 6];
    let mut read: Vec<Vec<String>> = vec![Vec::new(); 6];
    for _ in 0..10 {
        for (nth, place) in places.iter().enumerate() {
            let fetched = subject
                .log
                .read(place, next[nth], 2, 1 << 20)
                .expect("readable");
            read[nth].extend(values(&fetched.records));
            next[nth] = fetched.next_offset;
        }
        subject.log.maintain().expect("maintained");
    }
    for (place, read) in places.iter().zip(read) {
        let expect: Vec<String> = (0..20).map(|n| format!("{place} {n}")).collect();
        assert_eq!(read, expect);
    }
}
