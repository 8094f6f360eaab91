//! JSON objects into columns, without a tree of values between.
//!
//! `serde_json` walks the text and calls the visitors below; a field that a column wants is set as
//! it passes, everything else is skipped. Of a field given twice the last counts (each must have
//! the right type). Nesting is bounded: wanted paths by `serde_json`'s depth of 128, skipped values
//! are walked without recursion.

use std::fmt;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use config::Column;

use super::columns::Columns;
use super::fault::{Fault, code};
use super::value::{Number, Value};

/// Objects with more wanted fields than this find them by hash.
const SCANNED_FIELDS_MAX: usize = 16;

/// What `serde_json` is told when a column refuses a value; the fault itself lies in [`Target`].
const REFUSED: &str = "refused";

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

/// Where values go while a text is walked.
struct Target<'a> {
    columns: &'a mut Columns,
    numbers: &'a mut Vec<Number>,
    fault: Option<Fault>,
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

impl Target<'_> {
    /// Gives a field's value to its columns.
    fn set<E: Error>(&mut self, field: &Field, value: Value<'_>) -> Result<(), E> {
        if !matches!(value, Value::Null) && (field.columns.is_empty() || !field.fields.is_empty()) {
            let fault = self.not_an_object(field, value);
            return self.refuse(fault);
        }
        if matches!(value, Value::Null) {
            // Whether a column may stay without value shows when the row ends.
            field.unset(self.columns);
            return Ok(());
        }
        for column in &field.columns {
            if let Err(fault) = self.columns.set(*column, value) {
                return self.refuse(fault);
            }
        }
        Ok(())
    }

    fn refuse<E: Error>(&mut self, fault: Fault) -> Result<(), E> {
        self.fault = Some(fault);
        Err(E::custom(REFUSED))
    }

    /// The fault of a vector with an element that is no number.
    fn not_a_number(&self, field: &Field, found: Value<'_>) -> Fault {
        let place = self.numbers.len();
        let what = format!("found {found} as element {place}");
        self.vector_fault(field, code::WRONG_TYPE, &what)
    }

    fn too_long(&self, field: &Field) -> Fault {
        self.vector_fault(field, code::WRONG_LENGTH, "found more numbers")
    }

    fn vector_fault(&self, field: &Field, code: &'static str, found: &str) -> Fault {
        let columns = field.columns.iter().map(|c| self.columns.column(*c));
        let described = columns.map(|c| format!("column \"{}\" is {}", c.name, c.data_type));
        let columns: Vec<String> = described.collect();
        Fault::new(code, format!("{}, {found}", columns.join(", ")))
    }

    fn not_an_object(&self, field: &Field, found: Value<'_>) -> Fault {
        let reason = match (&field.name, field.any_column()) {
            (Some(name), Some(column)) => format!(
                "column \"{}\" lies in the object \"{name}\", found {found}",
                self.columns.column(column).name,
            ),
            _ => format!("a record is an object, found {found}"),
        };
        Fault::new(code::NOT_AN_OBJECT, reason)
    }
}

/// Takes the value of one wanted field; at the root, of the record.
struct FieldVisitor<'a, 'b> {
    field: &'a Field,
    target: &'a mut Target<'b>,
}

impl<'de> DeserializeSeed<'de> for FieldVisitor<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.field.name.is_none() {
            let fault = self.target.not_an_object(self.field, Value::Null);
            return self.target.refuse(fault);
        }
        self.target.set(self.field, Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.target.set(self.field, Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.target
            .set(self.field, Value::Number(Number::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.target
            .set(self.field, Value::Number(Number::from_u64(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.target
            .set(self.field, Value::Number(Number::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.target.set(self.field, Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let columns = &self.target.columns;
        let lengths = self.field.columns.iter().map(|c| columns.vector_length(*c));
        let Some(length) = lengths.flatten().max() else {
            return self.target.set(self.field, Value::List);
        };
        self.target.numbers.clear();
        loop {
            if self.target.numbers.len() > length {
                let fault = self.target.too_long(self.field);
                return self.target.refuse(fault);
            }
            let element = ElementVisitor {
                field: self.field,
                target: self.target,
            };
            if list.next_element_seed(element)?.is_none() {
                break;
            }
        }
        let numbers = std::mem::take(self.target.numbers);
        let set = self.target.set(self.field, Value::Numbers(&numbers));
        *self.target.numbers = numbers;
        set
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { field, target } = self;
        if field.fields.is_empty() && field.name.is_some() {
            return target.set(field, Value::Object);
        }
        field.unset(target.columns);
        let mut expected = 0;
        while let Some(found) = object.next_key_seed(NameVisitor { field, expected })? {
            let Some(position) = found else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            expected = position + 1;
            object.next_value_seed(FieldVisitor {
                field: &field.fields[position],
                target: &mut *target,
            })?;
        }
        Ok(())
    }
}

/// Finds the wanted field that a name stands for.
struct NameVisitor<'a> {
    field: &'a Field,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for NameVisitor<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameVisitor<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.field.find(name, self.expected))
    }
}

/// Takes one element of a list that is to be a vector.
struct ElementVisitor<'a, 'b> {
    field: &'a Field,
    target: &'a mut Target<'b>,
}

impl ElementVisitor<'_, '_> {
    fn push<E>(self, number: Number) -> Result<(), E> {
        self.target.numbers.push(number);
        Ok(())
    }

    fn refuse<E: Error>(self, found: Value<'_>) -> Result<(), E> {
        let fault = self.target.not_a_number(self.field, found);
        self.target.refuse(fault)
    }
}

impl<'de> DeserializeSeed<'de> for ElementVisitor<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push(Number::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push(Number::from_u64(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push(Number::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.refuse(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.refuse(Value::Bool(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.refuse(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse(Value::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse(Value::Object)
    }
}
