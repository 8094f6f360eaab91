//! Random operations against a model that is as simple as can be: vectors of records.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const TOPICS: [(&str, bool); 2] = [("plain", false), ("compacted", true)];
const PARTITIONS: u32 = 2;

#[derive(Debug, Clone)]
enum Operation {
    /// Records as (topic, partition, key, value's length), then a commit or an abort.
    Transaction(Vec<(usize, u32, u8, usize)>, bool),
    DeleteBefore(usize, u32, i64),
    Maintain,
    Reopen,
}

/// What a partition should be.
#[derive(Debug, Default, Clone)]
struct Model {
    records: Vec<LogRecord>,
    start: i64,
    end: i64,
}

fn operation() -> impl Strategy<Value = Operation> {
    let record = (
        0..2usize,
        0..PARTITIONS,
        0..4u8,
        prop_oneof![0..50usize, 30_000..70_000usize],
    );
    prop_oneof![
        6 => (prop::collection::vec(record, 0..12), prop::bool::weighted(0.8))
            .prop_map(|(records, commit)| Operation::Transaction(records, commit)),
        1 => (0..2usize, 0..PARTITIONS, 0..60i64)
            .prop_map(|(topic, partition, offset)| Operation::DeleteBefore(topic, partition, offset)),
        2 => Just(Operation::Maintain),
        1 => Just(Operation::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_operations_leaves_what_the_model_has(
        operations in prop::collection::vec(operation(), 1..40)
    ) {
        for subject in [Subject::memory(), Subject::embedded()] {
            run(subject, &operations);
        }
    }
}

fn run(mut subject: Subject, operations: &[Operation]) {
    let mut models: HashMap<TopicPartition, Model> = HashMap::new();
    for (topic, compacted) in TOPICS {
        let topic_spec = TopicSpec {
            compacted,
            ..spec(topic, PARTITIONS)
        };
        subject.log.ensure_topic(&topic_spec).unwrap();
        models.extend((0..PARTITIONS).map(|partition| (at(topic, partition), Model::default())));
    }
    for (step, operation) in (0..).zip(operations) {
        match operation {
            Operation::Transaction(records, commit) => {
                transact(&subject, &mut models, records, *commit, step);
            }
            Operation::DeleteBefore(topic, partition, offset) => {
                let at = at(TOPICS[*topic].0, *partition);
                subject.log.delete_before(&at, *offset).unwrap();
                let model = models.get_mut(&at).expect("a model");
                model.start = model.start.max((*offset).min(model.end));
            }
            Operation::Maintain => subject.maintain(),
            Operation::Reopen => subject = subject.reopened(),
        }
        for (at, model) in &models {
            compare(&subject, at, model);
        }
    }
}

fn transact(
    subject: &Subject,
    models: &mut HashMap<TopicPartition, Model>,
    records: &[(usize, u32, u8, usize)],
    commit: bool,
    step: i64,
) {
    let mut producer = subject.log.producer("p").unwrap();
    producer.begin().unwrap();
    for (topic, partition, key, length) in records {
        let at = at(TOPICS[*topic].0, *partition);
        let record = keyed(&key.to_string(), &"v".repeat(*length), step);
        producer.send(&at, vec![record.clone()]).unwrap();
        if commit {
            let model = models.get_mut(&at).expect("a model");
            model.records.push(LogRecord {
                offset: model.end,
                ..record
            });
            model.end += 1;
        }
    }
    if commit {
        producer.commit()
    } else {
        producer.abort()
    }
    .unwrap();
}

/// Plain topics have exactly the model's records. Compacted ones may lack those that have a later one
/// with their key.
fn compare(subject: &Subject, at: &TopicPartition, model: &Model) {
    let range = OffsetRange {
        start: model.start,
        end: model.end,
    };
    assert_eq!(subject.range(at), range, "{at}");
    let mut expected = model
        .records
        .iter()
        .filter(|record| record.offset >= model.start)
        .peekable();
    let got = subject.read_all(at);
    let compacted = at.topic.as_str() == TOPICS[1].0;
    for record in &got {
        while compacted && expected.peek().is_some_and(|e| e.offset < record.offset) {
            let gone = expected.next().expect("one was peeked at");
            let later = |r: &&LogRecord| r.offset > gone.offset && r.key == gone.key;
            assert!(
                model.records.iter().any(|r| later(&r)),
                "{at} lost {}",
                gone.offset
            );
        }
        assert_eq!(Some(record), expected.next(), "{at}");
    }
    let missing: Vec<i64> = expected.map(|record| record.offset).collect();
    assert!(missing.is_empty(), "{at} lost {missing:?}");
    if let Some(middle) = got.get(got.len() / 2) {
        assert_eq!(subject.read(at, middle.offset).records[0], *middle);
    }
}
