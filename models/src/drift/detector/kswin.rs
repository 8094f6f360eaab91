//! KSWIN: a Kolmogorov-Smirnov test between the newest values and as many older ones.
//!
//! C. Raab, M. Heusinger, F.-M. Schleif: Reactive soft prototype computing for concept drift streams. Neurocomputing
//! 416, 2020. Of a window of values the last `stat_size` are compared with as many drawn from the rest without
//! replacement. The draws are those of river: Python's generator, seeded anew after each alarm.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::mersenne::Mersenne;
use super::settings::Parameter;
use super::{ChangeDetector, Signal};
use crate::drift::two_sample::equal_size_p_value;

/// Parameters of [`Kswin`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KswinSettings {
    /// Significance of each test: the lower, the fewer alarms. Above 0, at most 1; 0.005.
    pub alpha: f64,
    /// Values kept, 2 to 100,000; 100.
    pub window_size: u64,
    /// Values compared, 1 to half of the window, at most 10,000; 30.
    pub stat_size: u64,
    /// Of the draws, 0 to 2^64 - 1; 42. River's default is another seed each time.
    pub seed: u64,
}

impl Default for KswinSettings {
    fn default() -> Self {
        Self {
            alpha: 0.005,
            window_size: 100,
            stat_size: 30,
            seed: 42,
        }
    }
}

impl KswinSettings {
    pub(super) fn parameters_mut(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::real(
                "alpha",
                &mut self.alpha,
                0.0,
                1.0,
                "significance of each test; lower alarms less",
            ),
            Parameter::whole(
                "window_size",
                &mut self.window_size,
                2,
                100_000,
                "values kept",
            ),
            Parameter::whole(
                "stat_size",
                &mut self.stat_size,
                1,
                10_000,
                "values compared",
            ),
            Parameter::whole("seed", &mut self.seed, 0, u64::MAX, "of the draws"),
        ]
    }
}

/// The detector's state: the window and a generator, 3.3 KB at the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kswin {
    settings: KswinSettings,
    /// The lowest number of values by which the distribution functions must differ for p to be at most alpha.
    least_gap: u64,
    window: VecDeque<f64>,
    random: Mersenne,
}

impl Kswin {
    pub(super) fn new(settings: &KswinSettings) -> Self {
        let n = settings.stat_size;
        let significant = |gap: &u64| equal_size_p_value(n, *gap) <= settings.alpha;
        Self {
            settings: settings.clone(),
            // Even a gap of all values may be too likely: then there is no alarm.
            least_gap: (1..=n).find(significant).unwrap_or(n + 1),
            window: VecDeque::new(),
            random: Mersenne::new(settings.seed),
        }
    }

    pub(super) fn settings(&self) -> &KswinSettings {
        &self.settings
    }

    /// As many of the older values as there are newest ones, drawn as Python's `random.sample` does.
    fn drawn(&mut self) -> Vec<f64> {
        let count = self.settings.stat_size as usize;
        let older = self.window.len() - count;
        let mut drawn = Vec::with_capacity(count);
        if older <= pool_limit(count) {
            let mut pool: Vec<usize> = (0..older).collect();
            for taken in 0..count {
                let at = self.random.below(older - taken);
                drawn.push(self.window[pool[at]]);
                pool[at] = pool[older - taken - 1];
            }
        } else {
            let mut taken = vec![false; older];
            while drawn.len() < count {
                let at = self.random.below(older);
                if !std::mem::replace(&mut taken[at], true) {
                    drawn.push(self.window[at]);
                }
            }
        }
        drawn
    }
}

/// The population up to which `random.sample` swaps in a pool; above it draws again what it has drawn before.
fn pool_limit(count: usize) -> usize {
    if count <= 5 {
        return 21;
    }
    let mut table = 1;
    while table < 3 * count {
        table *= 4;
    }
    21 + table
}

impl ChangeDetector for Kswin {
    fn update(&mut self, x: f64) -> Signal {
        let (size, count) = (
            self.settings.window_size as usize,
            self.settings.stat_size as usize,
        );
        if self.window.len() >= size {
            self.window.pop_front();
        }
        // No negative zero: it would be sorted before zero.
        self.window.push_back(x + 0.0);
        if self.window.len() < size {
            return Signal::None;
        }
        let mut older = self.drawn();
        let mut newest: Vec<f64> = self.window.range(size - count..).copied().collect();
        older.sort_unstable_by(f64::total_cmp);
        newest.sort_unstable_by(f64::total_cmp);
        let (gap, distance) = widest_gap(&older, &newest);
        match gap >= self.least_gap && distance > 0.1 {
            true => Signal::Drift,
            false => Signal::None,
        }
    }

    fn reset(&mut self) {
        self.window.clear();
        self.random = Mersenne::new(self.settings.seed);
    }
}

/// How far two empirical distribution functions of as many sorted values lie apart, in values, and as a share,
/// rounded as the difference of two shares is.
fn widest_gap(a: &[f64], b: &[f64]) -> (u64, f64) {
    let count = a.len() as f64;
    let (mut i, mut j) = (0, 0);
    let (mut gap, mut distance) = (0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let at = a[i].min(b[j]);
        while i < a.len() && a[i] <= at {
            i += 1;
        }
        while j < b.len() && b[j] <= at {
            j += 1;
        }
        gap = gap.max(i.abs_diff(j));
        distance = distance.max((i as f64 / count - j as f64 / count).abs());
    }
    (gap as u64, distance)
}
