//! What a node says and shows of its alerts, over a log in memory and a clock that is set.

use std::path::Path;
use std::sync::Arc;

use config::{LoadOptions, NoModels, load_text};

use super::*;
use crate::clock::ManualClock;
use crate::log::memory::MemoryLog;
use crate::log::{Log, TopicSpec};
use crate::nodes::context::ShardSettings;
use crate::nodes::events::Happened;
use crate::nodes::faults::Faults;
use crate::nodes::threads::Threads;

const PLAIN: &str = r#"
version = 1
name = "till"
[[source]]
id = "payments"
topic = "payments"
[source.schema]
card = "string"
[[sink]]
id = "out"
input = "payments"
topic = "out"
"#;

/// A node with a clock, and its alerts.
pub(super) struct Fixture {
    pub(super) context: Arc<ShardContext>,
    clock: Arc<ManualClock>,
}

/// Time is told in seconds from here on.
const BEGIN_MS: i64 = 1_700_000_000_000;

impl Fixture {
    /// Of a topology with these alerts.
    pub(super) fn new(alerts: &str) -> Self {
        let options = LoadOptions {
            overrides: Vec::new(),
            environment: &|_| None,
            models: &NoModels,
        };
        let text = format!("{PLAIN}\n{alerts}");
        let topology = load_text(Path::new("till.toml"), &text, &options);
        let topology = topology.unwrap_or_else(|problems| panic!("{problems}"));
        let log = MemoryLog::new();
        for name in ["till.alerts.control", "till.alerts"] {
            let spec = TopicSpec {
                name: TopicName::parse(name).expect("a name"),
                partitions: 1,
                compacted: false,
                retention_ms: None,
                retention_bytes: None,
            };
            log.ensure_topic(&spec).expect("made");
        }
        let clock = Arc::new(ManualClock::default());
        clock.set_ms(BEGIN_MS);
        let context = ShardContext::new(ShardSettings {
            topology: Arc::new(topology),
            log: Arc::new(log),
            clock: Arc::clone(&clock) as Arc<dyn crate::clock::Clock>,
            stores: crate::state::memory::stores(),
            models_dir: None,
            faults: Faults::default(),
            threads: Threads::One,
            seed: 1,
            node: "n1".into(),
        });
        Self { context, clock }
    }

    pub(super) fn set_second(&self, second: i64) {
        self.clock.set_ms(BEGIN_MS + second * 1_000);
    }

    /// Looks at a lag.
    fn look(&self, second: i64, lag: u64) {
        self.set_second(second);
        let text = format!("thalweg_lag_records{{topic=\"payments\",partition=\"0\"}} {lag}\n");
        self.context.alerts.look(&self.context, &text);
    }

    /// The records of a topic as JSON.
    pub(super) fn records(&self, topic: &str) -> Vec<serde_json::Value> {
        let at = TopicPartition::new(TopicName::parse(topic).expect("a name"), 0);
        let fetched = self.context.log.read(&at, 0, 1_000, 1 << 20).expect("read");
        let values = fetched.records.into_iter();
        let values = values.map(|record| record.value.expect("a value"));
        values
            .map(|value| serde_json::from_slice(&value).expect("JSON"))
            .collect()
    }

    /// Tells an alert as the operator would.
    pub(super) fn tell(&self, second: i64, alert: &str, number: u64, state: AlertState) {
        let at_ms = BEGIN_MS + second * 1_000;
        let told = Told {
            alert: alert.into(),
            at_ms,
            state,
            number,
            since_ms: at_ms,
            node: Some("n1".into()),
            value: None,
            series: None,
            condition: None,
            see: None,
        };
        let at = TopicPartition::new(TopicName::parse("till.alerts").expect("a name"), 0);
        let value = serde_json::to_vec(&told).expect("JSON");
        let record = LogRecord::new(Some(alert.to_owned().into()), Some(value.into()), at_ms);
        let mut producer = self.context.log.producer("operator").expect("a producer");
        producer.begin().expect("begun");
        producer.send(&at, vec![record]).expect("sent");
        producer.commit().expect("committed");
    }

    /// Events of alerts: (alert, state, number).
    fn events(&self) -> Vec<(String, AlertState, u64)> {
        let events = self.context.events.since(0).0.into_iter();
        let told = events.filter_map(|event| match event.happened {
            Happened::Alert {
                alert,
                state,
                firing,
                ..
            } => Some((alert, state, firing)),
            _ => None,
        });
        told.collect()
    }

