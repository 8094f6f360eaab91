//! `[[source]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::values::{Duration, Format, Unit};

/// Where records come in.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Source {
    /// Name of the node, unique in the topology.
    pub(crate) id: Key<String>,
    /// The topic read.
    pub(crate) topic: Option<Key<String>>,
    /// The topics read, instead of `topic`.
    pub(crate) topics: Option<Key<Vec<Key<String>>>>,
    /// A regular expression over whole names of topics, instead of `topic`: all that match are read, those
    /// too that come while it runs.
    pub(crate) pattern: Option<Key<String>>,
    /// How a record's value is written. Default: json.
    pub(crate) format: Option<Key<Format>>,
    /// Columns and their types.
    pub(crate) schema: Key<Named<ColumnType>>,
    /// Column by which records arrive partitioned; operators that keep state per key need it.
    pub(crate) key: Option<Key<String>>,
    /// Where event time comes from. Default: the record's own timestamp.
    pub(crate) time: Option<Key<Time>>,
    /// How event time advances.
    pub(crate) watermark: Option<Key<Watermark>>,
    /// Where reading begins the first time: `"earliest"` (the default), `"latest"`, or a time in RFC 3339.
    pub(crate) start: Option<Key<Start>>,
    /// What fills the topic from outside the log, exactly once.
    pub(crate) feed: Option<Key<Feed>>,
    /// Partitions of the topics where Thalweg creates them. Default: 4.
    pub(crate) partitions: Option<Key<u32>>,
}

/// A column's type: `"float64"`, `"float64?"` where it may be absent, `"float32[784]"`, or a table.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "ColumnType", untagged)]
pub(crate) enum ColumnType {
    /// bool, int64, float64, float32, string, timestamp, bytes, or a vector of numbers.
    Text(String),
    /// With a path.
    Table(ColumnTable),
}

/// A column found under another name, or deeper in the input.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ColumnTable {
    /// Its type.
    #[serde(rename = "type")]
    pub(crate) data_type: Key<String>,
    /// Where it is in the input: names joined by dots. Default: the column's name.
    pub(crate) path: Option<Key<String>>,
}

/// Where event time comes from.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Time {
    /// A timestamp column. Default: the record's own timestamp.
    pub(crate) column: Option<Key<String>>,
    /// Unit of numbers in timestamp columns of this source. Default: ms.
    pub(crate) unit: Option<Key<Unit>>,
}

/// How event time advances.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Watermark {
    /// How much later than the newest record another may still come. Default: 0s.
    pub(crate) delay: Option<Key<Duration>>,
    /// After so long without records a partition holds nothing back. Default: 30s.
    pub(crate) idle: Option<Key<Duration>>,
}

/// Where reading begins.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "Start", untagged)]
pub(crate) enum Start {
    /// `earliest`, `latest`, or a time in RFC 3339.
    Text(String),
    /// A TOML date and time.
    Date(String),
}

/// What fills a topic.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$kind", rename_all = "kebab-case")]
#[schemars(rename = "Feed", tag = "kind")]
pub(crate) enum Feed {
    /// A file.
    File(FileFeed),
    /// Made records.
    Generator(GeneratorFeed),
    /// `POST /v1/topics/{topic}/records`.
    Http(Bare),
    /// Lines of standard input.
    Stdin(Bare),
}

/// A feed without settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bare {}

/// A file; its name says what it is: `.csv` (with a header), `.ndjson`, `.jsonl`, then `.gz` or `.zst`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct FileFeed {
    /// The file, relative to this one.
    pub(crate) path: Key<String>,
    /// Begins again at its end. Default: false.
    pub(crate) repeat: Option<Key<bool>>,
    /// Records a second, at most. Default: as fast as they are read.
    pub(crate) rate: Option<Key<f64>>,
}

/// Made records.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct GeneratorFeed {
    /// What is made.
    pub(crate) profile: Key<Profile>,
    /// The same seed makes the same records. Default: 0.
    pub(crate) seed: Option<Key<u64>>,
    /// Records a second. Default: as fast as they are read.
    pub(crate) rate: Option<Key<f64>>,
    /// Ends after so many. Default: never.
    pub(crate) records: Option<Key<u64>>,
    /// After so much event time, counted in days, the thieves of `card-fraud` act otherwise. Default: never.
    pub(crate) drift: Option<Key<Duration>>,
}

/// What a generator makes.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Profile {
    /// Card payments with three kinds of fraud; labels on a second topic.
    CardFraud,
    /// Seasonal series with noise, drift and anomalies.
    Sensor,
}
