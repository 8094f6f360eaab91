//! `+ - * / %` and `-x`. Integers that overflow, division by zero and floats that are not finite are
//! NULL, and counted.

use arrow_array::types::{Float32Type, Float64Type, Int64Type, TimestampMillisecondType};
use arrow_schema::{ArrowError, DataType as ArrowType};

use super::compile::Arithmetic;
use super::value::{Input, Value, binary as pairs, unary};

/// `left operator right`; both of one type.
pub(super) fn binary(
    operator: Arithmetic,
    left: &Value,
    right: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    match left.array().data_type() {
        ArrowType::Int64 => integers(operator, left, right, input),
        ArrowType::Float64 => floats(operator, left, right, input),
        ArrowType::Float32 => singles(operator, left, right, input),
        ArrowType::Timestamp(..) if operator == Arithmetic::Subtract => {
            pairs::<TimestampMillisecondType, Int64Type>(left, right, input, i64::checked_sub)
        }
        other => Err(no_arithmetic(other)),
    }
}

/// `-x`
pub(super) fn negate(operand: &Value, input: &Input<'_>) -> Result<Value, ArrowError> {
    match operand.array().data_type() {
        ArrowType::Int64 => unary::<Int64Type, Int64Type>(operand, input, i64::checked_neg),
        ArrowType::Float64 => unary::<Float64Type, Float64Type>(operand, input, |x| Some(-x)),
        ArrowType::Float32 => unary::<Float32Type, Float32Type>(operand, input, |x| Some(-x)),
        other => Err(no_arithmetic(other)),
    }
}

pub(super) fn no_arithmetic(data_type: &ArrowType) -> ArrowError {
    ArrowError::SchemaError(format!("no arithmetic is defined on {data_type}"))
}

fn integers(
    operator: Arithmetic,
    left: &Value,
    right: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let f = match operator {
        Arithmetic::Add => i64::checked_add,
        Arithmetic::Subtract => i64::checked_sub,
        Arithmetic::Multiply => i64::checked_mul,
        Arithmetic::Divide => i64::checked_div,
        // The remainder of the smallest integer by -1 is 0, though the quotient overflows.
        Arithmetic::Modulo => |x: i64, y: i64| (y != 0).then(|| x.wrapping_rem(y)),
    };
    pairs::<Int64Type, Int64Type>(left, right, input, f)
}

fn floats(
    operator: Arithmetic,
    left: &Value,
    right: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    type F = Float64Type;
    let finite = |x: f64| x.is_finite().then_some(x);
    match operator {
        Arithmetic::Add => pairs::<F, F>(left, right, input, |x, y| finite(x + y)),
        Arithmetic::Subtract => pairs::<F, F>(left, right, input, |x, y| finite(x - y)),
        Arithmetic::Multiply => pairs::<F, F>(left, right, input, |x, y| finite(x * y)),
        Arithmetic::Divide => pairs::<F, F>(left, right, input, |x, y| finite(x / y)),
        Arithmetic::Modulo => pairs::<F, F>(left, right, input, |x, y| finite(x % y)),
    }
}

fn singles(
    operator: Arithmetic,
    left: &Value,
    right: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    type F = Float32Type;
    let finite = |x: f32| x.is_finite().then_some(x);
    match operator {
        Arithmetic::Add => pairs::<F, F>(left, right, input, |x, y| finite(x + y)),
        Arithmetic::Subtract => pairs::<F, F>(left, right, input, |x, y| finite(x - y)),
        Arithmetic::Multiply => pairs::<F, F>(left, right, input, |x, y| finite(x * y)),
        Arithmetic::Divide => pairs::<F, F>(left, right, input, |x, y| finite(x / y)),
        Arithmetic::Modulo => pairs::<F, F>(left, right, input, |x, y| finite(x % y)),
    }
}
