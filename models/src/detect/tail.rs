//! How rare a score is among those before it, in numbers that never saturate.
//!
//! - The past is a histogram with buckets of one relative width: the sketch of Masson, Rim and Lee (*DDSketch: A Fast
//!   and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees*, VLDB 2019). When it holds twice its memory,
//!   every count is halved: the older half of the past weighs half.
//! - A score inside the bulk has the tail probability (1 + scores at least as high) / (1 + scores): the conformal
//!   p-value of Laxhammar and Falkman (*Conformal prediction for distribution-independent anomaly detection*, 2010).
//! - Beyond the quantile 0.98 the ranks are few, and beyond the highest score there are none. There the tail is a
//!   power law, with the index of Hill (*A simple general approach to inference about the tail of a distribution*,
//!   Annals of Statistics 1975), extrapolated as Weissman does (JASA 1978).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Ratio of the ends of a bucket, as its logarithm: 2 % of width.
const STEP: f64 = 0.02;
/// Share of the scores that make the tail.
const TAIL: f64 = 0.02;
/// With fewer scores nothing is said.
const SCORES_MIN: u64 = 20;
/// A tail index below this would make a wall of the highest score: half of one more score says so too.
const INDEX_MIN: f64 = 0.02;
const PRIOR: f64 = 0.5;
/// Different buckets, at most; then the lowest are put together, about which nobody asks.
const BUCKETS_MAX: usize = 2_048;

/// The distribution of the scores of one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tail {
    memory: u64,
    /// All scores.
    scores: u64,
    /// Those above zero, by the logarithm of their bucket's upper end in steps.
    buckets: BTreeMap<i32, u64>,
}

impl Tail {
    pub(super) fn new(memory: u64) -> Self {
        Self {
            memory,
            scores: 0,
            buckets: BTreeMap::new(),
        }
    }

    /// The surprise of a score: -log10 of its tail probability among the scores before. Then takes it in.
    pub(super) fn row(&mut self, score: f64) -> f64 {
        let surprise = self.surprise(score);
        self.add(score);
        surprise
    }

    fn surprise(&self, score: f64) -> f64 {
        if self.scores < SCORES_MIN || score <= 0.0 {
            return 0.0;
        }
        let (tail, threshold) = self.tail();
        let bucket = bucket(score);
        let Some(threshold) = threshold.filter(|threshold| bucket > *threshold) else {
            let above = self.buckets.range(bucket..).map(|(_, count)| count);
            return rarity(above.sum(), self.scores);
        };
        let beyond = self.buckets.range(threshold..);
        let excess = beyond.map(|(at, count)| f64::from(at - threshold) * STEP * number(*count));
        let index = (excess.sum::<f64>() + PRIOR) / number(tail + 1);
        let distance = libm::log(score) - f64::from(threshold) * STEP;
        rarity(tail, self.scores) + distance / index.max(INDEX_MIN) / std::f64::consts::LN_10
    }

    /// Scores in the tail, and the bucket that it begins with.
    fn tail(&self) -> (u64, Option<i32>) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a count"
        )]
        let wanted = ((TAIL * number(self.scores)) as u64).max(1);
        let (mut tail, mut first) = (0, None);
        for (at, count) in self.buckets.iter().rev() {
            if tail >= wanted {
                break;
            }
            tail += count;
            first = Some(*at);
        }
        (tail, first)
    }

    fn add(&mut self, score: f64) {
        self.scores += 1;
        if score > 0.0 {
            *self.buckets.entry(bucket(score)).or_default() += 1;
        }
        if self.buckets.len() > BUCKETS_MAX
            && let Some((_, lowest)) = self.buckets.pop_first()
            && let Some(mut next) = self.buckets.first_entry()
        {
            *next.get_mut() += lowest;
        }
        if self.scores >= 2 * self.memory {
            let above: u64 = self.buckets.values().sum();
            let zeros = (self.scores - above) / 2;
            self.buckets.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
            self.scores = zeros + self.buckets.values().sum::<u64>();
        }
    }

    pub(super) fn fits(&self, memory: u64) -> bool {
        let counts = self.buckets.values();
        let above = counts.fold(0, |sum: u64, count| sum.saturating_add(*count));
        let extremes = self
            .buckets
            .keys()
            .all(|at| *at == (*at).clamp(-BUCKET, BUCKET));
        self.memory == memory
            && self.scores < 2 * memory
            && above <= self.scores
            && self.buckets.len() <= BUCKETS_MAX
            && extremes
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // A tree's nodes are two thirds full.
        self.buckets.len() * size_of::<(i32, u64)>() * 3 / 2
    }
}

/// No float64 lies beyond: ln of the largest is 710, of the smallest -745.
const BUCKET: i32 = 40_000;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of a float64 is within ±745"
)]
fn bucket(score: f64) -> i32 {
    (libm::log(score) / STEP).ceil() as i32
}

/// -log10 of the share of so many scores and one.
fn rarity(above: u64, scores: u64) -> f64 {
    -libm::log10(number(above + 1) / number(scores + 1))
}

#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}
