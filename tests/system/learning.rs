//! The loop closes: the world changes, the model errs, a new version is trained beside the stream, tried
//! on some of the keys and takes over; or it is refused, or taken back.

mod hung;
mod killed;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use actors::log::memory::MemoryLog;
use actors::log::{Log, LogRecord};
use actors::nodes::events::Happened;
use actors::nodes::faults::Faults;
use actors::nodes::topics::topics;
use bytes::Bytes;
use serde_json::{Value, json};
use tests::inside::{self, Running};
use tests::trained;

/// Rows of one batch of the test.
const BLOCK: usize = 500;
/// Rows of the old world that the first version is trained on, and as many that it serves.
const OLD: usize = 3_000;
/// Rows of the new world, at most, until the story must be at its end.
const NEW: usize = 30_000;

/// The story of a version that is better.
const TAKES_OVER: [&str; 7] = [
    "alarm", "train", "verdict", "arms", "arms", "promoted", "arms",
];

/// A row's features: spread evenly and the same in each run.
fn features(nth: usize) -> [f64; 2] {
    let part = |step: f64| (nth as f64 * step).fract() * 10.0;
    [part(0.618_033_988_749_895), part(0.754_877_666_246_693)]
}

/// What is true of a row: after SEA (Street, Kim 2001), with a second world in which it is nearly the
/// opposite.
fn truth(nth: usize, is_new: bool) -> bool {
    let [a, b] = features(nth);
    (a + b > 9.0) != is_new
}

/// Trains the first version, on rows of the old world.
fn first_version(folder: &Path) {
    let rows = (0..OLD).map(|nth| {
        let values = features(nth).map(|x| x as f32);
        (values.to_vec(), truth(nth, false))
    });
    trained::first_version(folder, &["a", "b"], rows, 0.02);
}

/// A topology whose model learns. Labels come on their own topic. `log` is its table `[log]`, if any.
fn topology(name: &str, folder: &Path, log: &str) -> String {
    format!(
        r#"
version = 1
name = "{name}"
{log}
[epoch]
interval = "20ms"

[[source]]
id = "rows"
topic = "{name}.rows"
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
model = "sea"
features = ["a", "b"]
outputs = {{ score = "probabilities[1]" }}

[[sink]]
id = "scored"
input = "score"
topic = "{name}.scored"
key = "who"

[[model]]
id = "sea"
path = '{}'
[model.log]
id = "id"
[model.labels]
topic = "{name}.outcomes"
partitions = 2
id = "id"
label = "outcome"
schema = {{ id = "int64", outcome = "bool" }}
[model.train]
arch = "logistic"
label = "label"
learning-rate = 0.02
epochs = 20
[model.retrain]
after = 600
[model.rollout]
steps = [0.2, 0.5, 1.0]
rows = 100

[[monitor]]
id = "errors"
model = "sea"
detector = "adwin"
"#,
        folder.display()
    )
}

fn who(nth: usize) -> String {
    (nth * 7 % 400).to_string()
}

fn row(nth: usize) -> Value {
    let [a, b] = features(nth);
    json!({ "id": nth, "who": who(nth), "a": a, "b": b })
}

fn label(nth: usize, outcome: bool) -> Value {
    json!({ "id": nth, "outcome": outcome })
}

/// A running loop over a log that the test feeds.
struct Loop {
    /// Of the topology; its topics begin with it.
    name: String,
    log: Arc<dyn Log>,
    folder: tempfile::TempDir,
    /// Rows fed so far.
    fed: usize,
}

