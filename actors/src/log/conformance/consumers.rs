//! Groups and consumers: offsets, start policies, pause, seek, turns, take-over.

use super::*;

#[test]
fn a_group_goes_on_where_it_committed() {
    each_log(|subject| {
        subject.create("t", 1);
        subject.append(&at("t", 0), ["a", "b", "c"].map(text).to_vec());
        let consumer = subject.consumer("g", "t", Start::Earliest);
        let mut producer = subject.log.producer("p").unwrap();
        commit_offsets(
            &mut *producer,
            "g",
            &[commit_of(&at("t", 0), 1, "")],
            &*consumer,
        )
        .unwrap();
        let mut next = subject.consumer("g", "t", Start::Latest);
        assert_eq!(values(&next_records(&mut *next).unwrap().1), ["b", "c"]);
        let mut another_group = subject.consumer("h", "t", Start::Earliest);
        assert_eq!(
            values(&next_records(&mut *another_group).unwrap().1),
            ["a", "b", "c"]
        );
    });
}

#[test]
fn a_group_without_offsets_begins_where_its_start_says() {
    each_log(|subject| {
        subject.create("t", 1);
        let records = [10, 30, 20, 40].map(|t| keyed("k", &t.to_string(), t));
        subject.append(&at("t", 0), records.to_vec());
        let first = |group: &str, start| {
            let mut consumer = subject.consumer(group, "t", start);
            next_records(&mut *consumer).map(|(_, records)| values(&records).remove(0))
        };
        assert_eq!(first("a", Start::Earliest).as_deref(), Some("10"));
        assert_eq!(first("b", Start::Latest), None);
        assert_eq!(first("c", Start::Timestamp(15)).as_deref(), Some("30"));
        assert_eq!(first("d", Start::Timestamp(35)).as_deref(), Some("40"));
        assert_eq!(first("e", Start::Timestamp(41)), None);
    });
}

#[test]
fn a_paused_partition_is_silent_until_resumed() {
    each_log(|subject| {
        subject.create("t", 2);
        subject.append(&at("t", 0), vec![text("a")]);
        subject.append(&at("t", 1), vec![text("b")]);
        let mut consumer = subject.consumer("g", "t", Start::Earliest);
        consumer.pause(&at("t", 0));
        assert_eq!(next_records(&mut *consumer).unwrap().0, at("t", 1));
        assert_eq!(next_records(&mut *consumer), None);
        consumer.resume(&at("t", 0));
        assert_eq!(next_records(&mut *consumer).unwrap().0, at("t", 0));
    });
}

#[test]
fn seeking_reads_again_and_only_what_is_assigned_can_be_sought() {
    each_log(|subject| {
        subject.create("t", 1);
        subject.create("u", 1);
        subject.append(&at("t", 0), ["a", "b", "c"].map(text).to_vec());
        let mut consumer = subject.consumer("g", "t", Start::Earliest);
        assert_eq!(next_records(&mut *consumer).unwrap().1.len(), 3);
        consumer.seek(&at("t", 0), 1).unwrap();
        assert_eq!(values(&next_records(&mut *consumer).unwrap().1), ["b", "c"]);
        let foreign = consumer.seek(&at("u", 0), 0);
        assert!(matches!(foreign, Err(LogError::NoPartition(_))));
    });
}

#[test]
fn partitions_take_turns_and_each_is_in_order() {
    each_log(|subject| {
        subject.create("t", 3);
        for partition in 0..3 {
            let records = (0..20).map(|i| text(&i.to_string())).collect();
            subject.append(&at("t", partition), records);
        }
        let mut consumer = subject.consumer("g", "t", Start::Earliest);
        let mut next = [0; 3];
        for turn in 0..15 {
            let (from, records) = next_records(&mut *consumer).unwrap();
            assert_eq!(from.partition, turn % 3);
            for record in records {
                assert_eq!(record.offset, next[from.partition as usize]);
                assert_eq!(record.value, Some(bytes(&record.offset.to_string())));
                next[from.partition as usize] += 1;
            }
        }
        assert_eq!(next, [20; 3]);
    });
}

