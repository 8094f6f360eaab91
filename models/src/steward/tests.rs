//! The story of a model, told to a steward row by row.

mod alarms;

use std::collections::BTreeMap;

use super::message::Arms;
use super::{Control, Request, Row, Steward, Told};
use crate::ModelFolders;
use crate::gate::{Reason, Verdict};
use config::{Gate, GateMetric, Learning, ModelSignatures, Monitor, NodeId, Retrain, Rollout};

fn settings() -> Learning {
    Learning {
        id: "id".into(),
        sample: 1.0,
        threshold: 0.5,
        monitors: vec![Monitor {
            id: NodeId::parse("errors").expect("an id"),
            detector: "ddm".into(),
            parameters: Vec::new(),
        }],
        watches: Vec::new(),
        retrain: Some(Retrain {
            after: 300,
            window: 2_000,
            every: None,
        }),
        gate: Gate {
            metric: GateMetric::Accuracy,
            holdout: 0.3,
            margin: 0.0,
            slices: Vec::new(),
            slice_tolerance: 0.02,
        },
        rollout: Rollout {
            steps: vec![0.1, 0.5, 1.0],
            rows: 100,
            failures: 3,
        },
    }
}

/// A steward and what it has told.
struct Story {
    settings: Learning,
    steward: Steward,
    offset: i64,
    told: Vec<Told>,
}

impl Story {
    fn new() -> Self {
        let settings = settings();
        Self {
            steward: Steward::try_new(&settings).expect("settings"),
            settings,
            offset: 0,
            told: Vec::new(),
        }
    }

    /// Rows of a version, every `nth` of which is wrong.
    fn rows(&mut self, version: u64, rows: usize, nth: usize) {
        for n in 1..=rows {
            let label = f64::from(u8::from(n % 2 == 0));
            let score = if n % nth == 0 { 1.0 - label } else { label };
            // Not the same number each time.
            let score = 0.1 + 0.8 * score + 1e-3 * (n % 7) as f64;
            self.offset += 1;
            let row = Row {
                at: self.offset,
                offset: self.offset,
                version,
                score,
                label,
            };
            self.steward.labelled(&self.settings, &row, &mut self.told);
            self.kept();
        }
    }

    fn control(&mut self, control: &Control) {
        let text = serde_json::to_string(control).expect("JSON");
        self.steward
            .control(&self.settings, self.offset, &text, &mut self.told);
        self.kept();
    }

    /// As after a crash: read back from its bytes.
    fn kept(&mut self) {
        let bytes = serde_json::to_vec(&self.steward).expect("bytes");
        self.steward = serde_json::from_slice(&bytes).expect("a steward");
    }

    fn events(&self) -> Vec<&'static str> {
        let events = self.told.iter().filter_map(|told| match told {
            Told::Event { event, .. } => Some(*event),
            Told::Metric(_) | Told::Control(_) => None,
        });
        events.collect()
    }

    fn last<T: serde::de::DeserializeOwned>(&self, wanted: &str) -> T {
        let detail = self.told.iter().rev().find_map(|told| match told {
            Told::Event { event, detail, .. } if *event == wanted => Some(detail),
            _ => None,
        });
        serde_json::from_str(detail.expect("such an event")).expect("its detail")
    }

    /// Until a training is asked for: good rows, then bad ones.
    fn until_training(&mut self) -> Request {
        self.rows(1, 1_000, 10);
        self.rows(1, 800, 2);
        self.last("train")
    }

    fn verdict(&mut self, request: u64, promoted: bool) {
        let verdict = Verdict {
            promoted,
            numbers: BTreeMap::new(),
            reasons: vec![Reason {
                check: "better".into(),
                passed: promoted,
                words: "as the test says".into(),
            }],
        };
        self.control(&Control::Trained { request, verdict });
    }
}

#[test]
fn drift_is_told_once_and_trained_on_the_rows_behind_it() {
    let mut story = Story::new();
    let request = story.until_training();
    assert_eq!(story.events(), ["alarm", "train"]);
    let alarm: serde_json::Value = story.last("alarm");
    let row = alarm["row"].as_i64().expect("a row");
    // The detector sees it some rows behind the change at 1,000, and training begins 300 rows later,
    // with rows of the new world only (a place is remembered every 50 rows).
    assert!((1_000..1_200).contains(&row), "{row}");
    assert!((row - 50..=row + 1).contains(&request.from), "{request:?}");
    assert!((row + 299..=row + 301).contains(&request.to), "{request:?}");
    assert_eq!((request.version, request.champion), (2, 1));
}

