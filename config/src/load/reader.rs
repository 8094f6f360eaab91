//! From the tree to the types of `raw`: a serde deserializer that does not stop at the first error.
//!
//! It differs from an ordinary one in four ways, each asked for by a name in the `raw` types:
//! - [`KEY`]: a value with its place. If it is wrong or missing, that is found, and reading goes on.
//! - [`SHAPE`]: an enum whose variant is chosen by what the value is (text, number, list, table).
//! - [`KIND`]: an enum whose variant is named by the key `kind` of the same table.
//! - [`REST`]: a field that is read from the same table as its neighbours.
//!
//! Unknown keys of a struct are all found, with the nearest known one.

mod access;
mod error;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, Visitor};

use super::tree::{Node, Table, Value};
use crate::code::Code;
use crate::files::{Finding, Findings, Span};
use crate::nearest::{list, suggest};
use crate::raw::planned;
use access::{Chosen, Entries, Fields, Items, KeyParts};
pub(crate) use error::ReadError;

/// Name of the newtype that carries a value with its place.
pub(crate) const KEY: &str = "$key";
/// Name of enums chosen by the shape of the value: variants `text`, `number`, `flag`, `date`, `list`, `table`.
pub(crate) const SHAPE: &str = "$shape";
/// Name of enums chosen by the key `kind`.
pub(crate) const KIND: &str = "$kind";
/// Name of fields read from the same table.
pub(crate) const REST: &str = "$rest";

/// A place in the tree to read from.
pub(crate) struct Reader<'a> {
    input: Input<'a>,
    /// The value's place, or that of the table that lacks it.
    span: Span,
    /// Keys of this table that someone else reads.
    taken: Vec<&'static str>,
    findings: &'a Findings,
}

