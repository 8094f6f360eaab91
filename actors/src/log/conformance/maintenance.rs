//! Retention, compaction and purge.

use super::*;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[test]
fn deleting_before_an_offset_moves_the_start_and_readers_go_on_there() {
    each_log(|subject| {
        subject.create("t", 1);
        for some in ["a", "b", "c", "d"] {
            subject.append(&at("t", 0), vec![text(some), text(some)]);
        }
        for (before, left) in [(3, 5), (2, 5), (3, 5), (6, 2), (99, 0)] {
            subject.log.delete_before(&at("t", 0), before).unwrap();
            let records = subject.read_all(&at("t", 0));
            assert_eq!(records.len(), left, "before {before}");
            let range = subject.range(&at("t", 0));
            assert_eq!(range.start, 8 - i64::try_from(left).unwrap());
            assert_eq!(range.end, 8);
        }
        subject.append(&at("t", 0), vec![text("e")]);
        assert_eq!(subject.read(&at("t", 0), 0).records[0].offset, 8);
    });
}

#[test]
fn retention_by_size_drops_the_oldest_and_keeps_the_newest() {
    each_log(|subject| {
        let keep = TopicSpec {
            retention_bytes: Some(100_000),
            ..spec("t", 1)
        };
        subject.log.ensure_topic(&keep).unwrap();
        for _ in 0..50 {
            subject.append(&at("t", 0), vec![text(&"x".repeat(10_000))]);
        }
        subject.maintain();
        let records = subject.read_all(&at("t", 0));
        assert!(
            (5..=10).contains(&records.len()),
            "{} records",
            records.len()
        );
        let range = subject.range(&at("t", 0));
        assert_eq!((records[0].offset, range.end), (range.start, 50));
        assert_eq!(records.last().map(|r| r.offset), Some(49));
        subject.append(&at("t", 0), vec![text(&"x".repeat(1_000_000))]);
        subject.maintain();
        assert_eq!(subject.read_all(&at("t", 0)).len(), 1);
    });
}

#[test]
fn retention_by_age_drops_what_is_older() {
    each_log(|subject| {
        let keep = TopicSpec {
            retention_ms: Some(1_000),
            ..spec("t", 1)
        };
        subject.log.ensure_topic(&keep).unwrap();
        for time in [0, 500, 1_000, 1_500] {
            subject.append(&at("t", 0), vec![keyed("k", &time.to_string(), time)]);
        }
        for (now, left) in [(900, 4), (1_501, 2), (2_600, 0)] {
            subject.clock.set_ms(now);
            subject.maintain();
            assert_eq!(subject.read_all(&at("t", 0)).len(), left, "at {now}");
        }
        assert_eq!(subject.range(&at("t", 0)), OffsetRange { start: 4, end: 4 });
    });
}

#[test]
fn joining_small_chunks_changes_nothing_that_a_reader_sees() {
    each_log(|subject| {
        subject.create("t", 1);
        for i in 0..2_000 {
            subject.append(&at("t", 0), vec![keyed("k", &format!("{i:0>90}"), i)]);
        }
        subject.log.delete_before(&at("t", 0), 7).unwrap();
        let before = subject.read_all(&at("t", 0));
        let maintained = (subject.maintain_once)().unwrap();
        assert!(maintained.rewritten > 100, "{maintained:?}");
        subject.maintain();
        assert_eq!(subject.read_all(&at("t", 0)), before);
        assert_eq!(
            subject.range(&at("t", 0)),
            OffsetRange {
                start: 7,
                end: 2_000
            }
        );
        assert_eq!(subject.log.offset_at(&at("t", 0), 1_234).unwrap(), 1_234);
        assert_eq!((subject.maintain_once)().unwrap(), Maintained::default());
    });
}

#[test]
fn compaction_keeps_the_last_record_of_each_key_with_its_offset() {
    each_log(|subject| {
        subject.log.ensure_topic(&compacted("t")).unwrap();
        for round in 0..20 {
            let records = (0..100).map(|k| keyed(&k.to_string(), &format!("{round}"), 0));
            subject.append(&at("t", 0), records.collect());
        }
        subject.append(
            &at("t", 0),
            vec![text("without a key"), keyed("7", "newest", 0)],
        );
        subject.maintain();
        let records = subject.read_all(&at("t", 0));
        // The chunk at the end, which is no part of a compaction, has the second "7".
        let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
        assert_eq!(offsets, (1_900..2_002).collect::<Vec<_>>());
        assert_eq!(subject.read(&at("t", 0), 55).records[0].offset, 1_900);
        let mut consumer = subject.consumer("g", "t", Start::Earliest);
        assert_eq!(next_records(&mut *consumer).unwrap().1[0].offset, 1_900);
    });
}

#[test]
fn compaction_keeps_deletes_for_a_day() {
    each_log(|subject| {
        subject.log.ensure_topic(&compacted("t")).unwrap();
        let delete = |time| LogRecord::new(Some(bytes("k")), None, time);
        subject.append(&at("t", 0), vec![keyed("k", "v", 0), delete(10)]);
        subject.append(&at("t", 0), vec![text("the newest chunk stays as it is")]);
        for (now, left) in [(DAY_MS, 2), (DAY_MS + 11, 1)] {
            subject.clock.set_ms(now);
            // A pass begins when at least half is dirty.
            subject.append(&at("t", 0), vec![keyed("other", &"x".repeat(500), 0)]);
            subject.append(&at("t", 0), vec![text("the newest chunk stays as it is")]);
            subject.maintain();
            let records = subject.read_all(&at("t", 0));
            let ks = records
                .iter()
                .filter(|r| r.key.as_deref() == Some(b"k"))
                .count();
            assert_eq!(ks, left - 1, "at {now}");
        }
    });
}

#[test]
fn a_reader_misses_nothing_while_chunks_are_rewritten_beneath_it() {
    each_log(|subject| {
        subject.create("t", 1);
        let log = Arc::clone(&subject.log);
        let writer = std::thread::spawn(move || {
            let mut producer = log.producer("p").unwrap();
            for i in 0..1_500 {
                producer.begin().unwrap();
                producer
                    .send(&at("t", 0), vec![text(&format!("{i:0>500}"))])
                    .unwrap();
                producer.commit().unwrap();
            }
        });
        let mut tail = subject.consumer("tail", "t", Start::Earliest);
        let mut expected = 0;
        while expected < 1_500 {
            (subject.maintain_once)().unwrap();
            let all = subject.read_all(&at("t", 0));
            assert!(
                (0..)
                    .zip(&all)
                    .all(|(offset, record)| record.offset == offset)
            );
            if let Polled::Records(_, fetched) = tail.poll(Duration::from_millis(1)).unwrap() {
                for record in fetched.records {
                    assert_eq!(record.offset, expected);
                    expected += 1;
                }
            }
        }
        writer.join().unwrap();
    });
}

fn compacted(topic: &str) -> TopicSpec {
    TopicSpec {
        compacted: true,
        ..spec(topic, 1)
    }
}
