//! From the tree to the types of `raw`: a serde deserializer that does not stop at the first error.
//!
//! It differs from an ordinary one in four ways, each asked for by a name in the `raw` types:
//! - [`KEY`]: a value with its place. If it is wrong or missing, that is found, and reading goes on.
//! - [`SHAPE`]: an enum whose variant is chosen by what the value is (text, number, list, table).
//! - [`KIND`]: an enum whose variant is named by the key `kind` of the same table.
//! - [`REST`]: a field that is read from the same table as its neighbours.
//!
//! Unknown keys of a struct are all found, with the nearest known one.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{
    self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};

use super::tree::{Node, Table, Value};
use crate::code::Code;
use crate::files::{Finding, Findings, Span};
use crate::nearest::{list, suggest};
use crate::raw::planned;

/// Name of the newtype that carries a value with its place.
pub(crate) const KEY: &str = "$key";
/// Name of enums chosen by the shape of the value: variants `text`, `number`, `flag`, `date`, `list`, `table`.
pub(crate) const SHAPE: &str = "$shape";
/// Name of enums chosen by the key `kind`.
pub(crate) const KIND: &str = "$kind";
/// Name of fields read from the same table.
pub(crate) const REST: &str = "$rest";

/// Why a value could not be read.
#[derive(Debug)]
pub(crate) struct ReadError {
    code: Code,
    message: String,
    hint: Option<String>,
    /// Where, if not at the value that was being read.
    span: Option<Span>,
}

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

impl ReadError {
    fn new(code: Code, message: String) -> Self {
        Self {
            code,
            message,
            hint: None,
            span: None,
        }
    }

    fn unknown(word: &str, kind: bool, variants: &'static [&'static str]) -> Self {
        if planned::is_word(word) {
            return Self {
                hint: Some(format!("there are: {}", list(variants))),
                ..Self::new(
                    Code::NOT_IN_THIS_VERSION,
                    format!("\"{word}\" is not in this version"),
                )
            };
        }
        let (code, what) = if kind {
            (Code::UNKNOWN_KIND, "unknown kind")
        } else {
            (Code::UNKNOWN_VALUE, "unknown value")
        };
        Self {
            hint: suggest(word, "there are", variants.iter().copied()),
            ..Self::new(code, format!("{what} \"{word}\""))
        }
    }

    fn place(mut self, span: Span) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Code::INVALID_VALUE, message.to_string())
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(
            Code::INVALID_VALUE,
            format!("expected {expected}, found {unexpected}"),
        )
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

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
        match name {
            SHAPE => {
                let shape = self.shape();
                let Some(variant) = variants.iter().find(|variant| **variant == shape) else {
                    let mut named: Vec<&str> = variants.iter().map(|v| with_article(v)).collect();
                    let last = named.pop().unwrap_or_default();
                    return Err(self.expected(&format!("{} or {last}", named.join(", "))));
                };
                visitor.visit_enum(Chosen {
                    variant,
                    reader: self,
                })
            }
            KIND => {
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
                let Some(variant) = variants.iter().find(|variant| **variant == word) else {
                    return Err(ReadError::unknown(word, true, variants).place(span));
                };
                self.taken.push("kind");
                visitor.visit_enum(Chosen {
                    variant,
                    reader: self,
                })
            }
            _ => {
                let word = self.text("a string")?;
                if variants.contains(&word) {
                    visitor.visit_enum(BorrowedStrDeserializer::new(word))
                } else {
                    Err(ReadError::unknown(word, false, variants))
                }
            }
        }
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
    fn shape(&self) -> &'static str {
        match self.value() {
            Some(Value::String(_)) | None => "text",
            Some(Value::Integer(_) | Value::Float(_)) => "number",
            Some(Value::Bool(_)) => "flag",
            Some(Value::Datetime(_)) => "date",
            Some(Value::Array(_)) => "list",
            Some(Value::Table(_)) => "table",
        }
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

/// Start, end, and the value if it can be read: what [`KEY`] asks for.
struct KeyParts<'a> {
    next: usize,
    reader: Reader<'a>,
}

impl<'de> SeqAccess<'de> for KeyParts<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        self.next += 1;
        let reader = &mut self.reader;
        let number = |at: usize| -> U64Deserializer<ReadError> { (at as u64).into_deserializer() };
        match (self.next, reader.input) {
            (1, _) => seed.deserialize(number(reader.span.start)).map(Some),
            (2, _) => seed.deserialize(number(reader.span.end)).map(Some),
            (_, Input::Absent(key)) => {
                let message = format!("missing key \"{key}\"");
                reader.report(ReadError::new(Code::MISSING_KEY, message));
                Ok(None)
            }
            (_, input) => {
                let mut inner = reader.at(input, reader.span);
                inner.taken = std::mem::take(&mut reader.taken);
                let value = seed.deserialize(inner);
                Ok(value.map_err(|error| reader.report(error)).ok())
            }
        }
    }
}

struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    reader: Reader<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let reader = self.reader.at(Input::Node(node), node.span);
        let value = seed.deserialize(reader);
        value.map(Some).map_err(|error| error.place(node.span))
    }
}

/// A table of free names.
struct Entries<'a> {
    table: &'a Table,
    next: usize,
    reader: Reader<'a>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.table.0.get(self.next) else {
            return Ok(None);
        };
        let reader = self.reader.at(Input::Name(&entry.key), entry.key_span);
        seed.deserialize(reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let node = &self.table.0[self.next].value;
        self.next += 1;
        let reader = self.reader.at(Input::Node(node), node.span);
        seed.deserialize(reader)
            .map_err(|error| error.place(node.span))
    }
}

/// A table of known names: every field is visited, those that are not there as absent.
struct Fields<'a> {
    table: &'a Table,
    fields: &'static [&'static str],
    next: usize,
    reader: Reader<'a>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some(field) = self.fields.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(field))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let field = self.fields[self.next];
        self.next += 1;
        if field == REST {
            let mut rest = self.reader.at(self.reader.input, self.reader.span);
            rest.taken = self.reader.taken.clone();
            rest.taken
                .extend(self.fields.iter().filter(|field| **field != REST));
            return seed.deserialize(rest);
        }
        match self.table.get(field) {
            Some(entry) => {
                let node = &entry.value;
                let reader = self.reader.at(Input::Node(node), node.span);
                seed.deserialize(reader)
                    .map_err(|error| error.place(node.span))
            }
            None => seed.deserialize(self.reader.at(Input::Absent(field), self.reader.span)),
        }
    }
}

/// An enum's variant, already chosen; its content is the value itself.
struct Chosen<'a> {
    variant: &'static str,
    reader: Reader<'a>,
}

impl<'de> de::EnumAccess<'de> for Chosen<'de> {
    type Error = ReadError;
    type Variant = Reader<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Reader<'de>), ReadError> {
        let variant = seed.deserialize(BorrowedStrDeserializer::<ReadError>::new(self.variant))?;
        Ok((variant, self.reader))
    }
}

impl<'de> de::VariantAccess<'de> for Reader<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        self.refuse_unknown(self.table()?, &[]);
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, ReadError> {
        Err(self.expected("a table"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}
