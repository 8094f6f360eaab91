//! Functions of texts. Positions and lengths count characters, not bytes.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, BooleanArray, Int64Array, PrimitiveArray, StringArray};
use arrow_schema::ArrowError;
use config::Function;
use regex::Regex;

use super::value::{Input, Texts, Value, downcast};

/// A function of texts; NULL if any argument is.
pub(super) fn call(
    function: Function,
    arguments: &[Value],
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    match (function, arguments) {
        (Function::Lower, [text]) => map(text, str::to_lowercase),
        (Function::Upper, [text]) => map(text, str::to_uppercase),
        (Function::Trim, [text]) => map(text, |text| text.trim_matches(' ').to_owned()),
        (Function::Length, [text]) => length(text),
        (Function::Substr, [text, from, count @ ..]) => substr(text, from, count.first(), input),
        (Function::Concat, parts) => concat(parts, input),
        (Function::Replace, [text, from, to]) => replace(text, from, to, input),
        (Function::StartsWith, [text, prefix]) => {
            let result = arrow_string::like::starts_with(text, prefix)?;
            Ok(Value::like(&[text, prefix], Arc::new(result)))
        }
        (other, arguments) => Err(ArrowError::InvalidArgumentError(format!(
            "{other:?} of texts does not take {} arguments",
            arguments.len()
        ))),
    }
}

/// Whether the pattern is found somewhere in the text.
pub(super) fn regexp_like(
    text: &Value,
    pattern: &Result<Regex, String>,
) -> Result<Value, ArrowError> {
    let pattern = pattern
        .as_ref()
        .map_err(|e| ArrowError::InvalidArgumentError(format!("regexp_like: {e}")))?;
    text.map(|array| {
        let texts = downcast::<StringArray>(array)?;
        let found = texts
            .iter()
            .map(|text| text.map(|text| pattern.is_match(text)));
        Ok(Arc::new(found.collect::<BooleanArray>()))
    })
}

fn map(text: &Value, f: impl Fn(&str) -> String) -> Result<Value, ArrowError> {
    text.map(|array| {
        let texts = downcast::<StringArray>(array)?;
        let mapped = texts.iter().map(|text| text.map(&f));
        Ok(Arc::new(mapped.collect::<StringArray>()))
    })
}

fn length(text: &Value) -> Result<Value, ArrowError> {
    text.map(|array| {
        let texts = downcast::<StringArray>(array)?;
        let lengths = texts
            .iter()
            .map(|text| text.map(|text| text.chars().count() as i64));
        Ok(Arc::new(lengths.collect::<Int64Array>()))
    })
}

/// Rows to compute for these operands: one if all are constants.
fn rows(operands: &[&Value], input: &Input<'_>) -> usize {
    if operands.iter().all(|operand| operand.is_scalar()) {
        1
    } else {
        input.rows()
    }
}

/// Characters from position `from` (the first is 1), at most `count`, as PostgreSQL has it:
/// positions before the first count but hold nothing. A negative count gives NULL.
fn substr(
    text: &Value,
    from: &Value,
    count: Option<&Value>,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let mut operands = vec![text, from];
    operands.extend(count);
    let texts = Texts::new(text)?;
    let froms = Integers::new(from)?;
    let counts = count.map(Integers::new).transpose()?;
    let one = |row: usize| {
        let (text, from) = (texts.get(row)?, froms.get(row)?);
        let end = match &counts {
            Some(counts) => from.saturating_add(non_negative(counts.get(row)?)?),
            None => i64::MAX,
        };
        let start = from.max(1);
        let skip = usize::try_from(start - 1).ok()?;
        let take = usize::try_from(end.saturating_sub(start).max(0)).ok()?;
        Some(text.chars().skip(skip).take(take).collect::<String>())
    };
    let result: StringArray = (0..rows(&operands, input)).map(one).collect();
    Ok(Value::like(&operands, Arc::new(result)))
}

fn non_negative(count: i64) -> Option<i64> {
    (count >= 0).then_some(count)
}

fn concat(parts: &[Value], input: &Input<'_>) -> Result<Value, ArrowError> {
    let operands: Vec<&Value> = parts.iter().collect();
    let texts = parts
        .iter()
        .map(Texts::new)
        .collect::<Result<Vec<_>, _>>()?;
    let one = |row: usize| {
        let parts = texts.iter().map(|texts| texts.get(row));
        parts.collect::<Option<String>>()
    };
    let result: StringArray = (0..rows(&operands, input)).map(one).collect();
    Ok(Value::like(&operands, Arc::new(result)))
}

/// Every occurrence of `from`; nothing occurs if `from` is empty.
fn replace(text: &Value, from: &Value, to: &Value, input: &Input<'_>) -> Result<Value, ArrowError> {
    let operands = [text, from, to];
    let (texts, froms, tos) = (Texts::new(text)?, Texts::new(from)?, Texts::new(to)?);
    let one = |row: usize| {
        let (text, from, to) = (texts.get(row)?, froms.get(row)?, tos.get(row)?);
        Some(if from.is_empty() {
            text.to_owned()
        } else {
            text.replace(from, to)
        })
    };
    let result: StringArray = (0..rows(&operands, input)).map(one).collect();
    Ok(Value::like(&operands, Arc::new(result)))
}

/// The integers of a value, by row.
struct Integers<'a> {
    array: &'a PrimitiveArray<Int64Type>,
    scalar: bool,
}

impl<'a> Integers<'a> {
    fn new(value: &'a Value) -> Result<Self, ArrowError> {
        let array = value.primitive()?;
        let scalar = value.is_scalar();
        Ok(Self { array, scalar })
    }

    fn get(&self, row: usize) -> Option<i64> {
        let row = if self.scalar { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}