    fn firing(&self) -> Vec<String> {
        let firing = self.context.alerts.view().firing;
        firing.into_iter().map(|told| told.alert).collect()
    }
}

#[test]
fn a_standard_alert_needs_no_line_and_no_topic_and_is_told_as_an_event() {
    let fixture = Fixture::new("");
    for second in 0..400 {
        fixture.look(
            second,
            if (10..350).contains(&second) {
                200_000
            } else {
                3
            },
        );
        if second == 100 {
            let pending = fixture.context.alerts.view().pending;
            let pending: Vec<(&str, i64)> =
                pending.iter().map(|p| (&*p.alert, p.since_ms)).collect();
            assert_eq!(pending, [("lag", BEGIN_MS + 10_000)]);
        }
        if second == 320 {
            assert_eq!(fixture.firing(), ["lag"]);
        }
    }
    let told = |state| ("lag".to_owned(), state, 1);
    assert_eq!(
        fixture.events(),
        [told(AlertState::Firing), told(AlertState::Resolved)]
    );
    let view = fixture.context.alerts.view();
    assert!(view.firing.is_empty() && view.pending.is_empty());
    assert_eq!(view.recent[0].value, Some(200_000.0));
    assert_eq!(
        view.recent[0].see.as_deref(),
        Some("docs/operations.md#lag")
    );
    assert!(fixture.records("till.alerts.control").is_empty());
}

#[test]
fn an_alert_can_be_changed_and_switched_off_by_its_id() {
    let fixture = Fixture::new("[[alert]]\nid = \"lag\"\nfor = \"2s\"\n");
    (0..5).for_each(|second| fixture.look(second, 200_000));
    assert_eq!(fixture.firing(), ["lag"]);
    for off in [
        "[[alert]]\nid = \"lag\"\nenabled = false\n",
        "[alerts]\nstandard = false\n",
    ] {
        let fixture = Fixture::new(off);
        (0..600).for_each(|second| fixture.look(second, 200_000));
        assert!(fixture.events().is_empty(), "{off}");
    }
}

const LATE: &str = "[alerts]\nstandard = false\n[[alert]]\nid = \"late\"\n\
    when = \"lag_records > 10\"\nfor = \"5s\"\nto = [\"topic\"]\n";

#[test]
fn the_operator_hears_of_each_change_and_what_it_tells_is_shown_once() {
    let fixture = Fixture::new(LATE);
    for second in 0..20 {
        fixture.look(second, if second < 3 { 0 } else { 11 });
        if second == 8 {
            fixture.tell(8, "late", 1, AlertState::Firing);
        }
    }
    let said = fixture.records("till.alerts.control");
    let holds: Vec<&serde_json::Value> = said.iter().map(|said| &said["holds"]).collect();
    // The first look, the change, and when it has held for five seconds.
    assert_eq!(holds, [false, true, true]);
    assert_eq!(said[2]["series"], "topic=\"payments\", partition=\"0\"");
    assert_eq!(
        (&said[2]["node"], &said[2]["hold_ms"]),
        (&"n1".into(), &5_000.into())
    );
    assert_eq!(fixture.firing(), ["late"]);
    fixture.look(39, 0);
    fixture.tell(40, "late", 1, AlertState::Resolved);
    fixture.look(41, 0);
    let told = |state| ("late".to_owned(), state, 1);
    assert_eq!(
        fixture.events(),
        [told(AlertState::Firing), told(AlertState::Resolved)]
    );
    assert_eq!(fixture.records("till.alerts.control").len(), 4);
}

#[test]
fn what_was_told_before_the_start_is_shown_and_is_no_news() {
    let fixture = Fixture::new(LATE);
    fixture.tell(-60, "late", 7, AlertState::Firing);
    fixture.look(0, 100);
    assert_eq!(fixture.firing(), ["late"]);
    assert!(fixture.events().is_empty());
}

#[test]
fn an_alert_that_fires_but_is_no_rule_any_more_is_said_to_hold_no_more() {
    let fixture = Fixture::new(LATE);
    fixture.tell(-60, "gone", 1, AlertState::Firing);
    fixture.look(0, 0);
    let said = fixture.records("till.alerts.control");
    let gone: Vec<_> = said.iter().filter(|said| said["alert"] == "gone").collect();
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0]["holds"], false);
    fixture.tell(1, "gone", 1, AlertState::Resolved);
    fixture.look(60, 0);
    assert!(fixture.firing().is_empty());
}
