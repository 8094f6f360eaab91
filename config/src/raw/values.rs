//! Values that are more than TOML's own: durations, sizes, and words of which there are few.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::key::Key;
use crate::{ByteSize, Millis};

/// `"10s"`
#[derive(Clone, Copy)]
pub(crate) struct Duration(pub(crate) Millis);

/// `"64MiB"`
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) ByteSize);

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Millis::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number and a unit: ms, s, min, h, d, w.",
            "examples": ["250ms", "10s", "5min", "7d"],
        })
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        ByteSize::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A number and a unit: B, kB, KiB, MB, MiB, GB, GiB.",
            "examples": ["512MiB", "2GiB"],
        })
    }
}

/// One name or several.
#[derive(Deserialize, JsonSchema)]
#[serde(rename = "$shape", rename_all = "lowercase")]
#[schemars(rename = "OneOrMore", untagged)]
pub(crate) enum OneOrMore {
    /// One.
    Text(String),
    /// Several.
    List(Vec<Key<String>>),
}

/// How record values are written.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// One JSON object a record.
    Json,
    /// Several JSON objects a record, a line each.
    Ndjson,
    /// One comma-separated line a record, columns in the schema's order, no header.
    Csv,
    /// The bytes themselves: one column of bytes or string.
    Raw,
}

/// Unit of a number that is a time.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Second,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Millisecond,
    /// Microseconds.
    #[serde(rename = "us")]
    Microsecond,
    /// Nanoseconds.
    #[serde(rename = "ns")]
    Nanosecond,
}

/// The order in which a sub-topology takes rows.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// As they arrive. The default behind a source.
    Arrival,
    /// By event time, held until the watermark. The default behind a key-by.
    EventTime,
}
