//! Both hostings, and their mixture, are held to one suite: what a session host promises does not
//! depend on where its sessions live.

mod conformance;
mod failing;
mod panics;

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use config::{
    Aggregate, Column, DataType, Emit, Hosting, Millis, NodeId, Operator, OperatorKind, Over, Port,
    Rolling, RollingColumn, Schema, Window, WindowColumn, WindowKind,
};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::operator::{HostingError, Kernel, Moment, OperatorSessions};
use super::*;
use crate::batch::Row;
use crate::clock::ManualClock;
use crate::log::LogRecord;
use crate::nodes::faults::Faults;
use crate::operators::keyed::{KeyedOperator, keyed};
use crate::state::memory::MemoryStore;
use crate::state::overlay::TaskState;
use crate::state::store::StateStore;

/// With room for few, so that sessions come and go.
const HOSTINGS: [Hosting; 5] = [
    Hosting::Hosted { max: None },
    Hosting::Hosted { max: Some(2) },
    Hosting::Dedicated { max: 2 },
    Hosting::Dedicated { max: 100 },
    Hosting::Auto { max: 2 },
];

/// Keys and their sealed states.
type States = Vec<(Vec<u8>, Bytes)>;

/// A row for a rig: key, value, and what its record says.
#[derive(Debug, Clone)]
struct Input {
    key: String,
    value: i64,
    time: i64,
    record: String,
}

/// One operator's sessions without their host's actor.
struct Rig {
    operator: Arc<dyn KeyedOperator>,
    fires: bool,
    hosting: Hosting,
    faults: Faults,
    sessions: OperatorSessions,
    supervisor: ActorRef<()>,
    committed: Arc<TaskState>,
    closed: Vec<(u64, Vec<Entry>)>,
    epoch: u64,
    now_ms: i64,
    offset: i64,
    outputs: Vec<String>,
}

/// Has children and says nothing.
struct Supervisor;

