//! Mean distance from the k nearest of the stretches of rows before: novelty of single rows (window 1) or of shapes
//! (longer windows, which embed the series as Takens does), by Ramaswamy, Rastogi and Shim (*Efficient Algorithms for
//! Mining Outliers from Large Data Sets*, SIGMOD 2000); of a stream's windows as in Burnaev and Ishimtsev (*Conformalized
//! density- and distance-based anomaly detection in time-series data*, 2016).
//!
//! Of several columns each is divided by its deviation, so that none counts more for its unit. One column is taken as
//! it is: a unit of its own would only make early distances look like late ones.

use serde::{Deserialize, Serialize};

use super::history::History;
use super::spread::Spread;

/// Numbers that are compared before it is asked whether a stretch is too far already.
const BLOCK: usize = 16;

/// One key's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Knn {
    window: usize,
    neighbours: usize,
    spread: Spread,
    history: History,
}

impl Knn {
    pub(super) fn new(window: usize, neighbours: usize, rows: usize, width: usize) -> Self {
        Self {
            window,
            neighbours,
            spread: Spread::new(alpha(rows), width),
            history: History::new(width, rows + window),
        }
    }

    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        let width = values.len();
        if width > 1 {
            self.spread.add(values);
        }
        self.history.push(values);
        let rows = self.history.rows();
        let length = self.window * width;
        let (before, newest) = rows.split_at_checked(rows.len().checked_sub(length)?)?;
        if before.len() < length {
            return None;
        }
        let nearest = match width {
            1 => self.nearest(before, newest, |_| 1.0),
            _ => {
                let weights: Vec<f64> = (0..width)
                    .map(|column| self.spread.deviation(column).powi(-2))
                    .collect();
                self.nearest(before, newest, |at| weights[at % width])
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "a few neighbours")]
        let found = nearest.len() as f64;
        Some(nearest.iter().map(|square| square.sqrt()).sum::<f64>() / found)
    }

    /// Squared distances of the nearest stretches, ascending.
    fn nearest(&self, before: &[f64], newest: &[f64], weight: impl Fn(usize) -> f64) -> Vec<f64> {
        let width = newest.len() / self.window;
        let mut nearest: Vec<f64> = Vec::with_capacity(self.neighbours + 1);
        let mut farthest = f64::INFINITY;
        for stretch in before.windows(newest.len()).step_by(width) {
            let mut square = 0.0;
            let blocks = stretch.chunks(BLOCK).zip(newest.chunks(BLOCK));
            for (block, (there, here)) in blocks.enumerate() {
                for (at, (a, b)) in there.iter().zip(here).enumerate() {
                    square += (a - b) * (a - b) * weight(block * BLOCK + at);
                }
                if square >= farthest {
                    break;
                }
            }
            if square < farthest {
                let at = nearest.partition_point(|nearer| *nearer <= square);
                nearest.insert(at, square);
                nearest.truncate(self.neighbours);
                if nearest.len() == self.neighbours {
                    farthest = nearest[self.neighbours - 1];
                }
            }
        }
        nearest
    }

    pub(super) fn fits(&self, window: usize, neighbours: usize, rows: usize, width: usize) -> bool {
        (self.window, self.neighbours) == (window, neighbours)
            && self.spread.fits(alpha(rows), width)
            && self.history.fits(width, rows + window)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.spread.heap_bytes() + self.history.heap_bytes()
    }
}

/// The weight with which deviations follow as fast as rows are forgotten.
#[expect(clippy::cast_precision_loss, reason = "a weight")]
fn alpha(rows: usize) -> f64 {
    1.0 / rows as f64
}
