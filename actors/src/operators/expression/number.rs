//! Functions of numbers. Outside a function's domain, or beyond float64, the result is NULL, and counted.

use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_schema::{ArrowError, DataType as ArrowType};
use config::Function;

use super::arithmetic::no_arithmetic;
use super::value::{Input, Value, binary, unary};

/// A function of one number; abs and sign keep its type, the others take float64.
pub(super) fn call(
    function: Function,
    operand: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    match operand.array().data_type() {
        ArrowType::Int64 => {
            let f = match function {
                Function::Sign => |x: i64| Some(x.signum()),
                _ => i64::checked_abs,
            };
            unary::<Int64Type, Int64Type>(operand, input, f)
        }
        ArrowType::Float32 => {
            let f = match function {
                Function::Sign => |x: f32| if x == 0.0 { 0.0 } else { x.signum() },
                _ => f32::abs,
            };
            unary::<Float32Type, Float32Type>(operand, input, |x| Some(f(x)))
        }
        ArrowType::Float64 => {
            let f = of_float(function)?;
            unary::<Float64Type, Float64Type>(operand, input, |x| finite(f(x)))
        }
        other => Err(no_arithmetic(other)),
    }
}

/// `round(x, digits)`, halves away from zero.
pub(super) fn round(operand: &Value, digits: i32, input: &Input<'_>) -> Result<Value, ArrowError> {
    let scale = 10f64.powi(digits);
    unary::<Float64Type, Float64Type>(operand, input, |x| {
        let rounded = (x * scale).round() / scale;
        // Where the scaled value overflows, x has no such digits: it is its own rounding.
        finite(if rounded.is_finite() { rounded } else { x })
    })
}

/// `power(base, exponent)`
pub(super) fn power(
    base: &Value,
    exponent: &Value,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    binary::<Float64Type, Float64Type>(base, exponent, input, |x, y| finite(x.powf(y)))
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

fn of_float(function: Function) -> Result<fn(f64) -> f64, ArrowError> {
    Ok(match function {
        Function::Abs => f64::abs,
        Function::Ln => f64::ln,
        Function::Log10 => f64::log10,
        Function::Exp => f64::exp,
        Function::Sqrt => f64::sqrt,
        Function::Floor => f64::floor,
        Function::Ceil => f64::ceil,
        Function::Sin => f64::sin,
        Function::Cos => f64::cos,
        Function::Sign => |x| if x == 0.0 { 0.0 } else { x.signum() },
        other => {
            return Err(ArrowError::InvalidArgumentError(format!(
                "{other:?} is no function of one number"
            )));
        }
    })
}
