//! `${env:NAME}`, `${env:NAME:-default}` and `${file:path}` inside the file's strings.
//!
//! What comes from outside may be a secret: it is remembered, so that no message spells it out.

use std::path::Path;

use super::include::read_text;
use super::tree::{Node, Value};
use crate::code::Code;
use crate::files::{Files, Finding, Findings, Span};

/// Shorter values are not hidden in messages: they would turn up in every word.
const SECRET_MIN: usize = 4;

/// Replaces references in a tree.
pub(crate) struct Substitution<'a> {
    files: &'a Files,
    findings: &'a Findings,
    environment: &'a dyn Fn(&str) -> Option<String>,
    secrets: Vec<(String, String)>,
}

impl<'a> Substitution<'a> {
    pub(crate) fn new(
        files: &'a Files,
        findings: &'a Findings,
        environment: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            files,
            findings,
            environment,
            secrets: Vec::new(),
        }
    }

    /// Replaces all references of a tree.
    pub(crate) fn apply(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::String(text) => {
                if text.contains("${") {
                    *text = self.replace(text, node.span);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.apply(item);
                }
            }
            Value::Table(table) => {
                for entry in &mut table.0 {
                    self.apply(&mut entry.value);
                }
            }
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) | Value::Datetime(_) => {}
        }
    }

    /// Values that came from outside, each with the reference that stands for it; longest first, so
    /// that none is torn apart by another.
    pub(crate) fn secrets(mut self) -> Vec<(String, String)> {
        self.secrets.retain(|(value, _)| value.len() >= SECRET_MIN);
        self.secrets
            .sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        self.secrets
    }

    fn replace(&mut self, text: &str, span: Span) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, reference)) = rest.split_once("${") {
            out.push_str(before);
            let Some((inner, after)) = reference.split_once('}') else {
                self.findings.push(
                    Finding::at(span, Code::SUBSTITUTION, "\"${\" is not closed")
                        .hint("write ${env:NAME}, ${env:NAME:-default} or ${file:path}"),
                );
                return out;
            };
            out.push_str(&self.resolve(inner, span));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn resolve(&mut self, inner: &str, span: Span) -> String {
        let found = match inner.split_once(':') {
            Some(("env", name)) => match name.split_once(":-") {
                Some((name, default)) => match (self.environment)(name) {
                    Some(value) => Ok(value),
                    // The default stands in the file: no secret.
                    None => return default.into(),
                },
                None => (self.environment)(name).ok_or_else(|| {
                    (
                        format!("environment variable \"{name}\" is not set"),
                        format!("set it, or give a default: ${{env:{name}:-value}}"),
                    )
                }),
            },
            Some(("file", path)) => {
                let folder = self.files.name(span).and_then(Path::parent);
                let path = folder.unwrap_or(Path::new("")).join(path);
                // An editor ends the last line; that is no part of a secret.
                let text = read_text(&path).map(|text| text.trim_end_matches(['\r', '\n']).into());
                text.map_err(|cause| {
                    let message = format!("cannot read \"{}\": {cause}", path.display());
                    (
                        message,
                        "paths are relative to the file that names them".into(),
                    )
                })
            }
            _ => Err((
                format!("unknown reference \"${{{inner}}}\""),
                "write ${env:NAME}, ${env:NAME:-default} or ${file:path}".into(),
            )),
        };
        match found {
            Ok(value) => {
                self.secrets.push((value.clone(), format!("${{{inner}}}")));
                value
            }
            Err((message, hint)) => {
                self.findings
                    .push(Finding::at(span, Code::SUBSTITUTION, message).hint(hint));
                String::new()
            }
        }
    }
}
