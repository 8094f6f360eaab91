//! How unusual a row is for its key, without any training before: one [`Detector`] a key, which scores each row
//! against those before it and then learns it. Nothing later than a row ever reaches its score.
//!
//! The way of a row: every method gives a raw score ([`method`]) → its distribution says how often so high a score
//! has been ([`tail`]) → the most surprised method counts, its probability times the number of methods (Bonferroni)
//! → the row is an anomaly if that is rare, and rarer than what was just seen ([`recent`]).
//!
//! A detector is a value: serialised and read again it goes on as if nothing had been, bit for bit.

mod tail;
mod recent;
mod spread;
mod history;
mod method;
mod ewma;
mod knn;
mod half_space;
mod autoencoder;
#[cfg(test)]
mod tests;

use config::Detect;
use serde::{Deserialize, Serialize};

use method::Method;
use recent::Recent;
use tail::Tail;

/// What is known of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detector {
    rows: u64,
    watches: Vec<Watch>,
    recent: Recent,
}

/// A method and the distribution of the scores it has given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Watch {
    method: Method,
    tail: Tail,
}

/// What a detector says of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The raw score of the method that is most surprised, in that method's unit; the higher, the stranger.
    pub score: f64,
    /// How probable a row as strange as this is, in 0..=1: 1 as long as too little is known. Never rounded to 0.
    pub probability: f64,
    /// Whether it is an anomaly.
    pub anomaly: bool,
}

impl Detector {
    /// Knows nothing yet. What is drawn at random is drawn from the seed.
    #[must_use]
    pub fn new(settings: &Detect, seed: u64) -> Self {
        let width = settings.columns.len();
        let methods = settings.methods.iter().zip(0_u64..);
        let watches = methods.map(|(method, nth)| Watch {
            method: Method::new(method, width, seed.wrapping_add(nth)),
            tail: Tail::new(settings.memory),
        });
        Self {
            rows: 0,
            watches: watches.collect(),
            recent: Recent::default(),
        }
    }

    /// Judges a row of as many finite values as the settings name columns, then learns it.
    pub fn row(&mut self, settings: &Detect, values: &[f64]) -> Verdict {
        let (mut score, mut surprise) = (0.0, f64::NEG_INFINITY);
        for watch in &mut self.watches {
            let Some(raw) = watch.method.row(values).filter(|raw| raw.is_finite()) else {
                continue;
            };
            let found = watch.tail.row(raw);
            if found > surprise {
                (score, surprise) = (raw, found);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "there are a few methods")]
        let methods = self.watches.len() as f64;
        let surprise = (surprise - libm::log10(methods)).max(0.0);
        let is_record = self.recent.row(self.rows, surprise, settings.quiet);
        let is_warm = self.rows >= settings.warm_up;
        self.rows += 1;
        // Numbers below the smallest normal one lose their digits, and at last their order.
        let probability = libm::pow(10.0, -surprise).max(f64::MIN_POSITIVE);
        Verdict {
            score,
            probability,
            anomaly: is_warm && is_record && probability <= settings.threshold,
        }
    }

    /// Whether it can be one of these settings: what was read from outside is used only then.
    #[must_use]
    pub fn fits(&self, settings: &Detect) -> bool {
        let width = settings.columns.len();
        self.watches.len() == settings.methods.len()
            && self
                .watches
                .iter()
                .zip(&settings.methods)
                .all(|(watch, method)| {
                    watch.method.fits(method, width) && watch.tail.fits(settings.memory)
                })
    }

    /// Rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let watches = self.watches.iter();
        let watches = watches
            .map(|watch| size_of::<Watch>() + watch.method.heap_bytes() + watch.tail.heap_bytes());
        size_of::<Self>() + watches.sum::<usize>() + self.recent.heap_bytes()
    }
}
