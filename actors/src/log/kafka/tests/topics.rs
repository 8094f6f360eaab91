//! Topics: created once, described, cut; and the positions of groups.

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::*;

#[test]
fn a_topic_is_created_once_as_it_is_to_be() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let (plain, compacted) = (unique(), unique());
    let compacted = TopicSpec {
        compacted: true,
        retention_ms: Some(86_400_000),
        retention_bytes: Some(1 << 30),
        ..spec(&compacted, 3)
    };
    for spec in [spec(&plain, 2), compacted] {
        assert!(subject.log.ensure_topic(&spec).expect("created"));
        assert!(!subject.log.ensure_topic(&spec).expect("there"));
        let info = subject
            .log
            .topic(&spec.name)
            .expect("an answer")
            .expect("there");
        assert_eq!(
            info.ranges,
            vec![OffsetRange::default(); spec.partitions as usize]
        );
        assert_eq!(info.spec, spec);
        let all = subject.log.topics().expect("an answer");
        assert!(all.contains(&info));
        assert!(
            all.iter()
                .all(|info| !info.spec.name.as_str().starts_with("__"))
        );
    }
    let other = subject.log.ensure_topic(&spec(&plain, 5));
    let Err(LogError::PartitionCount {
        found: 2,
        wanted: 5,
        ..
    }) = other
    else {
        panic!("{other:?}");
    };
}

#[test]
fn several_may_create_a_topic_at_the_same_time() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let spec = spec(&unique(), 2);
    let created: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (spec, log) = (&spec, connect(&subject.brokers));
                scope.spawn(move || u32::from(log.ensure_topic(spec).expect("there")))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .sum()
    });
    assert_eq!(created, 1);
}

#[test]
fn records_before_an_offset_go_and_nothing_else() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let producer = subject.producer();
    subject.commit(&producer, &at, &["a", "b", "c"]);
    subject.log.delete_before(&at, 2).expect("deleted");
    assert_eq!(subject.range(&at), OffsetRange { start: 2, end: 4 });
    let fetched = subject.log.read(&at, 0, 10, 1 << 20).expect("readable");
    assert_eq!(values(&fetched.records), ["c"]);
    // Again, further back, and past the end.
    subject.log.delete_before(&at, 2).expect("deleted");
    subject.log.delete_before(&at, 1).expect("deleted");
    assert_eq!(subject.range(&at).start, 2);
    subject.log.delete_before(&at, 99).expect("deleted");
    assert_eq!(subject.range(&at), OffsetRange { start: 4, end: 4 });
    subject.commit(&producer, &at, &["d"]);
    assert_eq!(values(&subject.read_all(&at)), ["d"]);
}

#[test]
fn a_groups_positions_are_told_with_what_was_committed_beside_them() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let topic = subject.topic(3);
    let group = unique();
    let plain: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &subject.brokers)
        .set("group.id", group.as_str())
        .create()
        .expect("a consumer");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic.as_str(), 1, Offset::Offset(7))
        .expect("listed");
    list.elements()[0].set_metadata("watermark 5");
    plain.commit(&list, CommitMode::Sync).expect("committed");

    let places = [at(&topic, 2), at(&topic, 1), at(&topic, 0)];
    let told = subject
        .log
        .committed(group.as_str(), &places)
        .expect("an answer");
    let one = told[1].as_ref().expect("committed");
    assert_eq!((one.offset, one.metadata.as_str()), (7, "watermark 5"));
    assert!(told[0].is_none() && told[2].is_none());
    let nobody = subject.log.committed("nobody", &places).expect("an answer");
    assert_eq!(nobody, [None, None, None]);
    assert!(
        subject
            .log
            .committed("nobody", &[])
            .expect("an answer")
            .is_empty()
    );
}

#[test]
fn a_position_in_an_open_transaction_is_waited_for() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let group = unique();
    let producer = subject.producer();
    let member: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &subject.brokers)
        .set("group.id", group.as_str())
        .create()
        .expect("a consumer");
    producer.begin_transaction().expect("begun");
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(at.topic.as_str(), 0, Offset::Offset(3))
        .expect("listed");
    let metadata = member.group_metadata().expect("metadata");
    producer
        .send_offsets_to_transaction(&list, &metadata, WITHIN)
        .expect("sent");
    let told = std::thread::scope(|scope| {
        let told = scope.spawn(|| {
            subject
                .log
                .committed(group.as_str(), std::slice::from_ref(&at))
        });
        std::thread::park_timeout(Duration::from_millis(300));
        assert!(!told.is_finished());
        producer.commit_transaction(WITHIN).expect("committed");
        told.join().expect("no panic")
    });
    let told = told.expect("decided");
    assert_eq!(told[0].as_ref().map(|committed| committed.offset), Some(3));
}

#[test]
fn a_rehearsed_transaction_is_read_by_no_one_and_tells_the_brokers_time() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let at = at(&subject.topic(1), 0);
    let id = unique();
    // Twice: what the first left must not be taken for the second's.
    for _ in 0..2 {
        let tried = subject.log.try_transaction(id.as_str(), &at);
        tried.expect("allowed");
    }
    subject.visible(&at);
    assert!(subject.read_all(&at).is_empty());
    // The broker of a test is on this machine, or its clock is kept.
    let here = now_ms();
    let told = subject.log.last_written_at(&at, here).expect("an answer");
    let there = told.expect("within a day");
    assert!((here - there).abs() < 30_000, "{here} {there}");
    // A record from the future hides the marker's time.
    let producer = subject.producer();
    producer.begin_transaction().expect("begun");
    let future = here + 3_600_000;
    let record = BaseRecord::to(at.topic.as_str())
        .key("k")
        .payload("v")
        .timestamp(future);
    producer.send(record).expect("queued");
    producer.commit_transaction(WITHIN).expect("committed");
    subject.visible(&at);
    assert_eq!(
        subject.log.last_written_at(&at, here).expect("an answer"),
        None
    );
}

#[test]
fn an_open_transaction_that_holds_readers_back_is_found() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let places = [at(&subject.topic(1), 0), at(&subject.topic(1), 0)];
    let producer = subject.producer();
    subject.commit(&producer, &places[0], &["a"]);
    subject.commit(&producer, &places[1], &["a"]);
    let longer_than = Duration::from_millis(200);
    let held = || {
        subject
            .log
            .held_back(&places, longer_than)
            .expect("an answer")
    };
    assert!(held().is_empty());
    producer.begin_transaction().expect("begun");
    subject.write(&producer, &places[1], &["open", "open"]);
    let told = held();
    assert_eq!((told.len(), &told[0].at), (1, &places[1]));
    assert_eq!((told[0].readable, told[0].written), (2, 4));
    producer.abort_transaction(WITHIN).expect("aborted");
    subject.visible(&places[1]);
    assert!(held().is_empty());
}

#[test]
fn a_cluster_shows_its_brokers_and_their_settings() {
    let Some(subject) = Subject::new() else {
        return;
    };
    let cluster = subject.log.cluster().expect("an answer");
    let (id, address) = cluster.brokers.first().expect("a broker");
    assert!(address.contains(':'), "{address}");
    let setting = |name| subject.log.broker_setting(*id, name).expect("an answer");
    assert!(setting("log.retention.ms").is_some() || setting("log.retention.hours").is_some());
    assert_eq!(setting("no.such.setting"), None);
}
