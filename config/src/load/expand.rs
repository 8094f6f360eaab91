//! `[model.log]` and `[model.labels]` as what they are: nodes of the graph; so too [`alerts`].
//!
//! ```text
//! infer.log ─▶ sketch ─▶ <name>.<model>.sketches ─▶ watch    where a monitor compares windows
//!     │                  its events, metrics and alarms go where the steward's do
//!     ▼
//! infer.log ─▶ <name>.<model>.log ◀─ labels          the feature log: rows and labels, by row id
//!                     │
//!                   label                            a row and its label meet
//!                     │
//!          <name>.<model>.labelled                   one partition: what training reads, in order
//!                     │   <name>.<model>.control     what the models' actor has to say
//!                     ▼          │
//!                  steward ◀─────┘                   metrics, drift, when to train, who answers
//!                     │
//!          <name>.<model>.events, .metrics
//! ```
//!
//! They are written as TOML and read like the user's own, so that nothing of the loop is known to
//! checking and running that is not known of every node. A model whose tables are malformed adds
//! nothing: reading them reports what is wrong.

mod watched;
mod alerts;

use std::fmt::Write;
use std::path::PathBuf;

use super::tree::{Entry, Node, Table, Value, parse};
use crate::defaults;
use crate::files::{Files, Findings};
use crate::learning::columns::{CONTROL, LABEL, MODEL, ROW, VERSION};
use watched::is_watch;

/// How the names of the texts begin that this file writes.
pub(crate) const FILE: &str = "[model.log] of ";

/// Adds the nodes of every model that has `log`.
pub(super) fn expand(root: &mut Node, files: &mut Files, findings: &Findings) {
    let Value::Table(document) = &root.value else {
        return;
    };
    let Some(name) = text(document, "name") else {
        return;
    };
    let models = tables(document, "model");
    let mut written: Vec<(PathBuf, String)> = models
        .filter_map(|model| {
            let nodes = nodes(name, model, document)?;
            let id = text(model, "id")?;
            Some((PathBuf::from(format!("{FILE}{id}")), nodes))
        })
        .collect();
    if let Some(nodes) = alerts::nodes(name, document) {
        written.push((PathBuf::from(alerts::FILE), nodes));
    }
    for (file, text) in written {
        let base = files.add(&file, &text);
        let added = parse(&text, base, findings);
        append(root, added);
    }
}

/// The nodes of one model, as TOML.
fn nodes(name: &str, model: &Table, document: &Table) -> Option<String> {
    let id = text(model, "id")?;
    let log = table(model, "log")?;
    let infer = tables(document, "operator").find(|operator| {
        text(operator, "kind") == Some("infer") && text(operator, "model") == Some(id)
    })?;
    let loop_ = Loop {
        topics: format!("{name}.{id}"),
        id,
        infer: text(infer, "id")?,
        columns: columns(infer)?,
        score: quoted(&table(infer, "outputs")?.0.first()?.key),
        features: features(infer)?.len(),
        is_labelled: table(model, "labels").is_some(),
        partitions: whole(log, "partitions").unwrap_or(i64::from(defaults::PARTITIONS)),
    };
    let mut out = loop_.feature_log();
    if tables(document, "monitor").any(|monitor| is_watch(monitor, id)) {
        out.push_str(&loop_.watched());
    }
    if let Some(labels) = table(model, "labels") {
        out.push_str(&loop_.labels(labels)?);
        out.push_str(&loop_.joined(labels));
        out.push_str(&loop_.steward());
    }
    Some(out)
}

/// What the texts are made of.
struct Loop<'a> {
    /// Beginning of the loop's topics.
    topics: String,
    id: &'a str,
    infer: &'a str,
    /// Features and outputs, as a schema's lines.
    columns: String,
    /// The first output, quoted.
    score: String,
    partitions: i64,
    /// How many.
    features: usize,
    is_labelled: bool,
}