impl Loop {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        first_version(&folder.path().join("sea"));
        Self {
            name: "sea".to_owned(),
            log: Arc::new(MemoryLog::new()),
            folder,
            fed: 0,
        }
    }

    async fn start(&self) -> Running {
        self.start_in("data").await
    }

    /// Starts it as a node of which this is the data directory.
    async fn start_in(&self, data: &str) -> Running {
        self.start_with(data, Faults::default()).await
    }

    /// The same, with these hooks.
    async fn start_with(&self, data: &str, faults: Faults) -> Running {
        let versions = self.folder.path().join("sea");
        let topology = inside::topology(&topology(&self.name, &versions, ""));
        for (_, spec) in topics(&topology) {
            self.log.ensure_topic(&spec).expect("created");
        }
        let data = self.folder.path().join(data);
        Running::start(topology, Arc::clone(&self.log), &data, faults).await
    }

    /// Feeds rows and the labels that `outcome` gives them.
    fn feed(&mut self, rows: usize, outcome: impl Fn(usize) -> bool) {
        let record = |who: String, value: Value| {
            LogRecord::new(Some(Bytes::from(who)), Some(value.to_string().into()), 1)
        };
        let (mut given, mut labels) = (Vec::new(), Vec::new());
        for nth in self.fed..self.fed + rows {
            given.push(record(who(nth), row(nth)));
            labels.push(record(nth.to_string(), label(nth, outcome(nth))));
        }
        inside::append(&*self.log, &self.topic("rows"), given);
        inside::append(&*self.log, &self.topic("outcomes"), labels);
        self.fed += rows;
    }

    fn topic(&self, what: &str) -> String {
        format!("{}.{what}", self.name)
    }

    /// What the steward has committed: event and detail.
    fn events(&self) -> Vec<(String, Value)> {
        let values = inside::values(&*self.log, &self.topic("sea.events"));
        let values = values.into_iter().flatten();
        values
            .map(|value| {
                let row: Value = serde_json::from_str(&value).expect("JSON");
                let detail = row["detail"].as_str().expect("a detail");
                let event = row["event"].as_str().expect("an event").to_owned();
                (event, serde_json::from_str(detail).expect("JSON"))
            })
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.events().into_iter().map(|(name, _)| name).collect()
    }

    fn labelled(&self) -> usize {
        let all = inside::records(&*self.log, &self.topic("sea.labelled"));
        all.iter().map(Vec::len).sum()
    }

    /// Feeds rows with their labels, and waits until both have met.
    async fn live(&mut self, running: &Running, rows: usize, outcome: impl Fn(usize) -> bool) {
        self.feed(rows, outcome);
        let fed = self.fed;
        running
            .until("labels", || (self.labelled() >= fed).then_some(()))
            .await;
    }

    /// Feeds block by block until the story has come to an event. While a version is trained, the world
    /// waits: in this test a thousand rows take no longer than a training.
    async fn until(&mut self, running: &Running, event: &str, outcome: impl Fn(usize) -> bool) {
        while !self.names().iter().any(|name| name == event) {
            assert!(self.fed < OLD + NEW, "no {event}: {:?}", self.events());
            self.live(running, BLOCK, &outcome).await;
            let is_training = || self.names().last().is_some_and(|name| name == "train");
            running
                .until("a verdict", || (!is_training()).then_some(()))
                .await;
        }
    }

    /// Every row was answered once, and the feature log has of each the version that its header names.
    fn check_answers(&self) -> BTreeMap<u64, usize> {
        let mut versions: HashMap<i64, u64> = HashMap::new();
        for record in inside::records(&*self.log, &self.topic("scored"))
            .iter()
            .flatten()
        {
            let row: Value =
                serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
            let tag = record.headers.get("thalweg.model").expect("a model");
            let version = std::str::from_utf8(tag).expect("text").strip_prefix("sea@");
            let version = version.expect("the model's version");
            let before = versions.insert(
                row["id"].as_i64().expect("an id"),
                version.parse().expect("a number"),
            );
            assert_eq!(before, None, "answered twice: {row}");
        }
        assert_eq!(versions.len(), self.fed);
        let mut counts = BTreeMap::new();
        for value in inside::values(&*self.log, &self.topic("sea.labelled"))
            .iter()
            .flatten()
        {
            let row: Value = serde_json::from_str(value).expect("JSON");
            let id: i64 = row["row_id"]
                .as_str()
                .and_then(|id| id.parse().ok())
                .expect("an id");
            let version = row["model_version"].as_u64().expect("a version");
            assert_eq!(versions.remove(&id), Some(version), "{row}");
            // Point in time: the row is as it was served.
            assert_eq!(row["a"].as_f64(), Some(features(id as usize)[0]));
            *counts.entry(version).or_default() += 1;
        }
        assert!(
            versions.is_empty(),
            "without their labels: {}",
            versions.len()
        );
        counts
    }
}

/// What was restarted, and why.
fn restarts(running: &Running) -> Vec<String> {
    let told = running.control.events(0).into_iter();
    let restarts = told.filter_map(|event| match event.happened {
        Happened::Restarting { actor, reason, .. } => Some(format!("{actor}: {reason}")),
        _ => None,
    });
    restarts.collect()
}

#[test]
fn when_the_world_changes_a_new_version_is_trained_tried_and_takes_over() {
    let mut story = Loop::new();
    inside::block_on(async {
        let running = story.start().await;
        story.live(&running, OLD, |nth| truth(nth, false)).await;
        story
            .until(&running, "promoted", |nth| truth(nth, nth >= OLD))
            .await;
        assert_eq!(story.names(), TAKES_OVER, "{:?}", story.events());
        let model = &running.daemon.context.models[0];
        running
            .until("the new champion", || {
                assert_eq!(model.trouble(), None);
                (model.version() == Some(2)).then_some(())
            })
            .await;
        // It is good in the new world: what it says now is right.
        story.feed(1_000, |nth| truth(nth, true));
        running.caught_up().await;
        assert_eq!(restarts(&running), Vec::<String>::new());
        running.stop().await;
        // Another node has never trained it, and serves it: the log has its files.
        let other = story.start_in("another").await;
        assert_eq!(other.daemon.context.models[0].version(), Some(2));
        story.feed(100, |nth| truth(nth, true));
        other.caught_up().await;
        assert_eq!(restarts(&other), Vec::<String>::new());
        other.stop().await;
    });
    assert_eq!(story.names(), TAKES_OVER);
    let versions = story.check_answers();
    assert!(
        versions.get(&2).is_some_and(|rows| *rows >= 1_200),
        "{versions:?}"
    );
    let wrong = inside::values(&*story.log, &story.topic("sea.labelled"))
        .into_iter()
        .flatten()
        .map(|value| serde_json::from_str::<Value>(&value).expect("JSON"))
        .filter(|row| row["model_version"] == 2)
        .filter(|row| (row["score"].as_f64() >= Some(0.5)) != (row["label"].as_f64() == Some(1.0)))
        .count();
    assert!(wrong * 20 < versions[&2], "{wrong} of {}", versions[&2]);
}

#[test]
fn poisoned_labels_promote_nothing() {
    let mut story = Loop::new();
    inside::block_on(async {
        let running = story.start().await;
        story.live(&running, OLD, |nth| truth(nth, false)).await;
        // From here on labels are noise, which nothing can learn.
        let noise = |nth: usize| (nth.wrapping_mul(0x9e37_79b9) >> 7) & 1 == 1;
        story
            .until(&running, "refused", |nth| match nth >= OLD {
                true => noise(nth),
                false => truth(nth, false),
            })
            .await;
        running.caught_up().await;
        assert_eq!(restarts(&running), Vec::<String>::new());
        running.stop().await;
    });
    assert!(!story.names().contains(&"arms".to_owned()));
    assert_eq!(story.check_answers().keys().collect::<Vec<_>>(), [&1]);
}
