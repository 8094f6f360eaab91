//! Isotonic regression: the rising curve nearest to some points.
//!
//! R. E. Barlow, D. J. Bartholomew, J. M. Bremner, H. D. Brunk: Statistical Inference under Order Restrictions, 1972;
//! fitted by pooling adjacent violators. Between fitted points it runs straight, beyond them level, as scikit-learn's.

use serde::{Deserialize, Serialize};

/// A rising curve from scores to probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Isotonic {
    /// Corners: score and probability, both ascending.
    corners: Vec<(f64, f64)>,
}

/// Points with one fitted value.
struct Block {
    first: f64,
    last: f64,
    sum: f64,
    count: f64,
}

impl Isotonic {
    /// The curve nearest to outcomes at their scores, by squares.
    pub(super) fn fit(points: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut points: Vec<(f64, bool)> = points.collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut blocks: Vec<Block> = Vec::new();
        for (score, outcome) in points {
            let outcome = f64::from(u8::from(outcome));
            match blocks.last_mut() {
                // One score has one value, whatever order its outcomes came in.
                Some(block) if block.first == score => {
                    block.sum += outcome;
                    block.count += 1.0;
                }
                Some(_) | None => {
                    pool(&mut blocks);
                    blocks.push(Block {
                        first: score,
                        last: score,
                        sum: outcome,
                        count: 1.0,
                    });
                }
            }
        }
        pool(&mut blocks);
        let mut corners = Vec::with_capacity(2 * blocks.len());
        for block in blocks {
            let value = block.sum / block.count;
            corners.push((block.first, value));
            if block.last > block.first {
                corners.push((block.last, value));
            }
        }
        Self { corners }
    }

    /// The probability at a score.
    pub(super) fn at(&self, score: f64) -> f64 {
        let above = self.corners.partition_point(|corner| corner.0 <= score);
        let left = above.checked_sub(1).and_then(|left| self.corners.get(left));
        match (left, self.corners.get(above)) {
            (Some(left), Some(right)) => {
                let share = (score - left.0) / (right.0 - left.0);
                left.1 + share * (right.1 - left.1)
            }
            (Some(only), None) | (None, Some(only)) => only.1,
            // A curve without corners, which `fit` only gives for no points.
            (None, None) => score,
        }
    }
}

/// Joins the last blocks while they do not rise.
fn pool(blocks: &mut Vec<Block>) {
    while let [.., before, last] = blocks.as_mut_slice() {
        if before.sum * last.count < last.sum * before.count {
            return;
        }
        before.last = last.last;
        before.sum += last.sum;
        before.count += last.count;
        blocks.pop();
    }
}
