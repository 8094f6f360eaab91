//! `detect`: unusual rows, without any training before.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::Key;
use super::operator::Sessions;
use super::values::Order;

/// One row out per row in, with how unusual it is for its key: `score`, `probability`, `anomaly`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Detect {
    /// The numbers that are looked at together. A row with a NULL among them is not looked at.
    pub(crate) columns: Key<Vec<Key<String>>>,
    /// How they are looked at; the most surprised says how unusual the row is. Default: `knn` of single rows and of 40 rows.
    pub(crate) methods: Option<Key<Vec<Key<DetectMethod>>>>,
    /// A row whose tail probability is at most this is an anomaly. Default: 0.005.
    pub(crate) threshold: Option<Key<f64>>,
    /// Rows after a row in which only a more unusual one is an anomaly. Default: 100.
    pub(crate) quiet: Option<Key<u64>>,
    /// The first rows of a key, among which nothing is an anomaly. Default: 100.
    pub(crate) warm_up: Option<Key<u64>>,
    /// About how many scores the distribution of scores remembers. Default: 10,000.
    pub(crate) memory: Option<Key<u64>>,
    /// Put before the names of the three added columns. Default: nothing.
    pub(crate) prefix: Option<Key<String>>,
    /// In which order rows are taken. Default: arrival behind a source, event-time behind a key-by.
    pub(crate) order: Option<Key<Order>>,
    /// Where its sessions live. Default: hosted.
    pub(crate) sessions: Option<Key<Sessions>>,
}

/// A way of looking at rows.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$kind", rename_all = "kebab-case")]
#[schemars(rename = "DetectMethod", tag = "kind")]
pub(crate) enum DetectMethod {
    /// Distance from an exponentially weighted mean, in standard deviations; of the column where it is greatest.
    Ewma(DetectEwma),
    /// Distance from the most similar of the key's rows, or stretches of rows.
    Knn(DetectKnn),
    /// How few rows of late lie where the row lies, by random halvings of the space.
    HalfSpaceTrees(DetectTrees),
    /// How badly a small network, trained as rows pass, rebuilds the row.
    Autoencoder(DetectAutoencoder),
}

/// Distance from an exponentially weighted mean.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DetectEwma {
    /// Weight of the newest row, above 0 to 1. Default: 0.01.
    pub(crate) alpha: Option<Key<f64>>,
}

/// Distance from the nearest neighbours.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DetectKnn {
    /// Rows compared at a time: the newest so many with every earlier stretch of as many. Default: 1.
    pub(crate) window: Option<Key<u64>>,
    /// How many of the nearest the distance is the mean of. Default: 1.
    pub(crate) neighbours: Option<Key<u64>>,
    /// Rows of the key that are kept to compare with. Default: 4,000.
    pub(crate) history: Option<Key<u64>>,
}

/// How few rows lie where the row lies.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DetectTrees {
    /// Trees. Default: 25.
    pub(crate) trees: Option<Key<u64>>,
    /// Halvings from the root to a leaf. Default: 8.
    pub(crate) depth: Option<Key<u64>>,
    /// Rows of a window: each is scored by the counts of the window before. Default: 250.
    pub(crate) window: Option<Key<u64>>,
}

/// How badly a small network rebuilds the row.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct DetectAutoencoder {
    /// Numbers that a row is pressed into; fewer than its columns. Default: 2.
    pub(crate) code: Option<Key<u64>>,
    /// Rows of a step of training. Default: 32.
    pub(crate) batch: Option<Key<u64>>,
    /// Step size of AdamW. Default: 0.001.
    pub(crate) learning_rate: Option<Key<f64>>,
}
