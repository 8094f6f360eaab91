//! Attributes of a node, with ONNX's defaults named where they are read.

use super::fault::{Fault, refuse};
use super::initializer;
use super::proto::{AttributeProto, TensorProto};
use super::value::Value;

/// A node's attributes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(&'a [AttributeProto]);

/// `AttributeProto.AttributeType` of what is read here.
mod kind {
    pub(super) const FLOAT: i32 = 1;
    pub(super) const INT: i32 = 2;
    pub(super) const STRING: i32 = 3;
    pub(super) const TENSOR: i32 = 4;
    pub(super) const FLOATS: i32 = 6;
    pub(super) const INTS: i32 = 7;
    pub(super) const STRINGS: i32 = 8;
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(attributes: &'a [AttributeProto]) -> Self {
        Self(attributes)
    }

    /// The attribute of this name, whose type must be `kind` (files before IR version 2 do not tell it).
    fn find(self, name: &str, kind: i32) -> Result<Option<&'a AttributeProto>, Fault> {
        let Some(found) = self.0.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        if found.kind != kind && found.kind != 0 {
            refuse!("attribute \"{name}\" is of type {}, not {kind}", found.kind);
        }
        Ok(Some(found))
    }

    /// Whether the node has it at all.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.iter().any(|attribute| attribute.name == name)
    }

    pub(crate) fn float(self, name: &str, default: f32) -> Result<f32, Fault> {
        Ok(self
            .find(name, kind::FLOAT)?
            .map_or(default, |found| found.f))
    }

    pub(crate) fn optional_int(self, name: &str) -> Result<Option<i64>, Fault> {
        Ok(self.find(name, kind::INT)?.map(|found| found.i))
    }

    pub(crate) fn int(self, name: &str, default: i64) -> Result<i64, Fault> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    pub(crate) fn flag(self, name: &str, default: bool) -> Result<bool, Fault> {
        Ok(self.int(name, i64::from(default))? != 0)
    }

    pub(crate) fn text(self, name: &str, default: &str) -> Result<String, Fault> {
        match self.find(name, kind::STRING)? {
            Some(found) => utf8(name, &found.s),
            None => Ok(default.into()),
        }
    }

    /// Empty if absent, as for all lists.
    pub(crate) fn floats(self, name: &str) -> Result<&'a [f32], Fault> {
        Ok(self
            .find(name, kind::FLOATS)?
            .map_or(&[], |found| &found.floats))
    }

    pub(crate) fn ints(self, name: &str) -> Result<&'a [i64], Fault> {
        Ok(self
            .find(name, kind::INTS)?
            .map_or(&[], |found| &found.ints))
    }

    pub(crate) fn optional_ints(self, name: &str) -> Result<Option<&'a [i64]>, Fault> {
        Ok(self.find(name, kind::INTS)?.map(|found| &*found.ints))
    }

    pub(crate) fn texts(self, name: &str) -> Result<Vec<String>, Fault> {
        let Some(found) = self.find(name, kind::STRINGS)? else {
            return Ok(Vec::new());
        };
        found.strings.iter().map(|text| utf8(name, text)).collect()
    }

    pub(crate) fn tensor(self, name: &str) -> Result<Option<&'a TensorProto>, Fault> {
        Ok(self
            .find(name, kind::TENSOR)?
            .and_then(|found| found.t.as_ref()))
    }

    /// A tensor of floats, given whole or as the list `name`: newer versions of `ai.onnx.ml` have both.
    pub(crate) fn floats_or_tensor(self, name: &str, tensor: &str) -> Result<Vec<f32>, Fault> {
        match self.tensor(tensor)? {
            None => Ok(self.floats(name)?.to_vec()),
            Some(proto) => match initializer::read(proto)? {
                Value::Float(float) => Ok(float.into_host()?.into_parts().1),
                other => refuse!("attribute \"{tensor}\" holds {}, not floats", other.kind()),
            },
        }
    }
}

fn utf8(name: &str, bytes: &[u8]) -> Result<String, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) => refuse!("attribute \"{name}\" is not UTF-8"),
    }
}
