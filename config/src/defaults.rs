//! What holds where the file is silent, each with its reason.

use crate::{
    Batching, ByteSize, Delivery, DetectMethod, DriftLimits, EpochSettings, Gate, GateMetric,
    Hosting, Millis, Retrain, StateSettings, SupervisionSettings, WatermarkSettings,
};

/// A tenth of a second bounds the wait for an answer that is read committed; a commit costs about
/// 3 ms, so that it takes 3 % of the time. Bytes and records bound what an epoch takes in memory
/// and what an abort repeats: bytes where records are large, records where what goes with each
/// (offset, times, a snapshot of its key's state) outweighs it.
pub(crate) const EPOCH: EpochSettings = EpochSettings {
    interval: Millis(100),
    records: 10_000,
    bytes: ByteSize(32 << 20),
    delivery: Delivery::ExactlyOnce,
};

/// On Kafka a commit takes so long that an epoch is not to be closed before its time: 100,000 records in a
/// tenth of a second are more than two cores process.
pub(crate) const EPOCH_RECORDS_ON_KAFKA: u64 = 100_000;

/// How long brokers let a transaction be open. It is open only while an epoch is written, which takes
/// less than an interval where the pipeline keeps up; twice that leaves room to catch up. Half a
/// minute is for a broker that falls meanwhile: 9 s (its default session) until that is seen, three
/// times over. Brokers allow 15 min unless set otherwise (`transaction.max.timeout.ms`).
pub(crate) fn transaction_timeout(interval: Millis) -> Millis {
    const FALL_OF_A_BROKER: i64 = 30_000;
    const MOST: i64 = 15 * 60_000;
    Millis(
        FALL_OF_A_BROKER
            .saturating_add(interval.0.saturating_mul(2))
            .min(MOST),
    )
}

/// Half a gibibyte fits every machine that runs models, and holds about a million small sessions.
/// Ten idle minutes keep what a person is doing right now.
pub(crate) const STATE: StateSettings = StateSettings {
    memory: ByteSize(512 << 20),
    idle: Millis(600_000),
};

/// A hosted session costs a twentieth of an actor, in memory and in time.
pub(crate) const HOSTING: Hosting = Hosting::Hosted { max: None };

/// Sessions that are actors, in each task: some 8 MB.
pub(crate) const ACTORS: u32 = 1_000;

/// Five minutes: long enough to repair something, short enough to be forgotten. No honest work between two
/// signs of progress comes near 1.5 s, which leaves time to find a hang within two. A call to a broker
/// that fails over, or a forward of a large model, may take most of a minute. A minute without reading
/// is longer than a cluster's change of hands.
pub(crate) const SUPERVISION: SupervisionSettings = SupervisionSettings {
    parked_retry: Millis(300_000),
    stuck_after: Millis(1_500),
    stuck_call_after: Millis(60_000),
    unread_after: Millis(60_000),
};

/// No delay: whoever knows their records to be late says how late. Half a minute of silence is more
/// than a hiccup of a broker and less than a person's patience.
pub(crate) const WATERMARK: WatermarkSettings = WatermarkSettings {
    delay: Millis(0),
    idle: Some(Millis(30_000)),
};

/// Enough to keep four cores busy; topics that exist keep what they have.
pub(crate) const PARTITIONS: u32 = 4;

/// 256 rows fill the vector units of a small network; two milliseconds are felt by no one.
pub(crate) const BATCHING: Batching = Batching {
    size: 256,
    delay: Millis(2),
};

