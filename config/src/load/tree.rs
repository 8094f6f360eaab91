//! A TOML file as a tree in the order of its text, every value with its place.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::code::Code;
use crate::files::{Finding, Findings, Span};

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A TOML value.
#[derive(Clone)]
pub(crate) enum Value {
    String(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// As written; RFC 3339.
    Datetime(String),
    Array(Vec<Node>),
    Table(Table),
}

/// Entries in the order of the text.
#[derive(Clone, Default)]
pub(crate) struct Table(pub(crate) Vec<Entry>);

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::String(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Bool(_) => "a truth value",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
}

impl Table {
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        let at = self.0.iter().position(|entry| entry.key == key)?;
        Some(self.0.remove(at))
    }
}

/// Parses a text that begins at `base`; what is not TOML is found, and the rest returned.
pub(crate) fn parse(text: &str, base: usize, findings: &Findings) -> Node {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for (error, offset) in first_errors(text, errors) {
            let span = shift(&error.span().unwrap_or(0..0), base + offset);
            findings.push(Finding::at(span, Code::SYNTAX, lower(error.message())));
        }
    }
    let span = shift(&document.span(), base);
    let mut builder = Builder { base, findings };
    let value = Value::Table(builder.table(document.into_inner()));
    Node { span, value }
}

/// The errors worth telling. A parser that has lost its way stumbles over every line that follows,
/// so that each part of the file, from one header to the next, is parsed alone, and its first error
/// told. If every part is right in itself, a later one contradicts an earlier one: the whole's first
/// error says so.
fn first_errors(text: &str, all: Vec<Error>) -> Vec<(Error, usize)> {
    let mut firsts = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if is_header(line) {
            firsts.extend(first_error(text, start..end));
            start = end;
        }
        end += line.len();
    }
    firsts.extend(first_error(text, start..end));
    if firsts.is_empty() {
        firsts.extend(all.into_iter().take(1).map(|error| (error, 0)));
    }
    firsts
}

fn first_error(text: &str, part: std::ops::Range<usize>) -> Option<(Error, usize)> {
    let start = part.start;
    let error = DeTable::parse(text.get(part)?).err()?;
    Some((error, start))
}

/// `[table]` or `[[node]]`, and nothing else on its line: no line of a list looks like that.
fn is_header(line: &str) -> bool {
    let code = line.split('#').next().unwrap_or_default().trim_end();
    let inner = code
        .strip_prefix("[[")
        .and_then(|rest| rest.strip_suffix("]]"))
        .or_else(|| {
            code.strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
        });
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    inner.is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
}

/// Parses one value, as after `=`; `None` if it is no TOML value.
pub(crate) fn parse_value(text: &str, base: usize, findings: &Findings) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    Some(Builder { base, findings }.node(value))
}

fn shift(span: &std::ops::Range<usize>, base: usize) -> Span {
    Span {
        start: base + span.start,
        end: base + span.end,
    }
}

/// The library's messages begin with a capital now and then.
fn lower(message: &str) -> String {
    let mut chars = message.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}

struct Builder<'a> {
    base: usize,
    findings: &'a Findings,
}

impl Builder<'_> {
    fn table(&mut self, table: DeTable<'_>) -> Table {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| Entry {
                key_span: shift(&key.span(), self.base),
                key: key.into_inner().into_owned(),
                value: self.node(value),
            })
            .collect();
        // The library sorts by name; the order of columns is the order of the text.
        entries.sort_by_key(|entry| entry.key_span.start);
        Table(entries)
    }

    fn node(&mut self, value: Spanned<DeValue<'_>>) -> Node {
        let span = shift(&value.span(), self.base);
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Integer(number) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix());
                Value::Integer(parsed.unwrap_or_else(|_| self.out_of_range(span)))
            }
            DeValue::Float(number) => {
                let parsed = number.as_str().parse();
                Value::Float(parsed.unwrap_or_else(|_| self.out_of_range(span)))
            }
            DeValue::Boolean(truth) => Value::Bool(truth),
            DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
            DeValue::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { span, value }
    }

    fn out_of_range<T: Default>(&mut self, span: Span) -> T {
        self.findings.push(Finding::at(
            span,
            Code::SYNTAX,
            "the number is out of range",
        ));
        T::default()
    }
}
