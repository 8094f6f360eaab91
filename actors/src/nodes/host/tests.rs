//! Panics at random rows and timers leave the states and outputs of a run over the good rows alone.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use config::{
    Aggregate, Column, DataType, Emit, Millis, NodeId, Operator, OperatorKind, Over, Port, Rolling,
    RollingColumn, Schema, Window, WindowColumn, WindowKind,
};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::batch::Row;
use crate::clock::ManualClock;
use crate::log::LogRecord;
use crate::nodes::faults::Faults;
use crate::nodes::quarantine::WITHIN_MS;
use crate::operators::keyed::{KeyedOperator, keyed};
use crate::state::memory::MemoryStore;

/// What becomes of a row when it is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    /// Panics always.
    Poison,
    /// Panics the first time.
    Stumbles,
}

#[derive(Debug, Clone)]
enum Step {
    Rows(Vec<(u8, i64, Fate)>),
    Close,
    Commit,
    Passivate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate =
        prop_oneof![6 => Just(Fate::Good), 1 => Just(Fate::Poison), 1 => Just(Fate::Stumbles)];
    let rows = prop::collection::vec((0u8..4, 0i64..30, fate), 0..12);
    let step = prop_oneof![
        4 => rows.prop_map(Step::Rows),
        1 => Just(Step::Close),
        1 => Just(Step::Commit),
        1 => Just(Step::Passivate),
    ];
    prop::collection::vec(step, 1..30)
}

fn input() -> Schema {
    let key = Column::new("key", DataType::String, false);
    Schema::new(vec![key, Column::new("value", DataType::Int64, false)])
}

fn operator(kind: OperatorKind, outputs: Vec<Column>) -> Arc<dyn KeyedOperator> {
    let ports = [Schema::new(outputs), input()].map(|schema| Port {
        name: "".into(),
        schema,
    });
    keyed(&Operator {
        id: NodeId::parse("under-test").expect("an id"),
        kind,
        inputs: Vec::new(),
        input_schema: input(),
        ports: ports.into(),
        key: Some(0),
        hosting: config::Hosting::Hosted { max: None },
    })
    .expect("a keyed kind")
}

/// The sum of all rows of a key, and of its last three.
fn rolling() -> Arc<dyn KeyedOperator> {
    let column = |name: &str, over| RollingColumn {
        name: name.into(),
        aggregate: Aggregate::Sum,
        of: Some(1),
        over,
        exclude_current: false,
        data_type: DataType::Int64,
    };
    let columns = vec![column("all", Over::All), column("last", Over::Count(3))];
    let sums = ["all", "last"].map(|name| Column::new(name, DataType::Int64, true));
    let outputs = input().columns().iter().cloned().chain(sums).collect();
    operator(OperatorKind::Rolling(Rolling { columns }), outputs)
}

/// The sum of each ten milliseconds.
fn window() -> Arc<dyn KeyedOperator> {
    let window = Window {
        kind: WindowKind::Tumbling { size: Millis(10) },
        columns: vec![WindowColumn {
            name: "sum".into(),
            aggregate: Aggregate::Sum,
            of: Some(1),
            data_type: DataType::Int64,
        }],
        emit: Emit::Final,
        allowed_lateness: Millis(0),
    };
    let outputs = vec![
        Column::new("key", DataType::String, false),
        Column::new("window_start", DataType::Timestamp, false),
        Column::new("window_end", DataType::Timestamp, false),
        Column::new("sum", DataType::Int64, true),
    ];
    operator(OperatorKind::Window(window), outputs)
}

/// Keys and their sealed states.
type States = Vec<(Vec<u8>, Bytes)>;

/// One operator's host without its actor.
struct Host {
    operator: Arc<dyn KeyedOperator>,
    hosted: Hosted,
    committed: TaskState,
    closed: Vec<(u64, Vec<Entry>)>,
    epoch: u64,
    now_ms: i64,
    faults: Faults,
    outputs: Vec<String>,
    failed: usize,
}

impl Host {
    fn new(operator: &Arc<dyn KeyedOperator>, fires: bool, faults: Faults) -> Self {
        let clock = Arc::new(ManualClock::default());
        Self {
            operator: Arc::clone(operator),
            hosted: Hosted {
                sessions: Sessions::new(0),
                timers: Timers::default(),
                journal: Journal::default(),
                quarantine: Quarantine::default(),
                fires,
            },
            committed: TaskState::new(Arc::new(MemoryStore::new()), 1, 1, clock),
            closed: Vec::new(),
            epoch: 1,
            now_ms: 0,
            faults,
            outputs: Vec::new(),
            failed: 0,
        }
    }

