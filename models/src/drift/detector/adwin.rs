//! ADWIN: a window that keeps as many values as have one mean.
//!
//! A. Bifet, R. Gavaldà: Learning from time-changing data with adaptive windowing. SDM 2007. The window is kept as an
//! exponential histogram: row r holds at most M buckets of 2^r values, each a total and a sum of squared deviations,
//! so n values take M·log2(n/M) buckets. Every `clock` values each border between buckets is tried; where the means on
//! both sides differ by more than a bound of the paper (with the variance, Bernstein), the oldest bucket goes.

use serde::{Deserialize, Serialize};

use super::settings::Parameter;
use super::{ChangeDetector, Signal};

/// Parameters of [`Adwin`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdwinSettings {
    /// Confidence: the lower, the fewer alarms. Above 0, at most 1; 0.002.
    pub delta: f64,
    /// Values between two looks for a cut, 1 to 1,000,000; 32.
    pub clock: u64,
    /// Buckets of one size before two of them merge, 2 to 1,000; 5.
    pub max_buckets: u64,
    /// Values that each side of a cut must have, from 1; 5.
    pub min_window_length: u64,
    /// Values before the first look; 10.
    pub grace_period: u64,
}

impl Default for AdwinSettings {
    fn default() -> Self {
        Self {
            delta: 0.002,
            clock: 32,
            max_buckets: 5,
            min_window_length: 5,
            grace_period: 10,
        }
    }
}

impl AdwinSettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        let most = 1_000_000;
        vec![
            Parameter::real(
                "delta",
                &mut self.delta,
                0.0,
                1.0,
                "confidence; lower alarms less",
            ),
            Parameter::whole(
                "clock",
                &mut self.clock,
                1,
                most,
                "values between two looks",
            ),
            Parameter::whole(
                "max_buckets",
                &mut self.max_buckets,
                2,
                1_000,
                "buckets of one size before two merge",
            ),
            Parameter::whole(
                "min_window_length",
                &mut self.min_window_length,
                1,
                most,
                "values on each side of a cut",
            ),
            Parameter::whole(
                "grace_period",
                &mut self.grace_period,
                0,
                most,
                "values before the first look",
            ),
        ]
    }
}

/// The detector's state: memory grows with the logarithm of the window, under 5 KB at the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    settings: AdwinSettings,
    /// Row r holds buckets of 2^r values, the oldest first.
    pub(super) rows: Vec<Vec<Bucket>>,
    /// Values in the window.
    width: u64,
    /// Their sum.
    total: f64,
    /// Their sum of squared deviations from the mean.
    variance: f64,
    /// Values since the last reset.
    tick: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Bucket {
    total: f64,
    variance: f64,
}

impl Adwin {
    pub(super) fn new(settings: &AdwinSettings) -> Self {
        Self {
            settings: settings.clone(),
            rows: Vec::new(),
            width: 0,
            total: 0.0,
            variance: 0.0,
            tick: 0,
        }
    }

    pub(super) fn settings(&self) -> &AdwinSettings {
        &self.settings
    }

    /// Values in the window.
    #[must_use]
    pub fn width(&self) -> u64 {
        self.width
    }

    /// Mean of the window; 0 if it is empty.
    #[must_use]
    pub fn mean(&self) -> f64 {
        match self.width {
            0 => 0.0,
            width => self.total / width as f64,
        }
    }

    fn insert(&mut self, x: f64) {
        let before = self.width as f64;
        self.width += 1;
        if self.width > 1 {
            let deviation = x - self.total / before;
            self.variance += before * deviation * deviation / self.width as f64;
        }
        self.total += x;
        let bucket = Bucket {
            total: x,
            variance: 0.0,
        };
        match self.rows.first_mut() {
            Some(row) => row.push(bucket),
            None => self.rows.push(vec![bucket]),
        }
        self.compress();
    }

    /// Where a row has one bucket too many, its two oldest become one of the next row.
    fn compress(&mut self) {
        let most = self.settings.max_buckets as usize;
        let mut row = 0;
        while self.rows[row].len() > most {
            let (a, b) = (self.rows[row][0], self.rows[row][1]);
            self.rows[row].drain(..2);
            let size = size(row);
            let apart = a.total / size - b.total / size;
            let merged = Bucket {
                total: a.total + b.total,
                variance: a.variance + b.variance + size * size * apart * apart / (size + size),
            };
            row += 1;
            match self.rows.get_mut(row) {
                Some(next) => next.push(merged),
                None => self.rows.push(vec![merged]),
            }
        }
    }

    fn drop_oldest(&mut self) {
        let Some(row) = self.rows.len().checked_sub(1) else {
            return;
        };
        let size = size(row);
        let bucket = self.rows[row].remove(0);
        self.width = self.width.saturating_sub(1 << row);
        self.total -= bucket.total;
        let width = self.width as f64;
        let apart = bucket.total / size - self.total / width;
        self.variance -= bucket.variance + size * width * apart * apart / (size + width);
        while self.rows.last().is_some_and(Vec::is_empty) {
            self.rows.pop();
        }
    }

    /// Whether some border between two buckets parts values of different means.
    fn finds_cut(&self) -> bool {
        let width = self.width as f64;
        let confidence = (2.0 * width.ln() / self.settings.delta).ln();
        let variance = self.variance / width;
        let shortest = self.settings.min_window_length as f64;
        let (mut left, mut right) = (0.0, width);
        let (mut left_total, mut right_total) = (0.0, self.total);
        for (row, buckets) in self.rows.iter().enumerate().rev() {
            let size = size(row);
            // Behind the newest value there is nothing to compare with.
            let tried = buckets.len() - usize::from(row == 0 && !buckets.is_empty());
            for bucket in &buckets[..tried] {
                left += size;
                right -= size;
                left_total += bucket.total;
                right_total -= bucket.total;
                if left < shortest || right < shortest {
                    continue;
                }
                let apart = (left_total / left - right_total / right).abs();
                let m = 1.0 / (left - shortest + 1.0) + 1.0 / (right - shortest + 1.0);
                let linear = 2.0 / 3.0 * confidence * m;
                // The root is never negative, so most borders are decided without it.
                if apart > linear && apart > (2.0 * m * variance * confidence).sqrt() + linear {
                    return true;
                }
            }
        }
        false
    }
}

/// Values in a bucket of a row. Rows end long before 2^63 values.
fn size(row: usize) -> f64 {
    (1u64 << row.min(63)) as f64
}

impl ChangeDetector for Adwin {
    fn update(&mut self, x: f64) -> Signal {
        self.insert(x);
        self.tick += 1;
        let due = self.tick.is_multiple_of(self.settings.clock);
        if !due || self.width <= self.settings.grace_period {
            return Signal::None;
        }
        let mut signal = Signal::None;
        while self.width > 0 && self.finds_cut() {
            signal = Signal::Drift;
            self.drop_oldest();
        }
        signal
    }

    fn reset(&mut self) {
        self.rows.clear();
        (self.width, self.tick) = (0, 0);
        (self.total, self.variance) = (0.0, 0.0);
    }
}