#[test]
fn a_good_version_takes_over_step_by_step() {
    let mut story = Story::new();
    let request = story.until_training();
    story.verdict(request.id, true);
    let mut shares = vec![story.last::<Arms>("arms").share];
    for _ in 0..2 {
        story.rows(1, 100, 2);
        story.rows(2, 100, 10);
        shares.push(story.last::<Arms>("arms").share);
    }
    assert_eq!(shares, [0.1, 0.5, 0.0]);
    let events = story.events();
    assert!(
        events.ends_with(&["arms", "arms", "promoted", "arms"]),
        "{events:?}"
    );
    let arms: Arms = story.last("arms");
    assert_eq!((arms.champion, arms.challenger), (2, None));
}

#[test]
fn a_version_that_errs_more_often_is_taken_back() {
    let mut story = Story::new();
    let request = story.until_training();
    story.verdict(request.id, true);
    // The first row of the new version starts the comparison.
    for _ in 0..300 {
        story.rows(2, 1, 1);
        story.rows(1, 1, 2);
    }
    let events = story.events();
    assert!(events.contains(&"rolled-back"), "{events:?}");
    let arms: Arms = story.last("arms");
    assert_eq!((arms.champion, arms.challenger), (1, None));
}

#[test]
fn a_version_that_fails_or_says_nothing_is_taken_back() {
    let failed = |story: &mut Story| {
        story.control(&Control::VersionFailed {
            version: 2,
            reason: "NaN".into(),
        });
    };
    let constant = |story: &mut Story| {
        for _ in 0..250 {
            story.offset += 1;
            let row = Row {
                at: story.offset,
                offset: story.offset,
                version: 2,
                score: 0.1,
                label: 0.0,
            };
            story
                .steward
                .labelled(&story.settings, &row, &mut story.told);
        }
    };
    let breaches: [&dyn Fn(&mut Story); 2] = [&failed, &constant];
    for breach in breaches {
        let mut story = Story::new();
        // One step only, and far: nothing but the breach can end the trial.
        story.settings.rollout.rows = 10_000;
        let request = story.until_training();
        story.verdict(request.id, true);
        breach(&mut story);
        let events = story.events();
        assert!(events.ends_with(&["rolled-back", "arms"]), "{events:?}");
    }
}

#[test]
fn a_refused_version_takes_no_row_and_training_is_tried_again_three_times_in_all() {
    let mut story = Story::new();
    for _ in 0..5 {
        story.rows(1, 1_000, 10);
        if story.events().last() != Some(&"train") {
            story.rows(1, 800, 2);
        }
        if story.events().last() == Some(&"train") {
            let request: Request = story.last("train");
            story.verdict(request.id, false);
        }
        assert!(!story.events().contains(&"arms"));
        if story
            .events()
            .iter()
            .filter(|event| **event == "refused")
            .count()
            == 3
        {
            break;
        }
    }
    let told = story.told.len();
    // Of the alarm that was tried three times nothing is left.
    story.rows(1, 299, 10_000);
    let trained = story.told[told..].iter();
    let trained = trained.filter(|told| matches!(told, Told::Event { event: "train", .. }));
    assert_eq!(trained.count(), 0);
}

#[test]
fn a_verdict_that_comes_twice_counts_once() {
    let mut story = Story::new();
    let request = story.until_training();
    story.verdict(request.id, true);
    let told = story.told.clone();
    story.verdict(request.id, true);
    story.verdict(request.id + 1, true);
    assert_eq!(story.told, told);
}

#[test]
fn a_verdict_of_an_earlier_training_says_nothing_of_a_later_one() {
    let mut story = Story::new();
    let first = story.until_training();
    story.verdict(first.id, false);
    while story.last::<Request>("train").id == first.id {
        story.rows(1, 100, 2);
    }
    let told = story.told.clone();
    // A crash may make the models' actor say it again.
    story.verdict(first.id, true);
    assert_eq!(story.told, told);
}

