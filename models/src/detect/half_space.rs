//! Half-space trees: how few rows lie where this one lies (Tan, Ting, Liu: *Fast Anomaly Detection for Streaming Data*,
//! IJCAI 2011).
//!
//! Each tree halves a random box around the data again and again, each time along a random column, without looking at
//! the rows. Rows are counted on their way down; the counts of the window before are the profile that the next window
//! is scored by. The mass where a row ends is `r[node] · 2^depth` at the first node with few rows, or at a leaf; the
//! score is the inverse of its share of all, so that it grows without bound where nobody was.
//!
//! Columns are scaled by the least and greatest value of the key's first window, which the paper takes as known. Boxes
//! and columns come from a hash of the seed, the tree and the node: only counts are state.

use serde::{Deserialize, Serialize};

use super::history::History;
use crate::random::Random;

/// A node with fewer rows than this share of a window is not looked below: the paper's size limit.
const SIZE_LIMIT: f64 = 0.1;

/// Shape of a forest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Trees.
    pub(super) trees: usize,
    /// Halvings on the way to a leaf.
    pub(super) depth: usize,
    /// Rows of a window.
    pub(super) window: usize,
}

/// One key's forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HalfSpace {
    shape: Shape,
    width: usize,
    seed: u64,
    /// The first window, until it is whole.
    first: Option<History>,
    /// Least and greatest value of each column in it.
    ranges: Vec<(f64, f64)>,
    /// Rows of the current window.
    rows: usize,
    /// Of each tree, of each node in the order of levels: rows of the last whole window, and of the current one.
    reference: Vec<u32>,
    latest: Vec<u32>,
}

impl HalfSpace {
    pub(super) fn new(shape: Shape, width: usize, seed: u64) -> Self {
        Self {
            shape,
            width,
            seed,
            first: Some(History::new(width, shape.window)),
            ranges: Vec::new(),
            rows: 0,
            reference: Vec::new(),
            latest: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        if let Some(first) = &mut self.first {
            first.push(values);
            self.rows += 1;
            if self.rows == self.shape.window {
                self.begin();
            }
            return None;
        }
        let score = self.score(values);
        self.learn(values);
        Some(score)
    }

    /// The first window is whole: it gives the ranges, and is the first profile.
    fn begin(&mut self) {
        let Some(first) = self.first.take() else {
            return;
        };
        let column = |column: usize| first.rows().iter().skip(column).step_by(self.width);
        let ranges = (0..self.width).map(|at| {
            let least = column(at).fold(f64::INFINITY, |least, value| least.min(*value));
            let greatest = column(at).fold(f64::NEG_INFINITY, |most, value| most.max(*value));
            (least, greatest)
        });
        self.ranges = ranges.collect();
        let counts = self.shape.trees * self.shape.nodes();
        (self.reference, self.latest) = (vec![0; counts], vec![0; counts]);
        self.rows = 0;
        for row in first.rows().chunks_exact(self.width) {
            self.learn(row);
        }
    }

    fn score(&self, values: &[f64]) -> f64 {
        let scaled = self.scaled(values);
        let limit = SIZE_LIMIT * number(self.shape.window);
        let mut mass = 0.0;
        for tree in 0..self.shape.trees {
            let counts = &self.reference[tree * self.shape.nodes()..];
            let mut walk = Walk::new(self.seed, tree, self.width);
            for depth in 0..=self.shape.depth {
                let rows = f64::from(counts[walk.node]);
                if depth == self.shape.depth || rows <= limit {
                    mass += rows * number(1 << depth);
                    break;
                }
                walk.step(&scaled);
            }
        }
        // All rows in one leaf of every tree are the most mass there can be.
        let most = number(self.shape.trees * self.shape.window) * number(1 << self.shape.depth);
        most / (mass + 1.0)
    }

    fn learn(&mut self, values: &[f64]) {
        let scaled = self.scaled(values);
        for tree in 0..self.shape.trees {
            let counts = &mut self.latest[tree * self.shape.nodes()..];
            let mut walk = Walk::new(self.seed, tree, self.width);
            for depth in 0..=self.shape.depth {
                counts[walk.node] += 1;
                if depth < self.shape.depth {
                    walk.step(&scaled);
                }
            }
        }
        self.rows += 1;
        if self.rows == self.shape.window {
            self.rows = 0;
            std::mem::swap(&mut self.reference, &mut self.latest);
            self.latest.fill(0);
        }
    }

    /// The first window lies in 0..=1 in every column.
    fn scaled(&self, values: &[f64]) -> Vec<f64> {
        let columns = values.iter().zip(&self.ranges);
        let scaled = columns.map(|(value, (least, greatest))| {
            let range = greatest - least;
            let unit = if range > 0.0 { range } else { 1.0 };
            (value - least) / unit
        });
        scaled.collect()
    }

    /// The nodes that a row passes in a tree, root and leaf among them.
    #[cfg(test)]
    pub(super) fn way(&self, tree: usize, values: &[f64]) -> Vec<usize> {
        let scaled = self.scaled(values);
        let mut walk = Walk::new(self.seed, tree, self.width);
        let mut way = vec![walk.node];
        for _ in 0..self.shape.depth {
            walk.step(&scaled);
            way.push(walk.node);
        }
        way
    }

    pub(super) fn fits(&self, shape: Shape, width: usize) -> bool {
        let counts = shape.trees * shape.nodes();
        let is_sized = match &self.first {
            Some(first) => {
                first.fits(width, shape.window)
                    && first.rows().len() == self.rows * width
                    && self.ranges.is_empty()
            }
            None => {
                self.ranges.len() == width
                    && self.reference.len() == counts
                    && self.latest.len() == counts
            }
        };
        let is_counted = |counts: &[u32]| counts.iter().all(|rows| *rows as usize <= shape.window);
        (self.shape, self.width) == (shape, width)
            && is_sized
            && self.rows < shape.window
            && is_counted(&self.reference)
            && is_counted(&self.latest)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.first.as_ref().map_or(0, History::heap_bytes)
            + size_of_val(&*self.ranges)
            + size_of_val(&*self.reference)
            + size_of_val(&*self.latest)
    }
}

impl Shape {
    /// Of one tree.
    fn nodes(self) -> usize {
        (2 << self.depth) - 1
    }
}

/// A way down a tree.
struct Walk {
    node: usize,
    seed: u64,
    /// What is left of the box, of each column.
    sides: Vec<(f64, f64)>,
}

impl Walk {
    /// The box of a tree: around a random point of the unit, and as far as to hold all of it on both sides.
    fn new(seed: u64, tree: usize, width: usize) -> Self {
        let seed = Random::new(seed.wrapping_add(tree as u64)).next();
        let mut random = Random::new(seed);
        let side = |_| {
            let centre = random.unit();
            let reach = 2.0 * centre.max(1.0 - centre);
            (centre - reach, centre + reach)
        };
        Self {
            node: 0,
            seed,
            sides: (0..width).map(side).collect(),
        }
    }

    fn step(&mut self, scaled: &[f64]) {
        let mut random = Random::new(self.seed ^ (self.node as u64 + 1).wrapping_mul(0x9e37_79b9));
        let column = random.below(scaled.len());
        let (low, high) = &mut self.sides[column];
        let middle = f64::midpoint(*low, *high);
        let right = scaled[column] >= middle;
        *(if right { low } else { high }) = middle;
        self.node = 2 * self.node + 1 + usize::from(right);
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows and nodes")]
fn number(count: usize) -> f64 {
    count as f64
}
