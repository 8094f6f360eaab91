//! `= <> < <= > >=`, `like`, `is null`, `not`. Floats compare as SQL has it (0.0 = -0.0), not by
//! Arrow's total order; texts compare by code point.

use std::sync::Arc;

use arrow_array::BooleanArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::value::{Value, downcast, predicate};

/// A comparison of two values of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// `left operator right`, NULL if either is.
pub(super) fn compare(
    operator: Comparison,
    left: &Value,
    right: &Value,
) -> Result<Value, ArrowError> {
    match left.array().data_type() {
        ArrowType::Float64 => {
            let f = ordered::<f64>(operator);
            predicate::<Float64Type>(left, right, f)
        }
        ArrowType::Float32 => {
            let f = ordered::<f32>(operator);
            predicate::<Float32Type>(left, right, f)
        }
        ArrowType::Int64 => predicate::<Int64Type>(left, right, ordered::<i64>(operator)),
        ArrowType::Timestamp(..) => {
            predicate::<TimestampMillisecondType>(left, right, ordered::<i64>(operator))
        }
        _ => {
            let result = match operator {
                Comparison::Equal => arrow_ord::cmp::eq(left, right),
                Comparison::NotEqual => arrow_ord::cmp::neq(left, right),
                Comparison::Less => arrow_ord::cmp::lt(left, right),
                Comparison::LessOrEqual => arrow_ord::cmp::lt_eq(left, right),
                Comparison::Greater => arrow_ord::cmp::gt(left, right),
                Comparison::GreaterOrEqual => arrow_ord::cmp::gt_eq(left, right),
            }?;
            Ok(Value::like(&[left, right], Arc::new(result)))
        }
    }
}

/// `value like pattern`, case-sensitive, `\` escapes.
pub(super) fn like(value: &Value, pattern: &Value) -> Result<Value, ArrowError> {
    let result = arrow_string::like::like(value, pattern)?;
    Ok(Value::like(&[value, pattern], Arc::new(result)))
}

/// `value is null`; never NULL itself.
pub(super) fn is_null(value: &Value) -> Result<Value, ArrowError> {
    value.map(|array| Ok(Arc::new(arrow_arith::boolean::is_null(array)?)))
}

/// `not value`
pub(super) fn not(value: &Value) -> Result<Value, ArrowError> {
    value.map(|array| {
        let truth = downcast::<BooleanArray>(array)?;
        Ok(Arc::new(arrow_arith::boolean::not(truth)?))
    })
}

fn ordered<T: PartialOrd>(operator: Comparison) -> fn(T, T) -> bool {
    match operator {
        Comparison::Equal => |x, y| x == y,
        Comparison::NotEqual => |x, y| x != y,
        Comparison::Less => |x, y| x < y,
        Comparison::LessOrEqual => |x, y| x <= y,
        Comparison::Greater => |x, y| x > y,
        Comparison::GreaterOrEqual => |x, y| x >= y,
    }
}
