//! Passivation loses nothing: a counter per key goes on where it was, whatever was dropped meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use config::{
    Aggregate, Column, DataType, NodeId, Operator, OperatorKind, Over, Port, Rolling,
    RollingColumn, Schema,
};
use proptest::prelude::*;

use super::*;
use crate::batch::{Batch, Row};
use crate::clock::ManualClock;
use crate::nodes::context::Budget;
use crate::operators::keyed::keyed;
use crate::state::SledStore;
use crate::state::memory::MemoryStore;

/// Counts the rows of each key.
fn counter() -> Arc<dyn KeyedOperator> {
    let input = Schema::new(vec![Column::new("key", DataType::String, false)]);
    let count = Column::new("n", DataType::Int64, false);
    let output = Schema::new(input.columns().iter().cloned().chain([count]).collect());
    let rolling = Rolling {
        columns: vec![RollingColumn {
            name: "n".into(),
            aggregate: Aggregate::Count,
            of: None,
            over: Over::All,
            exclude_current: false,
            data_type: DataType::Int64,
        }],
    };
    keyed(&Operator {
        id: NodeId::parse("counter").expect("an id"),
        kind: OperatorKind::Rolling(rolling),
        inputs: Vec::new(),
        input_schema: input,
        ports: vec![Port {
            name: "".into(),
            schema: output,
        }],
        key: Some(0),
        hosting: config::Hosting::Hosted { max: None },
    })
    .expect("rolling is keyed")
}

/// Runs one row of each key and gives the counts.
fn run(
    operator: &dyn KeyedOperator,
    sessions: &mut Sessions,
    committed: &TaskState,
    keys: &[String],
    epoch: u64,
) -> Vec<i64> {
    let column = StringArray::from(keys.to_vec());
    let schema = Schema::new(vec![Column::new("key", DataType::String, false)]);
    let columns =
        RecordBatch::try_new(schema.to_arrow(), vec![Arc::new(column)]).expect("one column");
    let row = Row {
        time: 0,
        watermark: 0,
        appended: 0,
        partition: 0,
        offset: 0,
        index: 0,
    };
    let batch = Batch::new(columns, vec![row; keys.len()], Arc::new(Vec::new()));
    let bound = operator.bind(&batch.columns).expect("its own columns");
    let (mut emitted, mut slots) = (operator.emitted(), Vec::new());
    let texts = keys.iter().map(String::as_bytes);
    sessions
        .activate(texts, operator, committed, &mut slots)
        .expect("readable");
    for (nth, slot) in slots.into_iter().enumerate() {
        let session = sessions.touch(slot, epoch, 0);
        operator.row(&bound, nth, &row, &mut session.state, &mut emitted);
    }
    let out = operator.finish(&batch, emitted).expect("its own columns");
    let counts = out[0]
        .1
        .columns
        .column(1)
        .as_any()
        .downcast_ref::<Int64Array>()
        .expect("int64");
    counts.values().to_vec()
}

proptest! {
    #[test]
    fn counts_go_on_over_passivation_and_epochs(
        epochs in prop::collection::vec(
            (prop::collection::vec(0u32..40, 1..30), any::<bool>(), 0usize..4_000),
            1..25,
        )
    ) {
        let operator = counter();
        let clock = Arc::new(ManualClock::default());
        let committed = TaskState::new(Arc::new(MemoryStore::new()), 1, 1, clock);
        let mut sessions = Sessions::new(0);
        let mut model: HashMap<String, i64> = HashMap::new();
        for (epoch, (keys, flush, budget)) in (1u64..).zip(epochs) {
            let keys: Vec<String> = keys.into_iter().map(|key| format!("k{key}")).collect();
            let found = run(&*operator, &mut sessions, &committed, &keys, epoch);
            for (key, found) in keys.iter().zip(found) {
                let expected = model.entry(key.clone()).or_default();
                *expected += 1;
                prop_assert_eq!(found, *expected);
            }
            sessions.passivate(&*operator, epoch - 1, i64::MIN, bytes(0));
            prop_assert_eq!(sessions.live(), touched(&keys), "what is not committed stays, alone");
            let mut entries = Vec::new();
            sessions.snapshots(&*operator, &mut entries);
            prop_assert_eq!(entries.len(), touched(&keys), "one snapshot a touched key");
            committed.committed(epoch, entries, &[0], Vec::new());
            if flush {
                committed.flush().expect("memory does not fail");
            }
            sessions.passivate(&*operator, epoch, i64::MIN, bytes(budget));
            prop_assert!(sessions.bytes() <= budget || sessions.live() == 0);
        }
    }
}

