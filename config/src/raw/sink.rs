//! `[[sink]]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::key::{Key, Named};
use super::values::Format;

/// Where records go out: one of `topic`, `file` and `stdout`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Sink {
    /// Name of the node, unique in the topology.
    pub(crate) id: Key<String>,
    /// The node it takes rows from: `"id"` or `"id.port"`.
    pub(crate) input: Key<String>,
    /// A topic of the log, written exactly once unless `[epoch] delivery` says otherwise.
    pub(crate) topic: Option<Key<String>>,
    /// A file, a line a record, written after their epoch is committed: a crash just then loses them. Relative to this file.
    pub(crate) file: Option<Key<String>>,
    /// Standard output, a line a record, written after their epoch is committed: a crash just then loses them. Default: false.
    pub(crate) stdout: Option<Key<bool>>,
    /// How a record's value is written. Default: json.
    pub(crate) format: Option<Key<Format>>,
    /// Column whose text is the record's key. Default: records have no key.
    pub(crate) key: Option<Key<String>>,
    /// Columns written, in order. Default: all.
    pub(crate) columns: Option<Key<Vec<Key<String>>>>,
    /// Fixed headers beside those that every output carries.
    pub(crate) headers: Option<Key<Named<String>>>,
    /// Partitions of the topic where Thalweg creates it. Default: those of the input.
    pub(crate) partitions: Option<Key<u32>>,
}
