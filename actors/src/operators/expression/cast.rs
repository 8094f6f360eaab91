//! `cast(x as type)`: what cannot be converted is NULL.

use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::ArrowError;
use config::DataType;

use super::value::Value;

/// The value as another type. Text becomes a number, a truth value or a time if it reads as one,
/// numbers lose their fraction towards zero, a timestamp as a number counts milliseconds.
pub(super) fn cast(value: &Value, to: &DataType) -> Result<Value, ArrowError> {
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    let to = to.to_arrow();
    if *value.array().data_type() == to {
        return Ok(value.clone());
    }
    value.map(|array| cast_with_options(array, &to, &options))
}
