//! The classes of a classifier, and the labels of rows.

use crate::onnx::attributes::Attributes;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::value::Value;

/// Labels in the order of the scores.
#[derive(Debug, Clone)]
pub(super) enum Labels {
    Int(Vec<i64>),
    Text(Vec<String>),
}

impl Labels {
    /// Reads the labels from the attributes `<prefix>_int64s` (or `_ints`) and `<prefix>_strings`.
    pub(super) fn read(attributes: Attributes<'_>, ints: &str, texts: &str) -> Result<Self, Fault> {
        let texts = attributes.texts(texts)?;
        if texts.is_empty() {
            Ok(Self::Int(attributes.ints(ints)?.to_vec()))
        } else {
            Ok(Self::Text(texts))
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int(labels) => labels.len(),
            Self::Text(labels) => labels.len(),
        }
    }

    /// Labels `0..count` if none are given.
    pub(super) fn or_numbers(self, count: usize) -> Self {
        match self {
            Self::Int(labels) if labels.is_empty() => {
                Self::Int((0..crate::onnx::shape::integer(count)).collect())
            }
            other => other,
        }
    }

    /// One label for each row: `classes` are positions in the labels.
    pub(super) fn pick(&self, classes: &[usize]) -> Result<Value, Fault> {
        fn picked<T: Clone>(labels: &[T], classes: &[usize]) -> Result<Host<T>, Fault> {
            let mut values = Vec::with_capacity(classes.len());
            for &class in classes {
                match labels.get(class) {
                    Some(label) => values.push(label.clone()),
                    None => refuse!("class {class} of {} has no label", labels.len()),
                }
            }
            Ok(Host::vector(values))
        }
        Ok(match self {
            Self::Int(labels) => Value::Int(picked(labels, classes)?),
            Self::Text(labels) => Value::Text(picked(labels, classes)?),
        })
    }
}
