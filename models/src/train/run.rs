//! Where a training stands: all of it that is not weights or moments. Pure bookkeeping, which a checkpoint keeps whole.

use serde::{Deserialize, Serialize};

use crate::arch::Dense;
use crate::random::Random;

/// Where a training stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Epochs that have ended.
    pub(super) epochs_done: u64,
    /// Rows of the current epoch's order that are learned from.
    pub(super) position: u64,
    pub(super) rows_seen: u64,
    /// The generator as it was before it drew the current epoch's order.
    pub(super) random: Random,
    /// Sum over this epoch's rows of the loss of their step.
    pub(super) loss_sum: f64,
    pub(super) training_loss: f64,
    pub(super) validation_loss: Option<f64>,
    pub(super) best: Option<Best>,
    /// Epochs since the best one.
    pub(super) stale: u64,
    pub(super) done: bool,
}

/// The weights after the epoch with the lowest loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Best {
    pub(super) loss: f64,
    /// Counted from 1.
    pub(super) epoch: u64,
    pub(super) layers: Vec<Dense>,
}

impl Run {
    pub(super) fn new(random: Random) -> Self {
        Self {
            epochs_done: 0,
            position: 0,
            rows_seen: 0,
            random,
            loss_sum: 0.0,
            training_loss: 0.0,
            validation_loss: None,
            best: None,
            stale: 0,
            done: false,
        }
    }

    /// The order of the rows in the current epoch. Leaves the generator as it is: [`Run::end_epoch`] moves it.
    pub(super) fn order(&self, rows: usize) -> Vec<u32> {
        order(&mut self.random.clone(), rows)
    }

    /// Counts a step's rows and their loss.
    pub(super) fn learned(&mut self, rows: usize, loss: f64) {
        self.position += rows as u64;
        self.rows_seen += rows as u64;
        self.loss_sum += loss * rows as f64;
        self.training_loss = self.loss_sum / self.position as f64;
    }

    /// Ends an epoch: keeps the weights if the loss is the lowest so far, and decides whether training goes on.
    pub(super) fn end_epoch(&mut self, end: EpochEnd, epochs: usize, patience: usize, rows: usize) {
        drop(order(&mut self.random, rows));
        self.epochs_done += 1;
        self.position = 0;
        self.loss_sum = 0.0;
        self.validation_loss = end.validation_loss;
        let loss = end.validation_loss.unwrap_or(self.training_loss);
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.stale = 0;
            self.best = Some(Best {
                loss,
                epoch: self.epochs_done,
                layers: end.layers,
            });
        } else {
            self.stale += 1;
        }
        self.done = self.epochs_done >= epochs as u64 || self.stale >= patience as u64;
    }
}

/// What an epoch ends with.
pub(super) struct EpochEnd {
    pub(super) layers: Vec<Dense>,
    pub(super) validation_loss: Option<f64>,
}

/// Rows are below 2^30 (`Examples`).
fn order(random: &mut Random, rows: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..).take(rows).collect();
    random.shuffle(&mut order);
    order
}
