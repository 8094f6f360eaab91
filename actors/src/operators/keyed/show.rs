//! Values of a state as JSON, for people.

use config::DataType;
use serde_json::json;

use super::Value;

/// A value of a column of this type: timestamps in RFC 3339, bytes that are no text in hexadecimal
/// digits; `None` and what has no finite number is null.
pub(in crate::operators) fn column(
    value: Option<Value<'_>>,
    data_type: &DataType,
) -> serde_json::Value {
    match (value, data_type) {
        (None, _) => serde_json::Value::Null,
        (Some(Value::Int(value)), DataType::Bool) => json!(value != 0),
        (Some(Value::Int(value)), DataType::Timestamp) => time(value),
        (Some(Value::Int(value)), _) => json!(value),
        (Some(Value::Float(value)), _) => json!(value),
        (Some(Value::Bytes(bytes)), _) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!(
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            ),
        },
    }
}

/// A time in milliseconds since 1970-01-01 UTC; the number itself, if the calendar does not go so far.
pub(in crate::operators) fn time(ms: i64) -> serde_json::Value {
    match chrono::DateTime::from_timestamp_millis(ms) {
        Some(time) => json!(time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
        None => json!(ms),
    }
}
