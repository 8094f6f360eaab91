//! Comma-separated lines (RFC 4180) into columns: one line a record, fields in the schema's order.
//!
//! A field without anything is NULL; `""` is a text of length 0, and so is an empty field of a text
//! column that cannot be NULL. Blanks around anything but text do not matter. Vectors are written
//! `"[1,2,3]"`, bytes as hexadecimal digits, times as in JSON.

use std::borrow::Cow;

use config::{Column, DataType, Schema};

use super::columns::Columns;
use super::fault::{Fault, code};
use super::value::{Number, Value, refusal};

/// Reads lines of one schema into the columns that are used.
#[derive(Debug)]
pub(super) struct CsvParser {
    /// For each field of a line, the column that takes it.
    fields: Vec<Option<usize>>,
}

/// One field of a line.
struct Field<'a> {
    text: Cow<'a, str>,
    quoted: bool,
    /// The rest of the line behind the comma, if there is one.
    rest: Option<&'a str>,
}

impl CsvParser {
    /// A parser for lines of `schema`, of which the columns at `used` are kept, in their order.
    pub(super) fn new(schema: &Schema, used: &[usize]) -> Self {
        let place = |field: usize| used.iter().position(|u| *u == field);
        Self {
            fields: (0..schema.columns().len()).map(place).collect(),
        }
    }

    /// Whether a line without any bytes is one.
    pub(super) fn takes_empty_lines(&self) -> bool {
        self.fields.len() == 1
    }

    /// Reads one line into the row being written, which the caller ends.
    pub(super) fn parse(&self, line: &str, columns: &mut Columns) -> Result<(), Fault> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut rest = Some(line);
        for (number, target) in self.fields.iter().enumerate() {
            let Some(text) = rest else {
                return Err(self.field_count(&number.to_string()));
            };
            let column = line.len() - text.len() + 1;
            let field = split(text).map_err(|fault| fault.at(1, column))?;
            if let Some(index) = target {
                set(columns, *index, &field).map_err(|fault| fault.at(1, column))?;
            }
            rest = field.rest;
        }
        match rest {
            None => Ok(()),
            Some(_) => Err(self.field_count("more")),
        }
    }

    fn field_count(&self, found: &str) -> Fault {
        let expected = self.fields.len();
        let reason = format!("the schema has {expected} columns, found {found} fields");
        Fault::new(code::CSV_FIELDS, reason)
    }
}

/// The first field of a line.
fn split(line: &str) -> Result<Field<'_>, Fault> {
    if let Some(inside) = line.strip_prefix('"') {
        return split_quoted(inside);
    }
    let end = line.bytes().position(|b| matches!(b, b',' | b'\n' | b'\r'));
    let (text, rest) = match end {
        None => (line, None),
        Some(end) => {
            let (text, rest) = line.split_at(end);
            let Some(rest) = rest.strip_prefix(',') else {
                return Err(Fault::new(code::CSV_SYNTAX, "line break outside quotes"));
            };
            (text, Some(rest))
        }
    };
    Ok(Field {
        text: Cow::Borrowed(text),
        quoted: false,
        rest,
    })
}

/// The first field of a line whose opening quote is cut off. A quote inside is written twice.
fn split_quoted(inside: &str) -> Result<Field<'_>, Fault> {
    let mut text = Cow::Borrowed("");
    let mut tail = inside;
    loop {
        let Some((part, after)) = tail.split_once('"') else {
            return Err(Fault::new(code::CSV_SYNTAX, "a quote stays open"));
        };
        text += part;
        let rest = match after.chars().next() {
            None => None,
            Some(',') => after.get(1..),
            Some('"') => {
                text += "\"";
                tail = after.get(1..).unwrap_or_default();
                continue;
            }
            Some(_) => return Err(Fault::new(code::CSV_SYNTAX, "text follows a closing quote")),
        };
        return Ok(Field {
            text,
            quoted: true,
            rest,
        });
    }
}

fn set(columns: &mut Columns, index: usize, field: &Field<'_>) -> Result<(), Fault> {
    let column = columns.column(index);
    let text = &*field.text;
    let is_text = column.data_type == DataType::String;
    if text.is_empty() && !field.quoted && (column.nullable || !is_text) {
        return columns.set(index, Value::Null);
    }
    if let DataType::Vector { .. } = column.data_type {
        let numbers = numbers(column, text)?;
        return columns.set(index, Value::Numbers(&numbers));
    }
    let value = match column.data_type {
        DataType::String | DataType::Bytes | DataType::Vector { .. } => Value::Text(text),
        DataType::Bool => match text.trim_ascii() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            other => Value::Text(other),
        },
        DataType::Int64 | DataType::Float64 | DataType::Float32 | DataType::Timestamp => {
            let text = text.trim_ascii();
            number(text).map_or(Value::Text(text), Value::Number)
        }
    };
    columns.set(index, value)
}

/// A finite number in text.
fn number(text: &str) -> Option<Number> {
    if let Ok(integer) = text.parse() {
        return Some(Number::Integer(integer));
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Number::Float(float))
}

/// The numbers of `[1,2,3]`.
fn numbers(column: &Column, text: &str) -> Result<Vec<Number>, Fault> {
    let list = text.trim_ascii().strip_prefix('[');
    let list = list.and_then(|list| list.strip_suffix(']'));
    let numbers = list.map(|list| list.split(',').map(|n| number(n.trim_ascii())));
    numbers
        .and_then(Iterator::collect)
        .ok_or_else(|| refusal(column, Value::Text(text), code::WRONG_TYPE))
}
