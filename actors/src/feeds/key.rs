//! Finds the key of a record that is already written in its source's format, so that the topic is
//! partitioned by it. Called for lines of files and pipes, and for records that come over HTTP.
//!
//! The text is the one that the codec makes of the decoded column: a string as it is, an integer in
//! decimal.

use std::fmt;

use bytes::Bytes;
use config::{DataType, Format, Source};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields;

/// Where a source's key stands in its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyReader(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// The source has no key.
    None,
    /// A member of a JSON object, from the outside in.
    Json(Vec<String>),
    /// A field of a comma-separated line.
    Csv { field: usize, integer: bool },
    /// The value itself.
    Whole,
}

impl KeyReader {
    /// The place of the source's key.
    #[must_use]
    pub fn new(source: &Source) -> Self {
        let Some(position) = source.key else {
            return Self(Place::None);
        };
        let column = &source.schema.columns()[position];
        Self(match source.format {
            Format::Json | Format::Ndjson => Place::Json(column.path.clone()),
            Format::Csv => Place::Csv {
                field: position,
                integer: column.data_type == DataType::Int64,
            },
            Format::Raw => Place::Whole,
        })
    }

    /// The key's text; `None` if the source has no key, or the value none that can be read. Such a
    /// record will not decode either.
    #[must_use]
    pub fn key(&self, value: &[u8]) -> Option<Bytes> {
        match &self.0 {
            Place::None => None,
            Place::Json(path) => {
                let mut deserializer = serde_json::Deserializer::from_slice(value);
                let text = Member(path).deserialize(&mut deserializer).ok()??;
                Some(Bytes::from(text))
            }
            Place::Csv { field, integer } => {
                let mut all = Vec::new();
                let well_formed = fields::split(value, &mut all);
                let field = all.get(*field).filter(|_| well_formed)?;
                Some(Bytes::from(text_of_field(&field.text(value), *integer)))
            }
            Place::Whole => Some(Bytes::copy_from_slice(value)),
        }
    }
}

/// Key text of a comma-separated field: an integer loses leading zeros and a plus sign.
pub(super) fn text_of_field(field: &[u8], integer: bool) -> Vec<u8> {
    let number = std::str::from_utf8(field)
        .ok()
        .filter(|_| integer)
        .and_then(|text| text.trim().parse::<i64>().ok());
    match number {
        Some(number) => number.to_string().into_bytes(),
        None => field.to_vec(),
    }
}

/// Reads the scalar at a path as text, `None` if it is missing, NULL or no scalar, without building
/// the rest of the object. The last member of a name counts, as in serde's maps.
#[derive(Clone, Copy)]
struct Member<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_next) = map.next_key_seed(IsNext(self.0.first()))? {
            if is_next {
                found = map.next_value_seed(Member(&self.0[1..]))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| number.to_string()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.0.is_empty().then(|| value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Compares a member's name without keeping it.
struct IsNext<'a>(Option<&'a String>);

impl<'de> DeserializeSeed<'de> for IsNext<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for IsNext<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(self.0.is_some_and(|wanted| wanted == name))
    }
}
