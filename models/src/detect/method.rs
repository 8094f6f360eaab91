//! The methods as one.

use config::DetectMethod;
use serde::{Deserialize, Serialize};

use super::ewma::Ewma;
use super::knn::Knn;

/// What a method knows of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Method {
    Ewma(Ewma),
    Knn(Knn),
}

impl Method {
    pub(super) fn new(settings: &DetectMethod, width: usize, _seed: u64) -> Self {
        match *settings {
            DetectMethod::Ewma { alpha } => Self::Ewma(Ewma::new(alpha, width)),
            DetectMethod::Knn {
                window,
                neighbours,
                history,
            } => Self::Knn(Knn::new(window, neighbours, history, width)),
        }
    }

    /// The raw score of a row, at least 0, against the rows before; `None` while they are too few. Learns the row.
    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        match self {
            Self::Ewma(ewma) => ewma.row(values),
            Self::Knn(knn) => knn.row(values),
        }
    }

    /// Whether it is of these settings and whole.
    pub(super) fn fits(&self, settings: &DetectMethod, width: usize) -> bool {
        match (self, *settings) {
            (Self::Ewma(ewma), DetectMethod::Ewma { alpha }) => ewma.fits(alpha, width),
            (
                Self::Knn(knn),
                DetectMethod::Knn {
                    window,
                    neighbours,
                    history,
                },
            ) => knn.fits(window, neighbours, history, width),
            (Self::Ewma(_) | Self::Knn(_), _) => false,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Ewma(ewma) => ewma.heap_bytes(),
            Self::Knn(knn) => knn.heap_bytes(),
        }
    }
}
