//! A model without labels that is watched: windows are compared with what it was trained on, in the daemon,
//! and no window is lost or doubled when it is killed.

mod killed;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use models::drift::{Pooled, kolmogorov_smirnov};
use models::watch::{FIRST_ROWS, Part};
use serde_json::{Value, json};
use tests::inside::{self, Running};
use tests::trained;

/// Rows of a window.
const WINDOW: usize = 1_000;

/// A feature: one of fifty numbers, evenly, so that each has a bin of its own and statistics on bins are
/// exact. In the new world it is half of that.
fn feature(nth: usize, is_new: bool) -> f64 {
    let old = ((nth as f64 * 0.618_033_988_749_895).fract() * 50.0).floor();
    if is_new { (old / 2.0).floor() } else { old }
}

fn row(nth: usize, is_new: bool) -> Value {
    json!({ "id": nth, "who": (nth * 7 % 400).to_string(), "a": feature(nth, is_new), "b": (nth % 3) as f64 })
}

/// A version that does not say what it was trained on.
fn version(folder: &Path) {
    let rows = (0..600).map(|nth| {
        let a = feature(nth, false);
        (vec![a as f32, (nth % 3) as f32], a > 25.0)
    });
    trained::first_version(folder, &["a", "b"], rows, 0.001);
}

fn topology(folder: &Path) -> String {
    format!(
        r#"
version = 1
name = "shop"
epoch = {{ interval = "20ms" }}

[[source]]
id = "rows"
topic = "rows"
key = "who"
partitions = 2
[source.schema]
id = "int64"
who = "string"
a = "float64"
b = "float64"

[[operator]]
id = "score"
kind = "infer"
input = "rows"
model = "fraud"
features = ["a", "b"]
outputs = {{ score = "probabilities[1]" }}

[[sink]]
id = "scored"
input = "score"
topic = "scored"
key = "who"

[[model]]
id = "fraud"
path = '{}'
[model.log]
id = "id"
partitions = 2

[[monitor]]
id = "inputs"
model = "fraud"
on = "features"
window = {WINDOW}
statistics = ["kolmogorov-smirnov", "psi"]
"#,
        folder.display()
    )
}