impl Loop<'_> {
    fn feature_log(&self) -> String {
        let Self {
            topics,
            id,
            infer,
            partitions,
            ..
        } = self;
        format!(
            r#"
[[sink]]
id = "{id}-log-out"
input = "{infer}.log"
topic = "{topics}.log"
key = "{ROW}"
partitions = {partitions}
"#
        )
    }

    /// The labels on their way into the feature log.
    fn labels(&self, labels: &Table) -> Option<String> {
        let Self {
            topics,
            id,
            partitions,
            ..
        } = self;
        let (topic, row) = (text(labels, "topic")?, text(labels, "id")?);
        let label = text(labels, "label")?;
        let schema = table(labels, "schema")?;
        let mut fields = String::new();
        for Entry { key, value, .. } in &schema.0 {
            let Value::String(kind) = &value.value else {
                return None;
            };
            let _ = writeln!(fields, "{} = {}", quoted(key), quoted(kind));
        }
        let outcome = match text(schema, label)?.trim_end_matches('?') {
            "bool" => format!("case when {} then 1.0 else 0.0 end", column(label)),
            _ => format!("cast({} as float64)", column(label)),
        };
        let from = whole(labels, "partitions").unwrap_or(i64::from(defaults::PARTITIONS));
        let time = match text(labels, "time") {
            Some(time) => format!("time = {{ column = {} }}\n", quoted(time)),
            None => String::new(),
        };
        let row = quoted(&format!("cast({} as string)", column(row)));
        let (topic, outcome) = (quoted(topic), quoted(&outcome));
        Some(format!(
            r#"
[[source]]
id = "{id}-labels"
topic = {topic}
partitions = {from}
{time}[source.schema]
{fields}
[[operator]]
id = "{id}-labels-of"
kind = "select"
input = "{id}-labels"
[operator.columns]
{ROW} = {row}
{LABEL} = {outcome}

[[sink]]
id = "{id}-labels-out"
input = "{id}-labels-of"
topic = "{topics}.log"
key = "{ROW}"
partitions = {partitions}
"#
        ))
    }

    /// Where a row and its label meet.
    fn joined(&self, labels: &Table) -> String {
        let Self {
            topics,
            id,
            columns,
            partitions,
            ..
        } = self;
        let horizon = quoted(text(labels, "horizon").unwrap_or("30d"));
        format!(
            r#"
[[source]]
id = "{id}-log"
topic = "{topics}.log"
key = "{ROW}"
partitions = {partitions}
[source.schema]
{ROW} = "string"
{columns}{VERSION} = "int64?"
{LABEL} = "float64?"

[[operator]]
id = "{id}-label"
kind = "label"
input = "{id}-log"
label = "{LABEL}"
horizon = {horizon}

[[operator]]
id = "{id}-labelled"
kind = "select"
input = "{id}-label"
keep = ["*"]
[operator.columns]
{MODEL} = "'{id}'"

[[sink]]
id = "{id}-labelled-out"
input = "{id}-labelled"
topic = "{topics}.labelled"
key = "{MODEL}"
partitions = 1
"#
        )
    }

    fn steward(&self) -> String {
        let Self {
            topics,
            id,
            columns,
            score,
            ..
        } = self;
        format!(
            r#"
[[source]]
id = "{id}-steward-in"
topics = ["{topics}.labelled", "{topics}.control"]
key = "{MODEL}"
partitions = 1
[source.schema]
{MODEL} = "string"
{ROW} = "string?"
{columns}{VERSION} = "int64?"
{LABEL} = "float64?"
{CONTROL} = "string?"

[[operator]]
id = "{id}-steward"
kind = "steward"
input = "{id}-steward-in"
model = "{id}"
score = {score}

[[sink]]
id = "{id}-events-out"
input = "{id}-steward"
topic = "{topics}.events"
key = "{MODEL}"
partitions = 1

[[sink]]
id = "{id}-metrics-out"
input = "{id}-steward.metrics"
topic = "{topics}.metrics"
key = "{MODEL}"
partitions = 1
"#
        )
    }
}

fn features(infer: &Table) -> Option<&[Node]> {
    match &infer.get("features")?.value.value {
        Value::Array(features) => Some(features),
        _ => None,
    }
}

/// Features and outputs of an `infer`, each a number that may be missing.
fn columns(infer: &Table) -> Option<String> {
    let mut out = String::new();
    for feature in features(infer)? {
        let Value::String(feature) = &feature.value else {
            return None;
        };
        let _ = writeln!(out, "{} = \"float64?\"", quoted(feature));
    }
    for Entry { key, .. } in &table(infer, "outputs")?.0 {
        let _ = writeln!(out, "{} = \"float64?\"", quoted(key));
    }
    Some(out)
}

/// Lays added nodes behind those that are there.
fn append(root: &mut Node, added: Node) {
    let (Value::Table(root), Value::Table(added)) = (&mut root.value, added.value) else {
        return;
    };
    for entry in added.0 {
        let Value::Array(nodes) = entry.value.value else {
            continue;
        };
        match root.0.iter_mut().find(|there| there.key == entry.key) {
            Some(there) => {
                if let Value::Array(there) = &mut there.value.value {
                    there.extend(nodes);
                }
            }
            None => root.0.push(Entry {
                key: entry.key,
                key_span: entry.key_span,
                value: Node {
                    span: entry.value.span,
                    value: Value::Array(nodes),
                },
            }),
        }
    }
}

fn table<'t>(of: &'t Table, key: &str) -> Option<&'t Table> {
    match &of.get(key)?.value.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn tables<'t>(of: &'t Table, key: &str) -> impl Iterator<Item = &'t Table> {
    let items = match of.get(key).map(|entry| &entry.value.value) {
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter().filter_map(|item| match &item.value {
        Value::Table(table) => Some(table),
        _ => None,
    })
}

fn text<'t>(of: &'t Table, key: &str) -> Option<&'t str> {
    match &of.get(key)?.value.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn whole(of: &Table, key: &str) -> Option<i64> {
    match &of.get(key)?.value.value {
        Value::Integer(number) => Some(*number),
        _ => None,
    }
}

/// A TOML string or key, whatever is in it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A column in an expression, whatever its name.
fn column(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
