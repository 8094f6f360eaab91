//! JSON objects into columns, without a tree of values between.
//!
//! `serde_json` walks the text and calls the visitors below; a field that a column wants is set as
//! it passes, everything else is skipped. Of a field given twice the last counts (each must have
//! the right type). Nesting is bounded: wanted paths by `serde_json`'s depth of 128, skipped values
//! are walked without recursion.

mod walk;

use hashbrown::HashMap;
use serde::de::DeserializeSeed as _;

use config::Column;

use super::columns::Columns;
use super::fault::{Fault, code};
use super::value::Number;
use walk::{FieldVisitor, Target};

/// Objects with more wanted fields than this find them by hash.
const SCANNED_FIELDS_MAX: usize = 16;

/// Reads objects into the columns that it was made for.
#[derive(Debug)]
pub(super) struct JsonParser {
    root: Field,
    numbers: Vec<Number>,
}

/// A wanted field: columns that take its value, or wanted fields inside it. The record itself is
/// a field without name.
#[derive(Debug, Default)]
struct Field {
    name: Option<String>,
    columns: Vec<usize>,
    fields: Vec<Field>,
    by_name: HashMap<String, usize, foldhash::fast::RandomState>,
}

impl JsonParser {
    /// A parser for columns at their paths.
    pub(super) fn new(columns: &[Column]) -> Self {
        let mut root = Field::default();
        for (index, column) in columns.iter().enumerate() {
            root.descendant(&column.path).columns.push(index);
        }
        root.index();
        Self {
            root,
            numbers: Vec::new(),
        }
    }

    /// Reads one object into the row being written, which the caller ends. `line` is the number
    /// of the text's first line, from 1.
    pub(super) fn parse(
        &mut self,
        text: &str,
        line: usize,
        columns: &mut Columns,
    ) -> Result<(), Fault> {
        let mut target = Target {
            columns,
            numbers: &mut self.numbers,
            fault: None,
        };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let walk = FieldVisitor {
            field: &self.root,
            target: &mut target,
        };
        let place = |error: &serde_json::Error| (line + error.line().max(1) - 1, error.column());
        if let Err(error) = walk.deserialize(&mut deserializer) {
            let (line, column) = place(&error);
            return Err(target
                .fault
                .unwrap_or_else(|| syntax(&error))
                .at(line, column));
        }
        deserializer.end().map_err(|error| {
            let (line, column) = place(&error);
            Fault::new(code::JSON_TRAILING, "something follows the JSON object").at(line, column)
        })
    }
}

/// The fault of a text that breaks the grammar, still without its place.
fn syntax(error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::new(code::JSON_TRUNCATED, "the JSON text ends too early");
    }
    // serde_json's message ends with the place, which the caller adds for the whole value.
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    Fault::new(code::JSON_SYNTAX, format!("no JSON: {what}"))
}

impl Field {
    /// The field at a path below this one, made if it is not there.
    fn descendant(&mut self, path: &[String]) -> &mut Self {
        let Some((name, rest)) = path.split_first() else {
            return self;
        };
        let position = self.fields.iter().position(|field| field.is(name));
        let position = position.unwrap_or_else(|| {
            self.fields.push(Self {
                name: Some(name.clone()),
                ..Self::default()
            });
            self.fields.len() - 1
        });
        self.fields[position].descendant(rest)
    }

    fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    fn index(&mut self) {
        for field in &mut self.fields {
            field.index();
        }
        if self.fields.len() > SCANNED_FIELDS_MAX {
            let names = self.fields.iter().filter_map(|field| field.name.clone());
            self.by_name = names.zip(0..).collect();
        }
    }

    /// Position of a wanted field, looked for first where it is if the order is the schema's.
    fn find(&self, name: &str, expected: usize) -> Option<usize> {
        if self.fields.get(expected).is_some_and(|f| f.is(name)) {
            return Some(expected);
        }
        if self.by_name.is_empty() {
            return self.fields.iter().position(|field| field.is(name));
        }
        self.by_name.get(name).copied()
    }

    /// A column that this field or one inside it feeds, to name in a fault.
    fn any_column(&self) -> Option<usize> {
        let inner = || self.fields.iter().find_map(Self::any_column);
        self.columns.first().copied().or_else(inner)
    }

    /// Takes back what an earlier occurrence of this field set.
    fn unset(&self, columns: &mut Columns) {
        for column in &self.columns {
            columns.unset(*column);
        }
        for field in &self.fields {
            field.unset(columns);
        }
    }
}