    fn rows(&mut self, rows: &[(Row, u8, i64, Fate)], watermark: i64) {
        // Batches a minute apart, with at most two failures a key: nobody is quarantined.
        self.now_ms += WITHIN_MS;
        let keys: Vec<String> = rows.iter().map(|(_, key, ..)| format!("k{key}")).collect();
        let values = rows.iter().map(|(_, _, value, _)| *value);
        let columns = RecordBatch::try_new(
            input().to_arrow(),
            vec![
                Arc::new(StringArray::from(keys.clone())),
                Arc::new(values.collect::<Int64Array>()),
            ],
        )
        .expect("two columns");
        let raw = rows.iter().map(|(row, _, _, fate)| {
            let text = format!("{fate:?} {} {}", row.offset, row.offset % 2);
            LogRecord::new(None, Some(text.into()), 0)
        });
        let raw: Arc<Vec<LogRecord>> = Arc::new(raw.collect());
        let metas = (0u32..)
            .zip(rows)
            .map(|(index, (row, ..))| Row { index, ..*row });
        let batch = Batch::new(columns, metas.collect(), Arc::clone(&raw));
        let mut slots = Vec::new();
        let texts = keys.iter().map(String::as_bytes);
        let operator = Arc::clone(&self.operator);
        let sessions = &mut self.hosted.sessions;
        sessions
            .activate(texts, &*operator, &self.committed, &mut slots)
            .expect("readable");
        let work = Work {
            operator: &*operator,
            committed: &self.committed,
            faults: &self.faults,
            epoch: self.epoch,
            now_ms: self.now_ms,
        };
        let bound = operator.bind(&batch.columns).expect("its own columns");
        let piece = Piece::new(bound, batch.rows.clone(), slots);
        let worked = work.run(&mut self.hosted, piece, &raw, watermark);
        let worked = worked.expect("every session comes back");
        assert!(
            worked.held.is_empty(),
            "keys fail too seldom for a quarantine"
        );
        self.failed += worked.failed.len();
        for (port, out) in operator.finish(&batch, worked.emitted).expect("its own") {
            for row in 0..out.len() {
                let (columns, offset) = (out.columns.slice(row, 1), out.rows[row].offset);
                self.outputs
                    .push(format!("{port} {offset} {:?}", columns.columns()));
            }
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Rows(_) => unreachable!("rows have their times from the caller"),
            Step::Close => {
                let mut entries = Vec::new();
                let slots = self
                    .hosted
                    .sessions
                    .snapshots(&*self.operator, &mut entries);
                self.hosted
                    .journal
                    .image(self.epoch, slots, (Arc::new(entries.clone()), 0));
                self.closed.push((self.epoch, entries));
                self.epoch += 1;
            }
            Step::Commit => {
                for (epoch, entries) in self.closed.drain(..) {
                    self.committed.committed(epoch, entries, &[0], Vec::new());
                    self.hosted.journal.committed(epoch);
                }
            }
            Step::Passivate => {
                let committed = self.epoch - 1 - self.closed.len() as u64;
                for _ in 0..2 {
                    let sessions = &mut self.hosted.sessions;
                    sessions.passivate(&*self.operator, committed, i64::MIN, 0);
                }
            }
        }
    }

    /// All outputs and committed states.
    fn end(mut self) -> (Vec<String>, States, usize) {
        self.step(&Step::Close);
        self.step(&Step::Commit);
        let mut states = Vec::new();
        let scanned = self.committed.scan(0, &mut |key, value| {
            states.push((key.to_vec(), value.clone()));
            true
        });
        scanned.expect("memory does not fail");
        states.sort();
        (self.outputs, states, self.failed)
    }
}

/// Panics as the rows' fates have it, and on every third timer, once each.
fn panics() -> Faults {
    let stumbled: Mutex<HashSet<Vec<u8>>> = Mutex::default();
    let timers = Mutex::new(0u32);
    Faults::by_content(Arc::new(move |stage, bytes| {
        if stage == "timer" {
            let mut fired = timers.lock();
            *fired += 1;
            assert!(!fired.is_multiple_of(3), "a timer stumbles");
            return;
        }
        // Half of the rows panic before they have done anything, half when all is done.
        if bytes.ends_with(b"1") != (stage == "session") {
            return;
        }
        assert!(!bytes.starts_with(b"Poison"), "a poison row");
        let first = bytes.starts_with(b"Stumbles") && stumbled.lock().insert(bytes.to_vec());
        assert!(!first, "a row stumbles");
    }))
}

proptest! {
    #[test]
    fn panics_at_random_rows_leave_what_the_good_rows_alone_give(
        steps in steps(), fires in any::<bool>(), long in any::<bool>(),
    ) {
        let operator = if fires { window() } else { rolling() };
        let mut found = Host::new(&operator, fires, panics());
        let mut expected = Host::new(&operator, fires, Faults::default());
        let (mut offset, mut poison) = (0, 0);
        for step in &steps {
            let Step::Rows(rows) = step else {
                found.step(step);
                expected.step(step);
                continue;
            };
            if long {
                // As in the middle of a long epoch.
                let (slots, entries) = found.hosted.sessions.images(&*operator);
                found.hosted.journal.image(found.epoch, slots, (Arc::new(entries), 0));
            }
            let mut failures = [0; 4];
            let rows: Vec<(Row, u8, i64, Fate)> = rows.iter().map(|(key, value, fate)| {
                offset += 1;
                let failed = &mut failures[usize::from(*key)];
                *failed += usize::from(*fate == Fate::Poison);
                let fate = if *fate == Fate::Poison && *failed > 2 { &Fate::Good } else { fate };
                let (time, watermark) = (offset * 2 - value % 7, (offset - 1) * 2 - 7);
                let row = Row { time, watermark, appended: 0, partition: 0, offset, index: 0 };
                (row, *key, *value, *fate)
            }).collect();
            let good: Vec<_> = rows.iter().copied().filter(|(.., fate)| *fate != Fate::Poison).collect();
            poison += rows.len() - good.len();
            found.rows(&rows, offset * 2 - 7);
            expected.rows(&good, offset * 2 - 7);
        }
        let (outputs, states, failed) = found.end();
        let (good_outputs, good_states, _) = expected.end();
        prop_assert_eq!(outputs, good_outputs);
        prop_assert_eq!(states, good_states);
        prop_assert_eq!(failed, poison, "each poison row is left out, alone");
    }
}
