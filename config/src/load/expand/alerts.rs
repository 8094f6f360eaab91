//! Alerts that are told on a topic, as nodes:
//!
//! ```text
//! <name>.alerts.control      what each node says of its metrics
//!          │
//!       alert                fires and resolves; its state commits with what it tells
//!          │
//!    <name>.alerts           each firing and its end, once
//! ```

use super::{table, tables};
use crate::alert::columns::{ALERT, CONDITION, HOLD_MS, HOLDS, NODE, SEE, SERIES, VALUE};
use crate::load::tree::{Table, Value};

/// Name of the text that this file writes.
pub(super) const FILE: &str = "[alerts]";

/// The nodes, if anybody but the process's log is told of any alert.
pub(super) fn nodes(name: &str, document: &Table) -> Option<String> {
    let tables = tables(document, "alert").chain(table(document, "alerts"));
    let is_told = tables.into_iter().any(|table| {
        let to = table.get("to").map(|entry| &entry.value.value);
        matches!(to, Some(Value::Array(words)) if words.iter().any(|word| is_more_than_log(&word.value)))
    });
    is_told.then(|| {
        format!(
            r#"
[[source]]
id = "alerts-control"
topic = "{name}.alerts.control"
key = "{ALERT}"
partitions = 1
[source.schema]
{ALERT} = "string"
{NODE} = "string"
{HOLDS} = "bool"
{HOLD_MS} = "int64"
{VALUE} = "float64?"
{SERIES} = "string?"
{CONDITION} = "string?"
{SEE} = "string?"

[[operator]]
id = "alert"
kind = "alert"
input = "alerts-control"

[[sink]]
id = "alerts-out"
input = "alert"
topic = "{name}.alerts"
key = "{ALERT}"
partitions = 1
"#
        )
    })
}

fn is_more_than_log(word: &Value) -> bool {
    matches!(word, Value::String(word) if word != "log")
}
