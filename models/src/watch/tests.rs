//! Windows put together from the sketches of several partitions, against the statistics of their very rows.

use config::{
    DriftLimits, Gate, GateMetric, Learning, Millis, NodeId, Rollout, Statistic, Watch, Watched,
};
use proptest::prelude::*;

use super::{Calibration, Given, Profile, Sketch, Watcher};
use crate::drift::{Pooled, kolmogorov_smirnov};
use crate::random::Random;
use crate::steward::{Control, Metric, Told};

const WINDOW: u64 = 400;

fn watch(on: Watched) -> Watch {
    Watch {
        id: NodeId::parse("inputs").expect("an id"),
        on,
        columns: Vec::new(),
        window: WINDOW,
        sample: 1.0,
        statistics: vec![Statistic::KolmogorovSmirnov, Statistic::Psi],
        limits: DriftLimits {
            significance: 0.01,
            psi: 0.2,
            distance: 0.1,
            missing: 0.05,
            performance: 0.05,
        },
        season: None,
        warm_up: 0,
        cool_down: 2,
        retrain: true,
    }
}

fn learning(watch: Watch) -> Learning {
    Learning {
        id: "id".into(),
        sample: 1.0,
        threshold: 0.5,
        monitors: Vec::new(),
        watches: vec![watch],
        retrain: None,
        gate: Gate {
            metric: GateMetric::Accuracy,
            holdout: 0.3,
            margin: 0.0,
            slices: Vec::new(),
            slice_tolerance: 0.02,
        },
        rollout: Rollout {
            steps: vec![1.0],
            rows: 100,
            failures: 3,
        },
    }
}

/// A row: a feature that is one of 40 numbers, so that each has a bin of its own, and a score.
type Row = [f64; 2];

fn rows(random: &mut Random, rows: usize, shift: f64) -> Vec<Row> {
    (0..rows)
        .map(|_| {
            let part = (random.next() % 40) as f64;
            [part + shift, (random.next() % 20) as f64 / 20.0]
        })
        .collect()
}

fn profile(rows: &[Row]) -> Profile {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect();
    let (scores, outcomes): (Vec<f64>, Vec<bool>) = (rows.iter().enumerate())
        .map(|(nth, row)| (row[1], (nth % 100) as f64 / 100.0 < row[1] * row[1]))
        .unzip();
    let calibration = Calibration::of(&scores, &outcomes, 0.5).expect("calibrated");
    Profile::of(&[("x", column(0)), ("score", column(1))], Some(calibration)).expect("a profile")
}

/// What a watcher has told of rows that came over some partitions, in sketches of so many rows.
struct Story {
    learning: Learning,
    profile: Profile,
    watcher: Watcher,
    told: Vec<Told>,
}

impl Story {
    fn new(watch: Watch, profile: Profile) -> Self {
        Self {
            learning: learning(watch),
            profile,
            watcher: Watcher::default(),
            told: Vec::new(),
        }
    }

    fn take(&mut self, sketch: &Sketch) {
        let given = Given {
            learning: &self.learning,
            features: 1,
            version: 3,
            profile: &self.profile,
        };
        self.watcher.take(&given, sketch, &mut self.told);
        // As after a crash: read back from its bytes.
        let bytes = bincode::serde::encode_to_vec(&self.watcher, bincode::config::standard());
        let bytes = bytes.expect("bytes");
        let read = bincode::serde::decode_from_slice(&bytes, bincode::config::standard());
        let (watcher, _): (Watcher, usize) = read.expect("a watcher");
        assert_eq!(watcher, self.watcher);
        self.watcher = watcher;
    }

    /// Rows of one partition from an offset on; their event time is the offset.
    fn sketch(&self, partition: u32, offset: i64, rows: &[Row]) -> Sketch {
        let mut sketch = Sketch::new(&self.profile);
        for (at, row) in (offset..).zip(rows) {
            let place = (partition, at, at);
            assert!(sketch.add(
                &self.profile,
                place,
                row.iter().copied(),
                (Some(row[1]), 0.5)
            ));
        }
        let text = serde_json::to_string(&sketch).expect("JSON");
        serde_json::from_str(&text).expect("a sketch")
    }

    fn metrics(&self, name: &str) -> Vec<&Metric> {
        let metrics = self.told.iter().filter_map(|told| match told {
            Told::Metric(metric) if metric.metric == name => Some(metric),
            _ => None,
        });
        metrics.collect()
    }

    fn alarms(&self) -> Vec<u64> {
        let alarms = self.told.iter().filter_map(|told| match told {
            Told::Event {
                event: "alarm",
                detail,
                ..
            } => {
                let detail: serde_json::Value = serde_json::from_str(detail).expect("JSON");
                detail["window"].as_u64()
            }
            _ => None,
        });
        alarms.collect()
    }
}

