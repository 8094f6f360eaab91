//! What `detect` is told, after checking.

use std::sync::Arc;

/// Settings of `detect`: the output schema is the input's columns, then the three that it adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Detect {
    /// Positions of the columns that are looked at, at least one; all are numbers.
    pub columns: Vec<usize>,
    /// How they are looked at, at least one way.
    pub methods: Vec<DetectMethod>,
    /// A row whose tail probability is at most this is an anomaly, in 0..=1.
    pub threshold: f64,
    /// Rows after a row in which only a more unusual one is an anomaly.
    pub quiet: usize,
    /// The first rows of a key, among which nothing is an anomaly.
    pub warm_up: u64,
    /// Scores that the distribution of scores remembers: between this many and twice as many.
    pub memory: u64,
    /// Names of the added columns: the score, its tail probability, whether it is an anomaly.
    pub added: [Arc<str>; 3],
}

/// A way of looking at rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DetectMethod {
    /// Distance from an exponentially weighted mean in standard deviations.
    Ewma {
        /// Weight of the newest row, in (0, 1].
        alpha: f64,
    },
    /// Mean distance from the nearest neighbours.
    Knn {
        /// Rows compared at a time, at least 1.
        window: usize,
        /// Neighbours, at least 1.
        neighbours: usize,
        /// Rows that are kept to compare with.
        history: usize,
    },
    /// Inverse mass in half-space trees.
    HalfSpaceTrees {
        /// Trees, at least 1.
        trees: usize,
        /// Halvings from the root to a leaf, at least 1.
        depth: usize,
        /// Rows of a window, at least 1.
        window: usize,
    },
    /// Squared error of rebuilding the row.
    Autoencoder {
        /// Numbers that a row is pressed into, at least 1.
        code: usize,
        /// Rows of a step, at least 1.
        batch: usize,
        /// Step size of AdamW, in (0, 1].
        learning_rate: f64,
    },
}