#[test]
fn there_is_never_more_than_room_and_who_was_used_again_leaves_last() {
    let operator = counter();
    let clock = Arc::new(ManualClock::default());
    let committed = TaskState::new(Arc::new(MemoryStore::new()), 1, 1, clock);
    let mut sessions = Sessions::new(0);
    let keys = |keys: std::ops::Range<usize>| keys.map(|key| format!("k{key}")).collect::<Vec<_>>();
    let room = Room {
        bytes: usize::MAX,
        sessions: 10,
    };
    let mut work = |epoch, keys: &[String]| {
        run(&*operator, &mut sessions, &committed, keys, epoch);
        let mut entries = Vec::new();
        sessions.snapshots(&*operator, &mut entries);
        committed.committed(epoch, entries, &[0], Vec::new());
        sessions.passivate(&*operator, epoch, i64::MIN, room);
        assert_eq!(sessions.live(), 10);
        let here = (0..50).filter(|key| sessions.contains(format!("k{key}").as_bytes()));
        here.collect::<Vec<_>>()
    };
    // All have just been used, and still some have to leave.
    let stayed = work(1, &keys(0..20));
    let hot = format!("k{}", stayed[0]);
    for (epoch, new) in (2..).zip([30, 31, 32, 33, 34]) {
        let here = work(epoch, &[hot.clone(), format!("k{new}")]);
        assert!(here.contains(&stayed[0]) && here.contains(&new), "{here:?}");
    }
}

fn bytes(bytes: usize) -> Room {
    Room {
        bytes,
        sessions: usize::MAX,
    }
}

fn touched(keys: &[String]) -> usize {
    keys.iter().collect::<std::collections::HashSet<_>>().len()
}

/// As the host and the partition use them: passivation after each commit, a flush when the overlay has
/// its share. That the bytes counted are the bytes taken is tested where they are counted.
#[test]
fn a_hundred_thousand_keys_stay_within_a_memory_that_holds_a_tenth_of_them() {
    const KEYS: usize = 100_000;
    const EPOCH: usize = 2_000;
    const MEMORY: usize = 4 << 20;
    let budget = Budget::new(MEMORY as u64, 1);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let store = Arc::new(SledStore::open(dir.path()).expect("a new store"));
    let committed = TaskState::new(store, 1, 1, Arc::new(ManualClock::default()));
    let operator = counter();
    let mut sessions = Sessions::new(0);
    let keys: Vec<String> = (0..KEYS).map(|key| format!("customer-{key}")).collect();
    let mut epoch = 0;
    let mut most = 0;
    for round in 1..=2 {
        for keys in keys.chunks(EPOCH) {
            epoch += 1;
            let counts = run(&*operator, &mut sessions, &committed, keys, epoch);
            assert!(counts.iter().all(|count| *count == round));
            let mut entries = Vec::new();
            sessions.snapshots(&*operator, &mut entries);
            committed.committed(epoch, entries, &[0], Vec::new());
            most = most.max(sessions.bytes() + committed.overlay_bytes());
            sessions.passivate(&*operator, epoch, i64::MIN, bytes(budget.session_bytes));
            if committed.overlay_bytes() > budget.overlay_bytes {
                committed.flush().expect("the disk is not full");
            }
            assert!(sessions.bytes() <= budget.session_bytes);
            assert!(committed.overlay_bytes() <= budget.overlay_bytes);
        }
    }
    let all = KEYS * SESSION_OVERHEAD_BYTES;
    assert!(all > 3 * MEMORY, "all keys at once do not fit");
    // A quarter more for the epoch that is not handed over yet.
    assert!(most < MEMORY / 4 * 5, "{most} bytes of {MEMORY}");
}

#[test]
fn a_session_at_rest_costs_under_400_bytes_beside_its_payload() {
    let slot = size_of::<Option<Session>>();
    // A slot, its number in the table with its control byte at a load of 7/16 at worst, and the key's
    // and the state's allocations with malloc's headers.
    let total = slot + 3 * (size_of::<u32>() + 1) + 2 * 16;
    assert!(
        total <= SESSION_OVERHEAD_BYTES,
        "{total} bytes are counted as {SESSION_OVERHEAD_BYTES}"
    );
    const { assert!(SESSION_OVERHEAD_BYTES < 400) };
}