proptest! {
    /// However rows are spread over partitions and sketches, and wherever it crashes: a window has the rows
    /// that came since the last, and its numbers are the statistics of those rows.
    #[test]
    fn a_window_says_what_the_statistic_says_of_its_rows(
        seed in any::<u64>(),
        cuts in prop::collection::vec((0u32..3, 1usize..200), 1..40),
        shift in 0u8..3,
    ) {
        let mut random = Random::new(seed);
        // Every number that comes is in the reference, and has a bin of its own.
        let reference: Vec<Row> = (0..1_000).map(|nth| [f64::from(nth % 42), 0.5]).collect();
        let mut watched = Story::new(watch(Watched::Features), profile(&reference));
        let (mut open, mut windows): (Vec<f64>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
        let mut offsets = [0_i64; 3];
        for (partition, many) in cuts {
            let given = rows(&mut random, many, f64::from(shift));
            let offset = &mut offsets[partition as usize];
            let sketch = watched.sketch(partition, *offset, &given);
            *offset += many as i64;
            watched.take(&sketch);
            open.extend(given.iter().map(|row| row[0]));
            if open.len() as u64 >= WINDOW {
                windows.push(std::mem::take(&mut open));
            }
        }
        let told = watched.metrics("kolmogorov-smirnov");
        prop_assert_eq!(told.len(), windows.len());
        let reference: Vec<f64> = reference.iter().map(|row| row[0]).collect();
        for (told, rows) in told.iter().zip(&windows) {
            prop_assert_eq!(told.rows, rows.len() as u64);
            let exact = kolmogorov_smirnov(&Pooled::from_samples(&reference, rows).expect("two samples"));
            prop_assert!((told.value - exact.statistic).abs() < 1e-12, "{:?}", told);
            prop_assert!((told.p.expect("a test") - exact.p_value()).abs() < 1e-9);
        }
    }
}

/// Windows of rows that are as those of the reference, and shifted from `shifted` on.
fn story(watch: Watch, windows: usize, shifted: std::ops::Range<usize>) -> Story {
    let mut random = Random::new(7);
    let profile = profile(&rows(&mut random, 4_000, 0.0));
    let mut watched = Story::new(watch, profile);
    let window = WINDOW as usize;
    for nth in 0..windows {
        let shift = if shifted.contains(&nth) { 15.0 } else { 0.0 };
        let given = rows(&mut random, window, shift);
        let sketch = watched.sketch(0, (nth * window) as i64, &given);
        watched.take(&sketch);
    }
    watched
}

#[test]
fn drift_alarms_is_quiet_for_a_while_and_alarms_again() {
    let told = story(watch(Watched::Features), 12, 4..12);
    assert_eq!(told.alarms(), [5, 8, 11]);
    let controls = told
        .told
        .iter()
        .filter(|told| matches!(told, Told::Control(Control::Drifted { version: 3, .. })));
    assert_eq!(controls.count(), 3);
    // Of the answers nothing is said.
    assert!(
        told.metrics("psi")
            .iter()
            .all(|m| m.column.as_deref() == Some("x"))
    );
    let told = story(watch(Watched::Predictions), 12, 4..12);
    assert_eq!(told.alarms(), Vec::<u64>::new());
}

#[test]
fn the_first_windows_of_a_version_can_be_let_pass() {
    let late = Watch {
        warm_up: 6,
        ..watch(Watched::Features)
    };
    assert_eq!(story(late, 8, 0..8).alarms(), [7]);
}

#[test]
fn a_window_is_compared_with_the_one_a_season_ago() {
    // Every other window is another world, which is no news.
    let seasonal = |season| Watch {
        season: Some(Millis(season * WINDOW as i64)),
        cool_down: 0,
        ..watch(Watched::Features)
    };
    let run = |season| {
        let mut random = Random::new(7);
        let mut watched = Story::new(seasonal(season), profile(&rows(&mut random, 4_000, 0.0)));
        for nth in 0..40 {
            let given = rows(&mut random, WINDOW as usize, f64::from(nth % 2) * 15.0);
            let sketch = watched.sketch(0, i64::from(nth) * WINDOW as i64, &given);
            watched.take(&sketch);
        }
        (watched.alarms().len(), watched.metrics("psi").len())
    };
    assert_eq!(run(2), (0, 38));
    assert_eq!(run(1), (39, 39));
}

#[test]
fn what_is_expected_of_a_window_is_what_the_estimator_expects_of_its_rows() {
    let mut random = Random::new(3);
    let profile = profile(&rows(&mut random, 2_000, 0.0));
    let cbpe = profile.calibration.clone().expect("calibrated").cbpe;
    let mut watched = Story::new(watch(Watched::Performance), profile);
    let given = rows(&mut random, WINDOW as usize, 0.0);
    for (partition, part) in (0..).zip(given.chunks(150)) {
        let sketch = watched.sketch(partition, 0, part);
        watched.take(&sketch);
    }
    let scores: Vec<f64> = given.iter().map(|row| row[1]).collect();
    let said: Vec<bool> = scores.iter().map(|score| *score >= 0.5).collect();
    let expected = cbpe.estimate_binary(&scores, &said).expect("an estimate");
    for (name, value) in [
        ("expected-accuracy", expected.accuracy),
        ("expected-precision", expected.precision),
        ("expected-recall", expected.recall),
        ("expected-f1", expected.f1),
    ] {
        let told = watched.metrics(name)[0].value;
        assert!((told - value).abs() < 1e-12, "{name}: {told} {value}");
    }
}
