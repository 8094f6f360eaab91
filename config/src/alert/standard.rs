//! Alerts that hold without a line in the file. Each can be changed by an `[[alert]]` with its id, or
//! switched off by `enabled = false` there.

use crate::Millis;

/// A standard alert before it is merged with the file's.
pub(crate) struct Standard {
    pub(crate) id: String,
    pub(crate) when: String,
    pub(crate) hold: Millis,
    /// Name of its section in docs/operations.md.
    pub(crate) section: &'static str,
}

const fn seconds(seconds: i64) -> Millis {
    Millis(seconds * 1_000)
}

/// Of every topology: id, condition, for how long.
const ALWAYS: [(&str, &str, Millis); 9] = [
    // Minutes of a backlog that does not shrink below what a start or a burst leaves behind.
    ("lag", "lag_records > 100000", seconds(300)),
    ("parked-partition", "parked_partitions > 0", seconds(0)),
    ("quarantined-key", "quarantined_keys > 0", seconds(0)),
    // One restart cures what passes; a fourth within ten minutes says that it does not pass.
    (
        "restarts",
        "increase(restarts_total, 10min) > 3",
        seconds(0),
    ),
    ("hangs", "increase(hangs_total, 10min) > 0", seconds(0)),
    ("drift", "model_trouble{what='drift'} > 0", seconds(0)),
    (
        "refused-model",
        "model_trouble{what='refused'} > 0",
        seconds(0),
    ),
    (
        "rolled-back-model",
        "model_trouble{what='rolled-back'} > 0",
        seconds(0),
    ),
    (
        "dead-letters",
        "ratio(dead_letters_total, records_total, 5min) > 0.01",
        seconds(60),
    ),
];

/// The standard alerts of a topology with these models.
pub(crate) fn standard<'a>(models: impl Iterator<Item = &'a str>) -> Vec<Standard> {
    let always = ALWAYS.iter().map(|(id, when, hold)| Standard {
        id: (*id).into(),
        when: (*when).into(),
        hold: *hold,
        section: id,
    });
    let silent = models.map(|model| Standard {
        id: format!("silent-{model}"),
        when: format!(
            "ratio(inference_batch_rows_sum{{model='{model}'}}, records_total, 10min) = 0"
        ),
        hold: seconds(0),
        section: "silent-model",
    });
    always.chain(silent).collect()
}