#[test]
fn a_waiting_poll_wakes_at_a_commit() {
    each_log(|subject| {
        subject.create("t", 1);
        let mut consumer = subject.consumer("g", "t", Start::Earliest);
        let log = Arc::clone(&subject.log);
        let writer = std::thread::spawn(move || {
            let mut producer = log.producer("p").unwrap();
            producer.begin().unwrap();
            producer.send(&at("t", 0), vec![text("a")]).unwrap();
            producer.commit().unwrap();
        });
        // Far longer than the test may take: only a wake-up ends it.
        let polled = consumer.poll(Duration::from_mins(10)).unwrap();
        assert!(matches!(polled, Polled::Records(..)), "{polled:?}");
        writer.join().unwrap();
    });
}

#[test]
fn a_newer_consumer_of_the_group_takes_over() {
    each_log(|subject| {
        subject.create("t", 1);
        subject.append(&at("t", 0), vec![text("a")]);
        let mut older = subject.consumer("g", "t", Start::Earliest);
        let mut producer = subject.log.producer("p").unwrap();
        producer.begin().unwrap();
        let token = older.token().unwrap();
        let offsets = [commit_of(&at("t", 0), 1, "")];
        producer.send_offsets("g", &offsets, Some(&token)).unwrap();
        let mut newer = subject.consumer("g", "t", Start::Earliest);
        assert!(matches!(producer.commit(), Err(LogError::Fenced(_))));
        producer.begin().unwrap();
        let stale = producer.send_offsets("g", &offsets, Some(&token));
        assert!(matches!(stale, Err(LogError::Fenced(_))));
        assert!(matches!(older.token(), Err(LogError::Fenced(_))));
        let told = older.poll(Duration::ZERO).unwrap();
        assert!(
            matches!(told, Polled::Revoked { lost: true, .. }),
            "{told:?}"
        );
        assert!(matches!(
            older.poll(Duration::ZERO),
            Err(LogError::Fenced(_))
        ));
        assert_eq!(subject.log.committed("g", &[at("t", 0)]).unwrap(), [None]);
        assert_eq!(values(&next_records(&mut *newer).unwrap().1), ["a"]);
    });
}

#[test]
fn a_token_serves_its_own_group_only() {
    each_log(|subject| {
        subject.create("t", 1);
        let consumer = subject.consumer("g", "t", Start::Earliest);
        let mut producer = subject.log.producer("p").unwrap();
        producer.begin().unwrap();
        let token = consumer.token().unwrap();
        let foreign = producer.send_offsets("h", &[commit_of(&at("t", 0), 0, "")], Some(&token));
        assert!(matches!(foreign, Err(LogError::State(_))));
    });
}

#[test]
fn a_consumer_of_a_missing_topic_is_refused() {
    each_log(|subject| {
        let refused = subject
            .log
            .consumer(&settings("g", "nowhere", Start::Earliest));
        assert!(matches!(refused.map(|_| ()), Err(LogError::NoTopic(_))));
    });
}

#[test]
fn a_member_takes_topics_up_while_it_reads() {
    each_log(|subject| {
        for topic in ["a", "b"] {
            subject.create(topic, 1);
            subject.append(&at(topic, 0), vec![text(topic)]);
        }
        let mut consumer = subject.consumer("g", "a", Start::Earliest);
        assert_eq!(values(&next_records(&mut *consumer).unwrap().1), ["a"]);
        let both = [name("a"), name("b")].map(|topic| (topic, Start::Earliest));
        consumer.subscribe(&both).unwrap();
        let polled = consumer.poll(Duration::ZERO).unwrap();
        let Polled::Assigned(new) = polled else {
            panic!("{polled:?}");
        };
        assert_eq!(new, [at("b", 0)], "only what is new");
        let (from, records) = next_records(&mut *consumer).unwrap();
        assert_eq!((from, values(&records)), (at("b", 0), vec!["b".to_owned()]));
        consumer.subscribe(&both).unwrap();
        assert!(matches!(
            consumer.poll(Duration::ZERO).unwrap(),
            Polled::Nothing
        ));
    });
}
