//! Kernels alone, per row: expressions in batches of 1,000; rolling on random keys, with the state of
//! every touched key encoded once per epoch of 10,000 rows, as the session hosts do.
//!
//! `cargo bench -p thalweg-benches --bench operators`

use std::sync::Arc;

use actors::batch::{Batch, Row};
use actors::operators::keyed::{KeyState, KeyedOperator, keyed};
use actors::operators::stateless::stateless;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use config::{
    Aggregate, Column, DataType, Millis, NodeId, Operator, OperatorKind, Over, Port, Rolling,
    RollingColumn, Schema, Window, WindowColumn, WindowKind, parse_expression,
};
use divan::counter::ItemsCount;

const BATCH: usize = 1_000;
const EPOCH: usize = 10_000;
const DAY: i64 = 86_400_000;

fn main() {
    divan::main();
}

fn schema() -> Schema {
    Schema::new(vec![
        Column::new("customer", DataType::String, false),
        Column::new("ts", DataType::Timestamp, false),
        Column::new("amount", DataType::Float64, false),
    ])
}

fn operator(kind: OperatorKind, added: &[(&str, DataType)]) -> Operator {
    let mut columns = schema().columns().to_vec();
    for (name, data_type) in added {
        columns.push(Column::new(name, data_type.clone(), true));
    }
    Operator {
        id: NodeId::parse("bench").expect("a plain word is an id"),
        kind,
        inputs: Vec::new(),
        input_schema: schema(),
        ports: vec![Port {
            name: "".into(),
            schema: Schema::new(columns),
        }],
        key: Some(0),
        hosting: config::Hosting::Hosted { max: None },
    }
}

/// Random numbers of a fixed seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
}

/// A batch of rows `step` milliseconds apart.
fn batch(dice: &mut Dice, from: i64, step: i64) -> Batch {
    let times: Vec<i64> = (0..BATCH as i64).map(|row| from + row * step).collect();
    let amounts = times.iter().map(|_| dice.roll(20_000) as f64 / 100.0);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["c-0001"; BATCH])),
        Arc::new(TimestampMillisecondArray::from(times.clone()).with_timezone("+00:00")),
        Arc::new(amounts.collect::<Float64Array>()),
    ];
    let rows = times.iter().zip(0..).map(|(time, index)| Row {
        time: *time,
        watermark: time - 10_000,
        appended: 0,
        partition: 0,
        offset: 0,
        index,
    });
    let columns = RecordBatch::try_new(schema().to_arrow(), columns).expect("as the schema says");
    Batch::new(columns, rows.collect(), Arc::default())
}

#[divan::bench]
fn filter_and_select(bencher: divan::Bencher<'_, '_>) {
    let parse = |sql: &str| parse_expression(sql, &schema()).expect("typed");
    let filter = stateless(&operator(
        OperatorKind::Filter {
            condition: parse("amount > 10 and customer <> 'nobody'"),
        },
        &[],
    ));
    let mut columns: Vec<_> = ["customer", "ts", "amount"]
        .into_iter()
        .map(|name| (name.into(), parse(name)))
        .collect();
    columns.push(("log_amount".into(), parse("ln(1 + amount)")));
    columns.push((
        "night".into(),
        parse("case when hour(ts) <= 6 then 1.0 else 0.0 end"),
    ));
    let added = [
        ("log_amount", DataType::Float64),
        ("night", DataType::Float64),
    ];
    let select = stateless(&operator(OperatorKind::Select { columns }, &added));
    let (filter, select) = (filter.expect("stateless"), select.expect("stateless"));
    let input = batch(&mut Dice(7), 0, 60_000);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let kept = filter.apply(&input).expect("bool").remove(0).1;
        select.apply(&kept).expect("as the schema says")
    });
}

/// Keys, their states, and the time that has come.
struct Sessions {
    kernel: Arc<dyn KeyedOperator>,
    states: Vec<KeyState>,
    dice: Dice,
    now: i64,
    step: i64,
    bytes: Vec<u8>,
}

impl Sessions {
    fn new(operator: &Operator, keys: usize, step: i64) -> Self {
        let kernel = keyed(operator).expect("keyed");
        Self {
            states: (0..keys).map(|_| kernel.new_state()).collect(),
            kernel,
            dice: Dice(7),
            now: 0,
            step,
            bytes: Vec::new(),
        }
    }

