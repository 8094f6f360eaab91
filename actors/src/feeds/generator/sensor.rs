//! Readings of sensors: daily and weekly seasons, autocorrelated noise, slow drift, and anomalies.
//!
//! value = level + daily season + weekly season + drift + noise, rounded to thousandths, where the
//! noise is autoregressive of order 1. To be found again from any day it is begun anew four hours
//! before each midnight, which leaves less than 10⁻⁷ of its deviation as the difference between two
//! days. Each series has an anomaly on about one day in ten: a spike (1 to 3 readings, 6 to 12
//! deviations), a level shift (3 to 12 hours, 4 to 8 deviations) or a dropout (half an hour to 3 hours
//! of zeros). Labels say for each reading whether it is part of one.

use std::f64::consts::TAU;

use bytes::BytesMut;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::days::World;
use super::record::{FieldKind, FieldSpec, Fields, put_decimal, put_integer};
use super::{DAY_MS, START_MS, stream};

/// Purposes of random numbers.
const PARAMETERS: u8 = 0;
const NOISE: u8 = 1;
const ANOMALIES: u8 = 2;

const SERIES: usize = 50;
const STEP_MS: i64 = 300_000;
const STEPS_A_DAY: usize = 288;
/// Correlation of the noise from one reading to the next.
const AUTOREGRESSION: f64 = 0.7;
/// Readings by which the noise is begun before midnight: 0.7^48 is 4e-8.
const WARM_UP: usize = 48;
const ANOMALY_PROBABILITY: f64 = 0.1;

/// The world of sensors: 50 series, a reading every 5 minutes.
pub(super) struct Sensor {
    seed: u64,
    series: Vec<Series>,
}

/// How one series behaves. Amplitudes and deviations are in the unit of the readings.
struct Series {
    level: f64,
    daily: Season,
    weekly: Season,
    drift: Season,
    noise: f64,
}

/// A sine wave.
struct Season {
    amplitude: f64,
    period_days: f64,
    /// From 0 to 1.
    phase: f64,
}

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    time: i64,
    series: u32,
    thousandths: i64,
    anomaly: Anomaly,
}

/// What is wrong with a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anomaly {
    None,
    Spike,
    LevelShift,
    Dropout,
}

/// An anomaly of a series, in steps from the midnight of its day; it may last into the next day.
struct Episode {
    kind: Anomaly,
    begin: usize,
    end: usize,
    /// In deviations of the noise.
    size: f64,
}

impl Sensor {
    /// The world of a seed.
    pub(super) fn new(seed: u64) -> Self {
        let series = (0..SERIES as u64).map(|s| Series::new(seed, s)).collect();
        Self { seed, series }
    }

    /// The day's readings of one series, in the order of time, with the anomaly of each.
    fn day_of(&self, number: usize, day: u64) -> Vec<(f64, Anomaly)> {
        let series = &self.series[number];
        let noise = self.noise(number, day);
        let today = self.episode(number, day);
        let yesterday = day.checked_sub(1).and_then(|d| self.episode(number, d));
        let steps = noise.into_iter().enumerate();
        steps
            .map(|(step, noise)| {
                let usual = series.usual(day, step) + noise * series.noise;
                let now = yesterday.iter().find(|e| e.covers(step + STEPS_A_DAY));
                match now.or_else(|| today.iter().find(|e| e.covers(step))) {
                    None => (usual, Anomaly::None),
                    Some(episode) => (episode.apply(usual, series.noise), episode.kind),
                }
            })
            .collect()
    }

    /// A day's noise of deviation 1.
    fn noise(&self, number: usize, day: u64) -> Vec<f64> {
        let innovation = (1.0 - AUTOREGRESSION * AUTOREGRESSION).sqrt();
        let mut state = 0.0;
        let mut advance = |shock: f64| {
            state = AUTOREGRESSION * state + innovation * shock;
            state
        };
        if let Some(yesterday) = day.checked_sub(1) {
            let shocks = self.shocks(number, yesterday);
            for shock in shocks.skip(STEPS_A_DAY - WARM_UP) {
                advance(shock);
            }
        }
        self.shocks(number, day).map(advance).collect()
    }

    fn shocks(&self, number: usize, day: u64) -> impl Iterator<Item = f64> + use<> {
        let random = stream(self.seed, NOISE, day * SERIES as u64 + number as u64);
        StandardNormal.sample_iter(random).take(STEPS_A_DAY)
    }

