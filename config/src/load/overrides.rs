//! `--set key=value`: one key of the tree replaced or added.

use std::path::Path;

use super::tree::{Entry, Node, Table, Value, parse_value};
use crate::code::Code;
use crate::files::{Files, Finding, Findings, Span};
use crate::nearest::suggest;

/// Sets one key. What goes wrong is found, at a place in a file named `--set`.
pub(crate) fn apply(
    root: &mut Node,
    key: &str,
    value: &str,
    files: &mut Files,
    findings: &Findings,
) {
    let base = files.add(Path::new("--set"), &format!("{key}={value}"));
    let span = |start: usize, end: usize| Span {
        start: base + start,
        end: base + end,
    };
    let value_base = base + key.len() + 1;
    let value_span = Span {
        start: value_base,
        end: value_base + value.len(),
    };
    let node = parse_value(value, value_base, findings).unwrap_or_else(|| Node {
        span: value_span,
        value: Value::String(value.into()),
    });
    let mut steps = Vec::new();
    let mut start = 0;
    for step in key.split('.') {
        steps.push((step, span(start, start + step.len())));
        start += step.len() + 1;
    }
    if let Err(finding) = set(root, &steps, node) {
        findings.push(finding);
    }
}

fn set(at: &mut Node, steps: &[(&str, Span)], value: Node) -> Result<(), Finding> {
    let Some(((step, span), rest)) = steps.split_first() else {
        *at = value;
        return Ok(());
    };
    if step.is_empty() {
        let finding = Finding::at(*span, Code::OVERRIDE, "a key is empty");
        return Err(finding.hint("write --set epoch.interval=1s"));
    }
    match &mut at.value {
        Value::Table(table) => set(entry(table, step, *span), rest, value),
        Value::Array(items) => {
            let known: Vec<String> = items.iter().filter_map(id).collect();
            match items
                .iter_mut()
                .find(|item| id(item).as_deref() == Some(step))
            {
                Some(item) => set(item, rest, value),
                None => Err(Finding::at(
                    *span,
                    Code::OVERRIDE,
                    format!("no node has the id \"{step}\""),
                )
                .maybe_hint(suggest(
                    step,
                    "there are",
                    known.iter().map(String::as_str),
                ))),
            }
        }
        _ => {
            let message = format!("there is {} where \"{step}\" should be inside", at.kind());
            Err(Finding::at(*span, Code::OVERRIDE, message))
        }
    }
}

/// The value of a key, made if it is not there.
fn entry<'t>(table: &'t mut Table, key: &str, span: Span) -> &'t mut Node {
    let at = table.0.iter().position(|entry| entry.key == key);
    let at = at.unwrap_or_else(|| {
        table.0.push(Entry {
            key: key.into(),
            key_span: span,
            value: Node {
                span,
                value: Value::Table(Table::default()),
            },
        });
        table.0.len() - 1
    });
    &mut table.0[at].value
}

fn id(node: &Node) -> Option<String> {
    let Value::Table(table) = &node.value else {
        return None;
    };
    match &table.get("id")?.value.value {
        Value::String(id) => Some(id.clone()),
        _ => None,
    }
}