#[test]
fn a_slice_has_metrics_of_its_own_rows_and_slices_are_bounded() {
    let mut story = Story::new();
    for n in 0_u32..6_000 {
        let row = Row {
            at: i64::from(n),
            offset: i64::from(n),
            version: 1,
            score: 0.9,
            label: f64::from(u8::from(n % 2 == 0)),
        };
        // Right in one country and wrong in the other; and a slice for each row.
        let slices = [format!("country={}", n % 2), format!("row={n}")];
        (story.steward).sliced(&story.settings, &row, &slices, &mut story.told);
    }
    let accuracy = |slice: &str| -> Vec<f64> {
        let told = story.told.iter().filter_map(|told| match told {
            Told::Metric(told) if told.slice.as_deref() == Some(slice) => {
                (told.metric == "accuracy").then_some(told.value)
            }
            _ => None,
        });
        told.collect()
    };
    assert_eq!(accuracy("country=0"), [1.0; 6]);
    assert_eq!(accuracy("country=1"), [0.0; 6]);
    assert_eq!(accuracy("(others)").len(), 11);
}

#[test]
fn a_person_can_train_promote_and_roll_back() {
    let mut story = Story::new();
    story.rows(1, 1_000, 10);
    story.control(&Control::Retrain);
    let request: Request = story.last("train");
    assert_eq!(request.reason, "by hand");
    // Nobody is on trial: there is nothing to decide.
    let told = story.told.len();
    story.control(&Control::Promote);
    story.control(&Control::Rollback);
    assert_eq!(story.told.len(), told);
    story.verdict(request.id, true);
    story.control(&Control::Promote);
    assert!(story.events().ends_with(&["promoted", "arms"]));
    story.control(&Control::Retrain);
    let request: Request = story.last("train");
    story.verdict(request.id, true);
    story.control(&Control::Rollback);
    assert!(story.events().ends_with(&["rolled-back", "arms"]));
    let arms: Arms = story.last("arms");
    assert_eq!((arms.champion, arms.challenger), (2, None));
}

#[test]
fn windows_that_differ_are_a_reason_to_train_if_the_champion_saw_them() {
    let mut story = Story::new();
    story.rows(1, 1_000, 10);
    let drifted = |version| Control::Drifted {
        version,
        monitor: "inputs".into(),
    };
    story.control(&drifted(7));
    story.rows(1, 400, 10);
    assert!(story.events().is_empty());
    story.control(&drifted(1));
    story.rows(1, 400, 10);
    let request: Request = story.last("train");
    assert_eq!(request.reason, "drift seen by inputs");
}

#[test]
fn metrics_are_those_of_their_definitions() {
    let mut story = Story::new();
    story.rows(1, 500, 10);
    let metrics: Vec<_> = (story.told.iter())
        .filter_map(|told| match told {
            Told::Metric(told) => Some((told.metric, told.value, told.rows)),
            Told::Event { .. } | Told::Control(_) => None,
        })
        .collect();
    assert_eq!(metrics.len(), 3);
    assert_eq!(metrics[0], ("accuracy", 0.9, 500));
    // 450 rows off by about 0.1, 50 by about 0.9.
    let brier = metrics[2].1;
    assert!((0.08..0.1).contains(&brier), "{brier}");
}

#[test]
fn a_monitor_that_cannot_be_is_told_before_anything_runs() {
    let told = |name: &str, parameter: &str, value: f64| {
        let monitor = Monitor {
            id: NodeId::parse("errors").expect("an id"),
            detector: name.into(),
            parameters: vec![(parameter.into(), value)],
        };
        ModelFolders.monitor(&monitor)
    };
    assert_eq!(told("adwin", "delta", 0.01), Ok(()));
    for (name, parameter, value, cause) in [
        ("adwim", "delta", 0.01, "adwim"),
        ("adwin", "dleta", 0.01, "dleta"),
        ("adwin", "delta", 7.0, "delta"),
    ] {
        let error = told(name, parameter, value).expect_err("a refusal");
        assert!(error.contains("errors") && error.contains(cause), "{error}");
    }
}