    /// The anomaly that a series has on a day, if any.
    fn episode(&self, number: usize, day: u64) -> Option<Episode> {
        let mut random = stream(self.seed, ANOMALIES, day * SERIES as u64 + number as u64);
        if !random.random_bool(ANOMALY_PROBABILITY) {
            return None;
        }
        let (kind, length, size) = match random.random_range(0..3) {
            0 => (Anomaly::Spike, 1..=3, 6.0..12.0),
            1 => (Anomaly::LevelShift, 36..=144, 4.0..8.0),
            _ => (Anomaly::Dropout, 6..=36, 0.0..1.0),
        };
        let begin = random.random_range(0..STEPS_A_DAY);
        let end = begin + random.random_range(length);
        let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
        let size = sign * random.random_range(size);
        Some(Episode {
            kind,
            begin,
            end,
            size,
        })
    }
}

impl Series {
    fn new(seed: u64, number: u64) -> Self {
        let mut random = stream(seed, PARAMETERS, number);
        let level = random.random_range(20.0..100.0);
        let mut season = |share: std::ops::Range<f64>, period_days: f64| Season {
            amplitude: level * random.random_range(share),
            period_days,
            phase: random.random_range(0.0..1.0),
        };
        let daily = season(0.05..0.2, 1.0);
        let weekly = season(0.02..0.08, 7.0);
        let mut drift = season(0.02..0.1, 1.0);
        drift.period_days = random.random_range(60.0..200.0);
        Self {
            level,
            daily,
            weekly,
            drift,
            noise: level * random.random_range(0.01..0.03),
        }
    }

    /// The value without noise and anomalies.
    fn usual(&self, day: u64, step: usize) -> f64 {
        let days = day as f64 + step as f64 / STEPS_A_DAY as f64;
        self.level + self.daily.at(days) + self.weekly.at(days) + self.drift.at(days)
    }
}

impl Season {
    fn at(&self, days: f64) -> f64 {
        self.amplitude * (TAU * (days / self.period_days + self.phase)).sin()
    }
}

impl Episode {
    fn covers(&self, step: usize) -> bool {
        (self.begin..self.end).contains(&step)
    }

    fn apply(&self, usual: f64, deviation: f64) -> f64 {
        match self.kind {
            Anomaly::None => usual,
            Anomaly::Spike | Anomaly::LevelShift => usual + self.size * deviation,
            Anomaly::Dropout => 0.0,
        }
    }
}

impl World for Sensor {
    type Row = Reading;
    const LABEL_DELAY_DAYS: usize = 1;
    const FIELDS: &'static [FieldSpec] = &[
        field("series", FieldKind::Text, true),
        field("timestamp", FieldKind::Time, true),
        FieldSpec {
            in_label: false,
            ..field("value", FieldKind::Number, true)
        },
        field("is_anomaly", FieldKind::Bool, false),
        field("kind", FieldKind::Text, false),
    ];

    fn count(&self, _day: u64) -> u64 {
        (SERIES * STEPS_A_DAY) as u64
    }

    fn rows(&self, day: u64, _first: u64) -> Vec<Reading> {
        let series: Vec<_> = (0..SERIES).map(|number| self.day_of(number, day)).collect();
        let midnight = START_MS.saturating_add(DAY_MS.saturating_mul(day.cast_signed()));
        let times = (0i64..).map(|step| midnight.saturating_add(step * STEP_MS));
        let mut rows = Vec::with_capacity(SERIES * STEPS_A_DAY);
        for (step, time) in times.take(STEPS_A_DAY).enumerate() {
            for (number, readings) in (0u32..).zip(&series) {
                let (value, anomaly) = readings[step];
                #[expect(clippy::cast_possible_truncation, reason = "values are below 1,000")]
                let thousandths = (value * 1_000.0).round() as i64;
                rows.push(Reading {
                    time,
                    series: number,
                    thousandths,
                    anomaly,
                });
            }
        }
        rows
    }

    fn time(row: &Reading) -> i64 {
        row.time
    }
}

impl Fields for Reading {
    fn put(&self, field: usize, out: &mut BytesMut) {
        match field {
            0 => {
                out.extend_from_slice(if self.series < 10 {
                    b"sensor-0"
                } else {
                    b"sensor-"
                });
                put_integer(self.series, out);
            }
            2 => put_decimal(self.thousandths, 3, out),
            3 if self.anomaly == Anomaly::None => out.extend_from_slice(b"false"),
            3 => out.extend_from_slice(b"true"),
            _ => out.extend_from_slice(match self.anomaly {
                Anomaly::None => b"none",
                Anomaly::Spike => b"spike",
                Anomaly::LevelShift => b"level-shift",
                Anomaly::Dropout => b"dropout",
            }),
        }
    }
}

const fn field(name: &'static str, kind: FieldKind, in_record: bool) -> FieldSpec {
    FieldSpec {
        name,
        kind,
        in_record,
        in_label: true,
    }
}
