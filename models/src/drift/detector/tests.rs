//! Alarms against river's: on the shared golden streams (skipped aloud where they are not there), and on 1,000 random
//! streams whose alarms are committed with the script that made them.

mod keeping;

use serde::Deserialize;
use std::collections::BTreeMap;

use super::*;

/// Knuth's 64-bit congruential generator; the 53 high bits are a number from 0 to 1.
pub(in crate::drift) struct Dice(pub(in crate::drift) u64);

impl Dice {
    pub(in crate::drift) fn roll(&mut self) -> f64 {
        let factor = 6_364_136_223_846_793_005;
        self.0 = self
            .0
            .wrapping_mul(factor)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn bell(&mut self) -> f64 {
        (0..12).fold(0.0, |sum, _| sum + self.roll()) - 6.0
    }
}

fn input(kind: DetectorKind) -> Input {
    match kind.watches_errors() {
        true => Input::Error,
        false => Input::Value,
    }
}

fn detector(name: &str, set: &[(&str, &str)]) -> Detector {
    let kind = DetectorKind::parse(name).unwrap();
    let mut settings = DetectorSettings::of(kind);
    for (name, value) in set {
        settings.set(name, value).unwrap();
    }
    Detector::try_new(&settings, input(kind)).unwrap()
}

fn signals(detector: &mut Detector, values: &[f64]) -> Vec<Signal> {
    let signal = |x: &f64| detector.update(*x).unwrap();
    values.iter().map(signal).collect()
}

fn alarms(signals: &[Signal]) -> Vec<usize> {
    let all = signals.iter().enumerate();
    all.filter(|(_, signal)| **signal == Signal::Drift)
        .map(|(index, _)| index)
        .collect()
}

/// A shared file of golden vectors, if it is there.
pub(in crate::drift) fn golden<T: for<'de> Deserialize<'de>>(name: &str) -> Option<T> {
    let path = format!(
        "{}/../../shared/data/drift/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => {
            eprintln!("SKIPPED: {path}: {error}");
            None
        }
    }
}

#[derive(Deserialize)]
struct Golden {
    streams: Vec<GoldenStream>,
}

