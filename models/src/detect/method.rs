//! The methods as one.

use config::DetectMethod;
use serde::{Deserialize, Serialize};

use super::autoencoder::{self, Autoencoder};
use super::ewma::Ewma;
use super::half_space::{self, HalfSpace};
use super::knn::Knn;

/// What a method knows of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Method {
    Ewma(Ewma),
    Knn(Knn),
    HalfSpace(HalfSpace),
    Autoencoder(Autoencoder),
}

impl Method {
    pub(super) fn new(settings: &DetectMethod, width: usize, seed: u64) -> Self {
        match *settings {
            DetectMethod::Ewma { alpha } => Self::Ewma(Ewma::new(alpha, width)),
            DetectMethod::Knn {
                window,
                neighbours,
                history,
            } => Self::Knn(Knn::new(window, neighbours, history, width)),
            DetectMethod::HalfSpaceTrees {
                trees,
                depth,
                window,
            } => {
                let shape = half_space::Shape {
                    trees,
                    depth,
                    window,
                };
                Self::HalfSpace(HalfSpace::new(shape, width, seed))
            }
            DetectMethod::Autoencoder {
                code,
                batch,
                learning_rate,
            } => {
                let shape = autoencoder::Shape {
                    code,
                    batch,
                    learning_rate,
                };
                Self::Autoencoder(Autoencoder::new(shape, width, seed))
            }
        }
    }

    /// The raw score of a row, at least 0, against the rows before; `None` while they are too few. Learns the row.
    pub(super) fn row(&mut self, values: &[f64]) -> Option<f64> {
        match self {
            Self::Ewma(ewma) => ewma.row(values),
            Self::Knn(knn) => knn.row(values),
            Self::HalfSpace(forest) => forest.row(values),
            Self::Autoencoder(network) => network.row(values),
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
            (
                Self::HalfSpace(forest),
                DetectMethod::HalfSpaceTrees {
                    trees,
                    depth,
                    window,
                },
            ) => {
                let shape = half_space::Shape {
                    trees,
                    depth,
                    window,
                };
                forest.fits(shape, width)
            }
            (
                Self::Autoencoder(network),
                DetectMethod::Autoencoder {
                    code,
                    batch,
                    learning_rate,
                },
            ) => {
                let shape = autoencoder::Shape {
                    code,
                    batch,
                    learning_rate,
                };
                network.fits(shape, width)
            }
            (Self::Ewma(_) | Self::Knn(_) | Self::HalfSpace(_) | Self::Autoencoder(_), _) => false,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Ewma(ewma) => ewma.heap_bytes(),
            Self::Knn(knn) => knn.heap_bytes(),
            Self::HalfSpace(forest) => forest.heap_bytes(),
            Self::Autoencoder(network) => network.heap_bytes(),
        }
    }
}