    /// 10,000 rows on random keys, then the touched states encoded.
    fn epoch(&mut self, encode: bool) -> usize {
        let mut touched = Vec::with_capacity(EPOCH);
        for _ in 0..EPOCH / BATCH {
            let batch = batch(&mut self.dice, self.now, self.step);
            self.now += BATCH as i64 * self.step;
            let bound = self.kernel.bind(&batch.columns).expect("its schema");
            let mut out = self.kernel.emitted();
            for (row, meta) in batch.rows.iter().enumerate() {
                let key = self.dice.roll(self.states.len());
                touched.push(key);
                self.kernel
                    .row(&bound, row, meta, &mut self.states[key], &mut out);
            }
            divan::black_box(self.kernel.finish(&batch, out).expect("its schema"));
        }
        if encode {
            touched.sort_unstable();
            touched.dedup();
            self.bytes.clear();
            for key in touched {
                self.kernel.encode(&self.states[key], &mut self.bytes);
            }
        }
        self.bytes.len()
    }
}

fn rolling(columns: &[(Aggregate, Over)]) -> Operator {
    let names: Vec<String> = (0..columns.len()).map(|n| format!("c{n}")).collect();
    let of = |aggregate| (aggregate != Aggregate::Count).then_some(2);
    let data_type = |aggregate| match aggregate {
        Aggregate::Count => DataType::Int64,
        _ => DataType::Float64,
    };
    let columns: Vec<RollingColumn> = columns
        .iter()
        .zip(&names)
        .map(|((aggregate, over), name)| RollingColumn {
            name: name.as_str().into(),
            aggregate: *aggregate,
            of: of(*aggregate),
            over: *over,
            exclude_current: false,
            data_type: data_type(*aggregate),
        })
        .collect();
    let added: Vec<(&str, DataType)> = columns
        .iter()
        .map(|column| (&*column.name, column.data_type.clone()))
        .collect();
    let kind = OperatorKind::Rolling(Rolling {
        columns: columns.clone(),
    });
    operator(kind, &added)
}

/// Count, mean, deviation and maximum of a day, in which each key has about ten rows.
#[divan::bench(args = [1_000, 100_000, 1_000_000], sample_count = 30)]
fn rolling_with_four_aggregates(bencher: divan::Bencher<'_, '_>, keys: usize) {
    let over = Over::Time(Millis(DAY));
    let operator = rolling(&[
        (Aggregate::Count, over),
        (Aggregate::Avg, over),
        (Aggregate::StdDev, over),
        (Aggregate::Max, over),
    ]);
    let step = DAY / (10 * keys as i64);
    let mut sessions = Sessions::new(&operator, keys, step.max(1));
    (0..keys * 12 / EPOCH).for_each(|_| {
        sessions.epoch(false);
    });
    bencher
        .counter(ItemsCount::new(EPOCH))
        .bench_local(|| sessions.epoch(true));
}

/// The customer columns of `card-fraud`: sixty rows a key in the longest window.
#[divan::bench(args = [false, true], sample_count = 30)]
fn card_fraud_on_100_000_keys(bencher: divan::Bencher<'_, '_>, encoded: bool) {
    let mut columns = Vec::new();
    for days in [1, 7, 30] {
        let over = Over::Time(Millis(days * DAY));
        columns.extend([(Aggregate::Count, over), (Aggregate::Avg, over)]);
    }
    let keys = 100_000;
    let step = 30 * DAY / (60 * keys as i64);
    let mut sessions = Sessions::new(&rolling(&columns), keys, step);
    (0..keys * 62 / EPOCH).for_each(|_| {
        sessions.epoch(false);
    });
    bencher
        .counter(ItemsCount::new(EPOCH))
        .bench_local(|| sessions.epoch(encoded));
}

/// Count, extremes and a quantile of an hour; windows do not fire here.
#[divan::bench(sample_count = 30)]
fn tumbling_window_on_1_000_keys(bencher: divan::Bencher<'_, '_>) {
    let column = |(name, aggregate): (&str, Aggregate)| WindowColumn {
        name: name.into(),
        aggregate,
        of: (aggregate != Aggregate::Count).then_some(2),
        data_type: match aggregate {
            Aggregate::Count => DataType::Int64,
            _ => DataType::Float64,
        },
    };
    let columns = [
        ("n", Aggregate::Count),
        ("low", Aggregate::Min),
        ("high", Aggregate::Max),
        ("p95", Aggregate::Quantile(0.95)),
    ];
    let window = Window {
        kind: WindowKind::Tumbling {
            size: Millis(3_600_000),
        },
        columns: columns.into_iter().map(column).collect(),
        emit: config::Emit::Final,
        allowed_lateness: Millis(0),
    };
    let mut sessions = Sessions::new(&operator(OperatorKind::Window(window), &[]), 1_000, 36);
    bencher
        .counter(ItemsCount::new(EPOCH))
        .bench_local(|| sessions.epoch(true));
}
