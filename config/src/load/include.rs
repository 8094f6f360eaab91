//! `include = ["common.toml"]`: files merged into one tree.
//!
//! What is included comes first, and the including file wins: tables merge key by key, lists of
//! nodes are joined, everything else is replaced.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::tree::{Node, Table, Value, parse};
use crate::code::Code;
use crate::files::{Files, Finding, Findings, Span};

/// Bytes of one file, at most: a thousand times what a person writes.
const FILE_MAX: u64 = 4 << 20;
/// Files of one topology, at most.
const FILES_MAX: usize = 64;

/// Reads files into one space of offsets.
#[derive(Default)]
pub(crate) struct Loader {
    pub(crate) files: Files,
    pub(crate) findings: Findings,
    /// Files that are being merged, outermost first.
    open: Vec<PathBuf>,
    count: usize,
}

impl Loader {
    /// The text of a file; what prevents reading it is found, at the place that names it.
    pub(crate) fn read(&mut self, path: &Path, named_at: Option<Span>) -> Option<String> {
        match read_text(path) {
            Ok(text) => Some(text),
            Err(cause) => {
                let message = format!("cannot read \"{}\": {cause}", path.display());
                self.findings.push(match named_at {
                    Some(span) => Finding::at(span, Code::UNREADABLE_FILE, message),
                    None => Finding::nowhere(Code::UNREADABLE_FILE, message),
                });
                None
            }
        }
    }

    /// The tree of a text with everything it includes.
    pub(crate) fn merge(&mut self, name: &Path, text: &str) -> Node {
        let base = self.files.add(name, text);
        let mut root = parse(text, base, &self.findings);
        self.count += 1;
        self.open.push(name.into());
        let mut merged: Option<Node> = None;
        for (path, span) in self.includes(&mut root, name) {
            let Some(text) = self.admit(&path, span) else {
                continue;
            };
            let included = self.merge(&path, &text);
            merged = Some(match merged {
                Some(before) => overlay(before, included),
                None => included,
            });
        }
        self.open.pop();
        match merged {
            Some(before) => overlay(before, root),
            None => root,
        }
    }

    /// Takes `include` out of a file and resolves it.
    fn includes(&self, root: &mut Node, name: &Path) -> Vec<(PathBuf, Span)> {
        let Value::Table(table) = &mut root.value else {
            return Vec::new();
        };
        let Some(entry) = table.remove("include") else {
            return Vec::new();
        };
        let mut paths = Vec::new();
        let Value::Array(items) = entry.value.value else {
            self.findings.push(wrong_include(&entry.value));
            return paths;
        };
        for item in items {
            match &item.value {
                Value::String(path) => {
                    let folder = name.parent().unwrap_or(Path::new(""));
                    paths.push((folder.join(path), item.span));
                }
                _ => self.findings.push(wrong_include(&item)),
            }
        }
        paths
    }

    /// The text of an included file, unless it would go in circles.
    fn admit(&mut self, path: &Path, span: Span) -> Option<String> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
        if self.open.iter().any(|open| real(open) == real(path)) {
            let message = format!("\"{}\" includes itself", path.display());
            self.findings
                .push(Finding::at(span, Code::INCLUDE, message));
            return None;
        }
        if self.count >= FILES_MAX {
            let message = format!("more than {FILES_MAX} files");
            self.findings
                .push(Finding::at(span, Code::INCLUDE, message));
            return None;
        }
        self.read(path, Some(span))
    }
}

fn wrong_include(node: &Node) -> Finding {
    let message = format!("expected a list of file names, found {}", node.kind());
    Finding::at(node.span, Code::WRONG_TYPE, message).hint("write include = [\"common.toml\"]")
}

/// Reads a file of at most [`FILE_MAX`] bytes of UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let read = file
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if read as u64 > FILE_MAX {
        return Err(format!("it is larger than {} MiB", FILE_MAX >> 20));
    }
    Ok(text)
}

/// `over` laid upon `under`.
fn overlay(under: Node, over: Node) -> Node {
    let span = over.span;
    let value = match (under.value, over.value) {
        (Value::Table(under), Value::Table(over)) => Value::Table(overlay_table(under, over)),
        (Value::Array(mut under), Value::Array(over)) if is_nodes(&under) && is_nodes(&over) => {
            under.extend(over);
            Value::Array(under)
        }
        (_, over) => over,
    };
    Node { span, value }
}

fn overlay_table(mut under: Table, over: Table) -> Table {
    for entry in over.0 {
        match under.0.iter().position(|before| before.key == entry.key) {
            Some(at) => {
                let before = under.0.remove(at);
                let mut merged = entry;
                merged.value = overlay(before.value, merged.value);
                under.0.insert(at, merged);
            }
            None => under.0.push(entry),
        }
    }
    under
}

/// A list of tables: `[[source]]` and its like.
fn is_nodes(items: &[Node]) -> bool {
    items
        .iter()
        .all(|item| matches!(item.value, Value::Table(_)))
}