/// One row unlike any before, and a stretch of rows unlike any before: together they find both the value
/// that never was and the values that never came in this order (docs/benchmarks.md).
pub(crate) const DETECT_METHODS: [DetectMethod; 2] = [
    DetectMethod::Knn {
        window: DETECT_WINDOW,
        neighbours: DETECT_NEIGHBOURS,
        history: DETECT_HISTORY,
    },
    DetectMethod::Knn {
        window: 40,
        neighbours: 5,
        history: DETECT_HISTORY,
    },
];
/// A row alone, against the most similar one.
pub(crate) const DETECT_WINDOW: usize = 1;
pub(crate) const DETECT_NEIGHBOURS: usize = 1;
/// Two weeks of a row every five minutes; 32 kB a key and column.
pub(crate) const DETECT_HISTORY: usize = 4_000;
/// About the last two hundred rows (2 / alpha).
pub(crate) const DETECT_ALPHA: f64 = 0.01;
/// The forest of the paper's experiments, with leaves for some hundred rows instead of thirty thousand.
pub(crate) const DETECT_TREES: usize = 25;
pub(crate) const DETECT_DEPTH: usize = 8;
pub(crate) const DETECT_TREES_WINDOW: usize = 250;
/// Narrow and slow: what learns more learns to rebuild anomalies too (docs/benchmarks.md).
pub(crate) const DETECT_CODE: usize = 2;
pub(crate) const DETECT_BATCH: usize = 32;
pub(crate) const DETECT_LEARNING_RATE: f64 = 0.001;
/// One row in two hundred would be so unusual, were all alike; with `quiet` that is far fewer alarms.
pub(crate) const DETECT_THRESHOLD: f64 = 0.005;
/// One incident is one alarm.
pub(crate) const DETECT_QUIET: u64 = 100;
/// Fewer scores say little of which are rare.
pub(crate) const DETECT_WARM_UP: u64 = 100;
/// A hundred scores beyond the quantile 0.99: enough for the shape of a tail.
pub(crate) const DETECT_MEMORY: u64 = 10_000;

/// A month: what people take to complain about a payment.
pub(crate) const LABEL_HORIZON: Millis = Millis(30 * 86_400_000);

/// Two thousand rows of the new world, and of the last twenty thousand what training can use.
pub(crate) const RETRAIN: Retrain = Retrain {
    after: 2_000,
    window: 20_000,
    every: None,
};

/// A third judges, as is the custom; a version that is as good as the old one on newer rows may take over.
pub(crate) const GATE: Gate = Gate {
    metric: GateMetric::Accuracy,
    holdout: 0.3,
    margin: 0.0,
    slices: Vec::new(),
    slice_tolerance: 0.02,
};

/// One key in twenty first: what a mistake may cost.
pub(crate) const ROLLOUT_STEPS: [f64; 3] = [0.05, 0.25, 1.0];
/// Enough to tell 0.5 from 0.6 of accuracy.
pub(crate) const ROLLOUT_ROWS: u64 = 200;
/// Once is an accident, twice a coincidence.
pub(crate) const ROLLOUT_FAILURES: u32 = 3;

/// Enough to see a shift of a tenth of a standard deviation; a reference of as many rows is as good.
pub(crate) const DRIFT_WINDOW: u64 = 5_000;
/// What is told once need not be told of the next windows too.
pub(crate) const DRIFT_COOL_DOWN: u64 = 4;
/// As is usual: PSI of 0.2 and a p-value of 0.01, over all columns together.
pub(crate) const DRIFT_LIMITS: DriftLimits = DriftLimits {
    significance: 0.01,
    psi: 0.2,
    distance: 0.1,
    missing: 0.05,
    performance: 0.05,
};

/// The topic of records that cannot be processed: its suffix after the topology's name.
pub(crate) const DEAD_LETTERS: &str = ".dead-letters";

/// Where it stands what to do when an alert fires, as far as the file does not say.
pub(crate) const ALERT_SEE: &str = "docs/operations.md#";
/// Long enough for a receiver that is busy, short enough that the next alert does not wait long.
pub(crate) const WEBHOOK_TIMEOUT: Millis = Millis(10_000);
/// After an hour somebody has noticed otherwise, or the alert is no news.
pub(crate) const WEBHOOK_GIVE_UP: Millis = Millis(3_600_000);

/// The alpha of an exponentially weighted mean: about the last nineteen values (2 / (n + 1)).
pub(crate) const EWMA_ALPHA: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_outlast_the_fall_of_a_broker_and_stay_within_what_brokers_allow() {
        for (interval, timeout) in [
            ("50ms", "30.1s"),
            ("1s", "32s"),
            ("1min", "150s"),
            ("1d", "15min"),
        ] {
            let interval = Millis::parse(interval).expect("a duration");
            let timeout = Millis::parse(timeout).expect("a duration");
            assert_eq!(transaction_timeout(interval), timeout, "{interval}");
        }
    }
}
