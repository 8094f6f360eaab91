//! The visitors that `serde_json` calls on its way through a text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Field;
use crate::codec::columns::Columns;
use crate::codec::fault::{Fault, code};
use crate::codec::value::{Number, Value};

/// What `serde_json` is told when a column refuses a value; the fault itself lies in [`Target`].
const REFUSED: &str = "refused";

/// Where values go while a text is walked.
pub(super) struct Target<'a> {
    pub(super) columns: &'a mut Columns,
    pub(super) numbers: &'a mut Vec<Number>,
    pub(super) fault: Option<Fault>,
}

impl Target<'_> {
    /// Gives a field's value to its columns.
    fn set<E: Error>(&mut self, field: &Field, value: Value<'_>) -> Result<(), E> {
        if matches!(value, Value::Null) {
            // Whether a column may stay without value shows when the row ends.
            field.unset(self.columns);
            return Ok(());
        }
        if field.columns.is_empty() || !field.fields.is_empty() {
            let fault = self.not_an_object(field, value);
            return self.refuse(fault);
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
pub(super) struct FieldVisitor<'a, 'b> {
    pub(super) field: &'a Field,
    pub(super) target: &'a mut Target<'b>,
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
