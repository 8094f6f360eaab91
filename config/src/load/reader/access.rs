//! What serde asks a [`Reader`] for, step by step: elements, entries, fields, variants.

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::{Input, REST, ReadError, Reader};
use crate::code::Code;
use crate::load::tree::{Node, Table};

/// Start, end, and the value if it can be read: what [`super::KEY`] asks for.
pub(super) struct KeyParts<'a> {
    pub(super) next: usize,
    pub(super) reader: Reader<'a>,
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

pub(super) struct Items<'a> {
    pub(super) items: std::slice::Iter<'a, Node>,
    pub(super) reader: Reader<'a>,
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
pub(super) struct Entries<'a> {
    pub(super) table: &'a Table,
    pub(super) next: usize,
    pub(super) reader: Reader<'a>,
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
pub(super) struct Fields<'a> {
    pub(super) table: &'a Table,
    pub(super) fields: &'static [&'static str],
    pub(super) next: usize,
    pub(super) reader: Reader<'a>,
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
pub(super) struct Chosen<'a> {
    pub(super) variant: &'static str,
    pub(super) reader: Reader<'a>,
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