#[derive(Deserialize)]
struct GoldenStream {
    name: String,
    seed: u64,
    segments: Vec<Segment>,
    sum: f64,
    detectors: BTreeMap<String, Expected>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Segment {
    kind: String,
    n: usize,
    a: f64,
    b: f64,
    s: f64,
    q: f64,
    k: f64,
    e: f64,
    period: usize,
}

#[derive(Deserialize)]
struct Expected {
    drift: Vec<usize>,
    n_warning: Option<usize>,
    end_width: Option<u64>,
    end_mean: Option<f64>,
}

impl Segment {
    fn value(&self, i: usize, dice: &mut Dice) -> f64 {
        let t = i as f64 / self.n as f64;
        let level = self.a + (self.b - self.a) * t;
        let truth = |truth: bool| f64::from(u8::from(truth));
        match self.kind.as_str() {
            "bernoulli" => truth(dice.roll() < level),
            "mix" => {
                let rate = if dice.roll() < t { self.b } else { self.a };
                truth(dice.roll() < rate)
            }
            "gauss" => {
                let x = level + self.s * dice.bell();
                match self.q > 0.0 && dice.roll() < self.q {
                    true => x + self.k,
                    false => x,
                }
            }
            "uniform" => self.a + (self.b - self.a) * dice.roll(),
            "season" => {
                let f = (i % self.period) as f64 / self.period as f64;
                let w = if f < 0.5 {
                    4.0 * f - 1.0
                } else {
                    3.0 - 4.0 * f
                };
                self.a + self.s * w + self.e * dice.bell()
            }
            other => panic!("unknown kind {other}"),
        }
    }
}

fn values(seed: u64, segments: &[Segment]) -> Vec<f64> {
    let mut dice = Dice(seed);
    let mut values = Vec::new();
    for segment in segments {
        values.extend((0..segment.n).map(|i| segment.value(i, &mut dice)));
    }
    values
}

/// What the golden files call a detector with other settings.
fn named(name: &str) -> Option<Detector> {
    Some(match name {
        "ADWIN" => detector("adwin", &[]),
        "ADWIN_clock1" => detector("adwin", &[("clock", "1")]),
        "ADWIN_delta05" => detector("adwin", &[("delta", "0.05")]),
        "PageHinkley" => detector("page-hinkley", &[]),
        "PageHinkley_up20" => detector("page-hinkley", &[("threshold", "20"), ("mode", "up")]),
        "DDM" => detector("ddm", &[]),
        "DDM_w100" => detector(
            "ddm",
            &[
                ("warm_start", "100"),
                ("warning_threshold", "2.5"),
                ("drift_threshold", "3.5"),
            ],
        ),
        "EDDM" => detector("eddm", &[]),
        "HDDMA" => detector("hddm-a", &[]),
        "HDDMA_2s" => detector("hddm-a", &[("two_sided_test", "true")]),
        "HDDMW" => detector("hddm-w", &[]),
        "HDDMW_2s" => detector("hddm-w", &[("two_sided_test", "true")]),
        "KSWIN_seed42" => detector("kswin", &[("seed", "42")]),
        "KSWIN_a001_w200_s50_seed7" => detector(
            "kswin",
            &[
                ("alpha", "0.001"),
                ("window_size", "200"),
                ("stat_size", "50"),
                ("seed", "7"),
            ],
        ),
        // Not built: its bound is HDDM's.
        "FHDDM" => return None,
        other => panic!("unknown detector {other}"),
    })
}

fn check(stream: &str, name: &str, values: &[f64], expected: &Expected) {
    let Some(mut detector) = named(name) else {
        return;
    };
    let signals = signals(&mut detector, values);
    assert_eq!(alarms(&signals), expected.drift, "{name} on {stream}");
    if let Some(raised) = expected.n_warning {
        let warned = signals
            .iter()
            .filter(|signal| **signal == Signal::Warning)
            .count();
        // River leaves the warning up on a row that alarms; ours is the stronger signal alone.
        let alarms = expected.drift.len();
        assert!(
            (raised.saturating_sub(alarms)..=raised).contains(&warned),
            "{name} on {stream}: {warned} warnings, river {raised}"
        );
    }
    if let (Algorithm::Adwin(adwin), Some(width)) = (&detector.algorithm, expected.end_width) {
        assert_eq!(adwin.width(), width, "{name} on {stream}");
        assert_eq!(Some(adwin.mean()), expected.end_mean, "{name} on {stream}");
    }
}

#[test]
fn every_detector_alarms_where_river_does_on_the_golden_streams() {
    let Some(golden) = golden::<Golden>("streams.json") else {
        return;
    };
    assert_eq!(golden.streams.len(), 40);
    for stream in &golden.streams {
        let values = values(stream.seed, &stream.segments);
        assert_eq!(values.iter().sum::<f64>(), stream.sum, "{}", stream.name);
        for (name, expected) in &stream.detectors {
            check(&stream.name, name, &values, expected);
        }
    }
}

#[derive(Deserialize)]
struct FirstGolden {
    stream: BTreeMap<String, BTreeMap<String, Expected>>,
}

#[test]
fn every_detector_alarms_where_river_does_on_the_first_golden_streams() {
    let Some(golden) = golden::<FirstGolden>("golden_drift.json") else {
        return;
    };
    let rates = |pairs: &[(usize, f64)]| {
        let segment = |&(n, rate): &(usize, f64)| Segment {
            kind: "bernoulli".into(),
            n,
            a: rate,
            b: rate,
            ..Segment::default()
        };
        pairs.iter().map(segment).collect::<Vec<_>>()
    };
    let streams = [
        ("abrupt", 1, rates(&[(2_000, 0.2), (2_000, 0.5)])),
        ("small", 2, rates(&[(3_000, 0.05), (3_000, 0.15)])),
        ("down", 3, rates(&[(2_000, 0.5), (2_000, 0.1)])),
        ("stable", 4, rates(&[(10_000, 0.2)])),
    ];
    for (stream, seed, segments) in streams {
        let values = values(seed, &segments);
        for (name, expected) in &golden.stream[stream] {
            check(stream, name, &values, expected);
        }
    }
}

/// The stream of a seed, as `stream` in tests/fixtures/drift/make_river.py makes it.
fn random_stream(seed: u64) -> Vec<f64> {
    let mut dice = Dice(seed);
    let binary = dice.roll() < 0.5;
    let mut values = Vec::new();
    for _ in 0..1 + (dice.roll() * 3.0) as usize {
        let length = 200 + (dice.roll() * 800.0) as usize;
        if binary {
            let rate = dice.roll() * 0.6;
            values.extend((0..length).map(|_| f64::from(u8::from(dice.roll() < rate))));
        } else {
            let centre = dice.roll() * 4.0;
            let spread = 0.2 + dice.roll();
            values.extend((0..length).map(|_| centre + spread * dice.bell()));
        }
    }
    values
}

#[test]
fn every_detector_alarms_where_river_does_on_a_thousand_random_streams() {
    let lines = include_str!("../../../tests/fixtures/drift/river.tsv");
    let (mut compared, mut raised) = (0, 0);
    let mut stream = (0, Vec::new());
    for line in lines.lines() {
        let [seed, name, set, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let seed = seed.parse().unwrap();
        if stream.0 != seed {
            stream = (seed, random_stream(seed));
        }
        let pairs = set.split(',').filter_map(|pair| pair.split_once('='));
        let mut detector = detector(name, &pairs.collect::<Vec<_>>());
        let numbers = expected.split(',').filter(|number| !number.is_empty());
        let expected: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        let found = alarms(&signals(&mut detector, &stream.1));
        assert_eq!(found, expected, "stream {seed}, {name} {set}");
        compared += 1;
        raised += expected.len();
    }
    assert_eq!(stream.0, 1_000, "the fixture is whole");
    assert!(compared >= 4_000 && raised > 7_000, "{compared}, {raised}");
}
