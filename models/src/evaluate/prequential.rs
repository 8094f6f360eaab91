//! Test, then train: each row is predicted first and learned from later, so every row is a test.
//!
//! Over all rows, over a sliding window, and with a fading factor (Gama, Sebastião, Rodrigues: *On evaluating stream
//! learning algorithms*, Machine Learning 90, 2013). Beside them the no-change classifier, which says the label of the
//! row before: kappa-temporal is the accuracy beyond its (Žliobaitė, Bifet, Read, Pfahringer, Holmes: *Evaluation
//! methods and decision theory for classification of streaming data with temporal dependence*, Machine Learning 98, 2015).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Confusion;
use super::confusion::ratio;

/// Running measures of a classifier on a stream. Memory: the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prequential {
    all: Confusion,
    faded: Confusion,
    factor: f64,
    windowed: Confusion,
    /// The latest rows, the oldest first.
    window: VecDeque<Row>,
    window_rows: usize,
    last_truth: Option<usize>,
    /// Rows with the label of the row before, of all and of the window.
    unchanged: f64,
    unchanged_windowed: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Row {
    truth: usize,
    said: usize,
    /// Whether its label is that of the row before; the first row of the stream has none before it.
    is_unchanged: bool,
}

impl Prequential {
    /// Nothing seen yet. `window` rows (at least one) are in the window; a row's weight falls by `factor` (in [0, 1],
    /// for example 0.999) with each row after it.
    #[must_use]
    pub fn new(classes: usize, window: usize, factor: f64) -> Self {
        Self {
            all: Confusion::new(classes),
            faded: Confusion::new(classes),
            factor: factor.clamp(0.0, 1.0),
            windowed: Confusion::new(classes),
            window: VecDeque::new(),
            window_rows: window.max(1),
            last_truth: None,
            unchanged: 0.0,
            unchanged_windowed: 0.0,
        }
    }

    /// Counts a row, in the order of the stream.
    pub fn add(&mut self, truth: usize, said: usize) {
        self.all.add(truth, said);
        self.faded.fade(self.factor);
        self.faded.add(truth, said);
        let is_unchanged = self.last_truth == Some(truth);
        self.unchanged += f64::from(is_unchanged);
        self.unchanged_windowed += f64::from(is_unchanged);
        self.last_truth = Some(truth);
        self.windowed.add(truth, said);
        self.window.push_back(Row {
            truth,
            said,
            is_unchanged,
        });
        if self.window.len() > self.window_rows
            && let Some(oldest) = self.window.pop_front()
        {
            self.windowed.remove(oldest.truth, oldest.said);
            self.unchanged_windowed -= f64::from(oldest.is_unchanged);
        }
    }

    /// Over all rows.
    #[must_use]
    pub fn all(&self) -> &Confusion {
        &self.all
    }

    /// Rows weighted by their age.
    #[must_use]
    pub fn faded(&self) -> &Confusion {
        &self.faded
    }

    /// Over the latest rows.
    #[must_use]
    pub fn windowed(&self) -> &Confusion {
        &self.windowed
    }

    /// Accuracy of the no-change classifier over all rows; none without rows.
    #[must_use]
    pub fn no_change(&self) -> Option<f64> {
        ratio(self.unchanged, self.all.rows())
    }

    /// Accuracy beyond that of the no-change classifier over all rows: 1 perfect, 0 no better, below it worse.
    #[must_use]
    pub fn kappa_temporal(&self) -> Option<f64> {
        kappa_temporal(self.all.accuracy()?, self.no_change()?)
    }

    /// The same over the window.
    #[must_use]
    pub fn kappa_temporal_windowed(&self) -> Option<f64> {
        let no_change = ratio(self.unchanged_windowed, self.windowed.rows())?;
        kappa_temporal(self.windowed.accuracy()?, no_change)
    }
}

/// `(accuracy - no_change) / (1 - no_change)`; none if the labels never change.
#[must_use]
pub fn kappa_temporal(accuracy: f64, no_change: f64) -> Option<f64> {
    ratio(accuracy - no_change, 1.0 - no_change)
}