#[derive(Clone, Copy)]
enum Input<'a> {
    Node(&'a Node),
    /// The name of an entry, read as a string.
    Name(&'a str),
    /// Nothing where a key of this name could be.
    Absent(&'static str),
}

impl<'a> Reader<'a> {
    /// Reads a whole tree.
    pub(crate) fn new(node: &'a Node, findings: &'a Findings) -> Self {
        Self {
            input: Input::Node(node),
            span: node.span,
            taken: Vec::new(),
            findings,
        }
    }

    fn at(&self, input: Input<'a>, span: Span) -> Self {
        Self {
            input,
            span,
            taken: Vec::new(),
            findings: self.findings,
        }
    }

    fn expected(&self, what: &str) -> ReadError {
        let found = match self.input {
            Input::Node(node) => node.kind(),
            Input::Name(_) => "a key",
            Input::Absent(_) => "nothing",
        };
        ReadError::new(Code::WRONG_TYPE, format!("expected {what}, found {found}"))
    }

    fn value(&self) -> Option<&'a Value> {
        match self.input {
            Input::Node(node) => Some(&node.value),
            Input::Name(_) | Input::Absent(_) => None,
        }
    }

    fn text(&self, what: &str) -> Result<&'a str, ReadError> {
        match self.input {
            Input::Name(name) => Ok(name),
            Input::Node(Node {
                value: Value::String(text) | Value::Datetime(text),
                ..
            }) => Ok(text),
            Input::Node(_) | Input::Absent(_) => Err(self.expected(what)),
        }
    }

    fn table(&self) -> Result<&'a Table, ReadError> {
        match self.value() {
            Some(Value::Table(table)) => Ok(table),
            _ => Err(self.expected("a table")),
        }
    }

    fn integer(&self, what: &str) -> Result<i64, ReadError> {
        match self.value() {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(self.expected(what)),
        }
    }

    /// Finds the keys of a table that are not among `fields`.
    fn refuse_unknown(&self, table: &Table, fields: &'static [&'static str]) {
        let known = || fields.iter().chain(&self.taken).copied();
        for entry in &table.0 {
            if known().any(|field| field == entry.key) {
                continue;
            }
            let finding = if planned::is_key(&entry.key) {
                Finding::at(
                    entry.key_span,
                    Code::NOT_IN_THIS_VERSION,
                    format!("key \"{}\" is not in this version", entry.key),
                )
                .hint(format!("there are: {}", list(fields)))
            } else {
                Finding::at(
                    entry.key_span,
                    Code::UNKNOWN_KEY,
                    format!("unknown key \"{}\"", entry.key),
                )
                .maybe_hint(suggest(&entry.key, "there are", known()))
            };
            self.findings.push(finding);
        }
    }

    fn report(&self, error: ReadError) {
        let span = error.span.unwrap_or(self.span);
        let finding = Finding::at(span, error.code, error.message).maybe_hint(error.hint);
        self.findings.push(finding);
    }
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Some(Value::Integer(number)) => visitor.visit_i64(*number),
            Some(Value::Float(number)) => visitor.visit_f64(*number),
            Some(Value::Bool(truth)) => visitor.visit_bool(*truth),
            Some(Value::Array(_)) => self.deserialize_seq(visitor),
            Some(Value::Table(_)) => self.deserialize_map(visitor),
            Some(Value::String(_) | Value::Datetime(_)) | None => self.deserialize_str(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_borrowed_str(self.text("a string")?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Some(Value::Bool(truth)) => visitor.visit_bool(*truth),
            _ => Err(self.expected("true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let number = self.integer("a whole number")?;
        let number = u64::try_from(number)
            .map_err(|_| ReadError::new(Code::INVALID_VALUE, format!("{number} is negative")))?;
        visitor.visit_u64(number)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let number = self.integer("a whole number")?;
        let number = u32::try_from(number).map_err(|_| {
            let message = format!("{number} is not within 0 to {}", u32::MAX);
            ReadError::new(Code::INVALID_VALUE, message)
        })?;
        visitor.visit_u32(number)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Some(Value::Float(number)) => visitor.visit_f64(*number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a user's number for a rate or a ratio"
            )]
            Some(Value::Integer(number)) => visitor.visit_f64(*number as f64),
            _ => Err(self.expected("a number")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.input {
            Input::Absent(_) => visitor.visit_none(),
            Input::Node(_) | Input::Name(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name != KEY {
            return visitor.visit_newtype_struct(self);
        }
        visitor.visit_seq(KeyParts {
            next: 0,
            reader: self,
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.value() {
            Some(Value::Array(items)) => visitor.visit_seq(Items {
                items: items.iter(),
                reader: self,
            }),
            _ => Err(self.expected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let table = self.table()?;
        visitor.visit_map(Entries {
            table,
            next: 0,
            reader: self,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let table = self.table()?;
        if !fields.contains(&REST) {
            self.refuse_unknown(table, fields);
        }
        visitor.visit_map(Fields {
            table,
            fields,
            next: 0,
            reader: self,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let variant = match name {
            SHAPE => self.variant_by_shape(variants)?,
            KIND => {
                let kind = self.variant_by_kind(variants)?;
                self.taken.push("kind");
                kind
            }
            _ => {
                let word = self.text("a string")?;
                if !variants.contains(&word) {
                    return Err(ReadError::unknown(word, Code::UNKNOWN_VALUE, variants));
                }
                return visitor.visit_enum(BorrowedStrDeserializer::new(word));
            }
        };
        visitor.visit_enum(Chosen {
            variant,
            reader: self,
        })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct
    }
}

impl Reader<'_> {
    fn variant_by_shape(
        &self,
        variants: &'static [&'static str],
    ) -> Result<&'static str, ReadError> {
        let shape = match self.value() {
            Some(Value::String(_)) | None => "text",
            Some(Value::Integer(_) | Value::Float(_)) => "number",
            Some(Value::Bool(_)) => "flag",
            Some(Value::Datetime(_)) => "date",
            Some(Value::Array(_)) => "list",
            Some(Value::Table(_)) => "table",
        };
        variants
            .iter()
            .find(|variant| **variant == shape)
            .copied()
            .ok_or_else(|| {
                let mut named: Vec<&str> = variants.iter().map(|v| with_article(v)).collect();
                let last = named.pop().unwrap_or_default();
                self.expected(&format!("{} or {last}", named.join(", ")))
            })
    }

    fn variant_by_kind(
        &self,
        variants: &'static [&'static str],
    ) -> Result<&'static str, ReadError> {
        let Some(entry) = self.table()?.get("kind") else {
            return Err(ReadError {
                hint: Some(format!("there are: {}", list(variants))),
                ..ReadError::new(Code::MISSING_KEY, "missing key \"kind\"".into())
            });
        };
        let span = entry.value.span;
        let word = self
            .at(Input::Node(&entry.value), span)
            .text("a string")
            .map_err(|error| error.place(span))?;
        variants
            .iter()
            .find(|variant| **variant == word)
            .copied()
            .ok_or_else(|| ReadError::unknown(word, Code::UNKNOWN_KIND, variants).place(span))
    }
}

fn with_article(shape: &str) -> &'static str {
    match shape {
        "number" => "a number",
        "flag" => "true or false",
        "date" => "a date",
        "list" => "a list",
        "table" => "a table",
        _ => "a string",
    }
}