impl Actor for Supervisor {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// Runs a scenario on threads enough for sessions to work side by side.
fn on_threads<T>(scenario: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(scenario)
}

/// Runs a scenario in each hosting.
fn in_each<F: Future<Output = ()>>(scenario: impl Fn(Hosting) -> F) {
    for hosting in HOSTINGS {
        eprintln!("{hosting:?}");
        on_threads(scenario(hosting));
    }
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
        hosting: Hosting::Hosted { max: None },
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
fn window(emit: Emit) -> Arc<dyn KeyedOperator> {
    let window = Window {
        kind: WindowKind::Tumbling { size: Millis(10) },
        columns: vec![WindowColumn {
            name: "sum".into(),
            aggregate: Aggregate::Sum,
            of: Some(1),
            data_type: DataType::Int64,
        }],
        emit,
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

impl Rig {
    async fn new(
        operator: &Arc<dyn KeyedOperator>,
        fires: bool,
        hosting: Hosting,
        faults: Faults,
    ) -> Self {
        let store = Arc::new(MemoryStore::new());
        Self::on(store, (operator, fires), hosting, faults).await
    }

    async fn on(
        store: Arc<dyn StateStore>,
        (operator, fires): (&Arc<dyn KeyedOperator>, bool),
        hosting: Hosting,
        faults: Faults,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let committed = Arc::new(TaskState::new(store, 1, 1, clock));
        let supervisor = Actor::spawn(None, Supervisor, ()).await.expect("starts").0;
        Self {
            operator: Arc::clone(operator),
            fires,
            hosting,
            sessions: open((operator, fires), hosting, &committed, &faults, &supervisor),
            faults,
            supervisor,
            committed,
            closed: Vec::new(),
            epoch: 1,
            now_ms: 0,
            offset: 0,
            outputs: Vec::new(),
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            epoch: self.epoch,
            now_ms: self.now_ms,
        }
    }

    /// Runs rows whose watermark is the time of the first of them; what comes out is noted.
    async fn rows(&mut self, rows: &[Input], watermark: i64) -> Result<Worked, HostingError> {
        let keys = rows.iter().map(|row| Some(row.key.as_str()));
        let values = rows.iter().map(|row| row.value);
        let columns = RecordBatch::try_new(
            input().to_arrow(),
            vec![
                Arc::new(keys.collect::<StringArray>()),
                Arc::new(values.collect::<Int64Array>()),
            ],
        )
        .expect("two columns");
        let raw = rows
            .iter()
            .map(|row| LogRecord::new(None, Some(row.record.clone().into()), 0));
        let metas = (0u32..).zip(rows).map(|(index, row)| {
            self.offset += 1;
            Row {
                time: row.time,
                watermark: row.time - 10,
                appended: 0,
                partition: 0,
                offset: self.offset,
                index,
            }
        });
        let batch = Batch::new(columns, metas.collect(), Arc::new(raw.collect()));
        let moment = self.moment();
        let mut worked = self
            .sessions
            .run(batch.clone(), 0, watermark, moment)
            .await?;
        let emitted = std::mem::replace(&mut worked.emitted, self.operator.emitted());
        for (port, out) in self.operator.finish(&batch, emitted).expect("its own") {
            for row in 0..out.len() {
                let columns = out.columns.slice(row, 1);
                self.outputs.push(format!("{port} {:?}", columns.columns()));
            }
        }
        Ok(worked)
    }

    async fn close(&mut self) {
        let mut entries = Vec::new();
        let slots = self.sessions.snapshots(&mut entries);
        let closed = self.sessions.close(self.epoch, &mut entries).await;
        closed.expect("sessions answer");
        let shared = Arc::new(entries.clone());
        self.sessions.image(self.epoch, slots, (shared, 0));
        self.closed.push((self.epoch, entries));
        self.epoch += 1;
    }

    fn commit(&mut self) {
        for (epoch, entries) in self.closed.drain(..) {
            self.committed.committed(epoch, entries, &[0], Vec::new());
            self.sessions.committed(epoch);
        }
    }

    /// Whoever may leave memory does.
    async fn passivate(&mut self) {
        let committed = self.epoch - 1 - self.closed.len() as u64;
        // Twice: the clock hand spares once what was used since its last round.
        for _ in 0..2 {
            let passivated = self.sessions.passivate(committed, i64::MIN, usize::MAX);
            passivated.await.expect("sessions answer");
        }
    }

    async fn close_and_commit(&mut self) {
        self.close().await;
        self.commit();
    }

    /// The host ends and another begins: what was not committed is lost.
    fn restart(&mut self) {
        self.closed.clear();
        let operator = (&self.operator, self.fires);
        self.sessions = open(
            operator,
            self.hosting,
            &self.committed,
            &self.faults,
            &self.supervisor,
        );
    }

    /// All committed states.
    fn states(&self) -> States {
        let mut states = Vec::new();
        let scanned = self.committed.scan(0, &mut |key, value| {
            states.push((key.to_vec(), value.clone()));
            true
        });
        scanned.expect("memory does not fail");
        states.sort();
        states
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.supervisor.stop(None);
    }
}

fn open(
    (operator, fires): (&Arc<dyn KeyedOperator>, bool),
    hosting: Hosting,
    committed: &Arc<TaskState>,
    faults: &Faults,
    supervisor: &ActorRef<()>,
) -> OperatorSessions {
    let kernel = Kernel {
        operator: Arc::clone(operator),
        space: 0,
        fires,
        committed: Arc::clone(committed),
        faults: faults.clone(),
    };
    let opened = OperatorSessions::open(kernel, hosting, supervisor.get_cell());
    opened.expect("committed state can be read")
}

fn row(key: &str, value: i64) -> Input {
    Input {
        key: key.into(),
        value,
        time: 0,
        record: "good".into(),
    }
}

fn at(key: &str, value: i64, time: i64) -> Input {
    Input {
        time,
        ..row(key, value)
    }
}

/// The sums that a rolling operator gave, in order.
fn sums(rig: &mut Rig) -> Vec<String> {
    let outputs = std::mem::take(&mut rig.outputs);
    let number = |part: &str| {
        part.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let sum = |output: &String| output.split("PrimitiveArray<Int64>").nth(2).map(number);
    outputs.iter().filter_map(sum).collect()
}