/// A running topology over a log that the test feeds.
struct Shop {
    log: Arc<dyn Log>,
    folder: tempfile::TempDir,
    fed: usize,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        version(&folder.path().join("fraud"));
        Self {
            log: Arc::new(MemoryLog::new()),
            folder,
            fed: 0,
        }
    }

    async fn start(&self) -> Running {
        let topology = inside::topology(&topology(&self.folder.path().join("fraud")));
        for (_, spec) in topics(&topology) {
            self.log.ensure_topic(&spec).expect("created");
        }
        let data = self.folder.path().join("data");
        Running::start(topology, Arc::clone(&self.log), &data, Faults::default()).await
    }

    /// Feeds rows, and waits until they are in the feature log.
    async fn live(&mut self, running: &Running, rows: usize, is_new: bool) {
        let record = |nth: usize| {
            let value = row(nth, is_new);
            let who = value["who"].as_str().unwrap_or_default().to_owned();
            LogRecord::new(
                Some(Bytes::from(who)),
                Some(value.to_string().into()),
                nth as i64,
            )
        };
        inside::append(
            &*self.log,
            "rows",
            (self.fed..self.fed + rows).map(record).collect(),
        );
        self.fed += rows;
        let logged = || {
            inside::records(&*self.log, "shop.fraud.log")
                .iter()
                .map(Vec::len)
                .sum::<usize>()
        };
        running
            .until("the feature log", || (logged() >= self.fed).then_some(()))
            .await;
    }

    fn json(&self, topic: &str) -> Vec<Value> {
        let values = inside::values(&*self.log, topic).into_iter().flatten();
        values
            .map(|value| serde_json::from_str(&value).expect("JSON"))
            .collect()
    }

    /// Details of the alarms, in their order.
    fn alarms(&self) -> Vec<Value> {
        let events = self.json("shop.fraud.events").into_iter();
        let alarms = events.filter(|event| event["event"] == "alarm");
        alarms
            .map(|event| {
                serde_json::from_str(event["detail"].as_str().expect("text")).expect("JSON")
            })
            .collect()
    }

    /// The sketches tile what each partition was given: no row is in two of them, none is left out. Then each
    /// window's numbers are those of the statistic over the very rows.
    fn check_windows(&self) -> usize {
        let given = inside::values(&*self.log, "rows");
        let value = |partition: usize, offset: usize| -> f64 {
            let row: Value = serde_json::from_str(&given[partition][offset]).expect("JSON");
            row["a"].as_f64().expect("a number")
        };
        let (mut next, mut open) = ([None::<i64>; 2], Vec::new());
        let mut windows: Vec<Vec<f64>> = Vec::new();
        for sketch in self.json("shop.fraud.sketches") {
            let sketch: Value =
                serde_json::from_str(sketch["sketch"].as_str().expect("text")).expect("JSON");
            let parts: BTreeMap<usize, Part> =
                serde_json::from_value(sketch["parts"].clone()).expect("parts");
            for (partition, part) in parts {
                if let Some(next) = next[partition] {
                    assert_eq!(part.first, next, "of partition {partition}");
                }
                assert_eq!(part.rows, part.last.abs_diff(part.first) + 1);
                next[partition] = Some(part.last + 1);
                open.extend((part.first..=part.last).map(|at| value(partition, at as usize)));
            }
            if open.len() >= WINDOW {
                windows.push(std::mem::take(&mut open));
            }
        }
        let reference = self.first_rows();
        let told = self.json("shop.fraud.metrics");
        let told = told
            .iter()
            .filter(|told| told["metric"] == "kolmogorov-smirnov" && told["column"] == "a");
        let told: Vec<&Value> = told.collect();
        assert_eq!(told.len(), windows.len());
        for (told, rows) in told.iter().zip(&windows) {
            assert_eq!(told["rows"].as_u64(), Some(rows.len() as u64));
            let exact =
                kolmogorov_smirnov(&Pooled::from_samples(&reference, rows).expect("samples"));
            let value = told["value"].as_f64().expect("a number");
            assert!(
                (value - exact.statistic).abs() < 1e-9,
                "{value} {}",
                exact.statistic
            );
        }
        windows.len()
    }

    /// Of each partition of the feature log the first.
    fn first_rows(&self) -> Vec<f64> {
        let log = inside::values(&*self.log, "shop.fraud.log");
        let first = log
            .iter()
            .flat_map(|partition| partition.iter().take(FIRST_ROWS / 2));
        first
            .map(|row| {
                let row: Value = serde_json::from_str(row).expect("JSON");
                row["a"].as_f64().expect("a number")
            })
            .collect()
    }
}

#[test]
fn a_model_without_labels_alarms_when_what_it_is_given_changes() {
    let mut shop = Shop::new();
    inside::block_on(async {
        let running = shop.start().await;
        // The rows that the version is known by.
        shop.live(&running, FIRST_ROWS + 1_000, false).await;
        let profiles = Arc::clone(&running.daemon.context.profiles[0]);
        running
            .until("a reference", || profiles.get(1).map(drop))
            .await;
        shop.live(&running, 4 * WINDOW, false).await;
        shop.live(&running, 4 * WINDOW, true).await;
        let seen = || (!shop.alarms().is_empty()).then_some(());
        running.until("an alarm", seen).await;
        running
            .until("the view", || {
                let view = running.daemon.context.models[0].drift();
                let of_a = view
                    .as_array()?
                    .iter()
                    .find(|n| n["column"] == "a" && n["statistic"] == "psi")?;
                (of_a["drifted"] == true).then_some(())
            })
            .await;
        running.caught_up().await;
        running.stop().await;
    });
    let windows = shop.check_windows();
    assert!(windows >= 7, "{windows}");
    let alarms = shop.alarms();
    assert!((1..=2).contains(&alarms.len()), "{alarms:?}");
    assert_eq!(alarms[0]["drifted"][0]["column"], "a");
    assert!(alarms[0]["window"].as_u64() >= Some(4), "{alarms:?}");
}
