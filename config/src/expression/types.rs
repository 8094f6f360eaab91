//! How types meet: coercion, and what follows for NULL.

use super::{Expression, ExpressionKind, Literal};
use crate::{DataType, time};

/// A constant.
pub(crate) fn literal(value: Literal, data_type: DataType) -> Expression {
    Expression {
        nullable: matches!(value, Literal::Null),
        kind: ExpressionKind::Literal(value),
        data_type,
    }
}

/// Whether it is a NULL that has not met a type yet.
pub(crate) fn is_null(expression: &Expression) -> bool {
    matches!(expression.kind, ExpressionKind::Literal(Literal::Null))
}

/// The type that a set of expressions has in common: the one they all have, `float64` of different
/// numbers, `timestamp` of timestamps and string literals that are times. NULLs have every type.
/// `None`: there is none, or all are NULL.
pub(crate) fn common_type<'a>(
    expressions: impl IntoIterator<Item = &'a Expression>,
) -> Option<DataType> {
    let mut common: Option<&DataType> = None;
    let mut strings_are_literal = true;
    let typed: Vec<&Expression> = expressions.into_iter().filter(|e| !is_null(e)).collect();
    for expression in &typed {
        let this = &expression.data_type;
        if *this == DataType::String {
            strings_are_literal &= as_time(expression).is_some();
        }
        common = Some(match common {
            None => this,
            Some(other) if other == this => this,
            Some(other) if other.is_numeric() && this.is_numeric() => &DataType::Float64,
            Some(DataType::Timestamp) if *this == DataType::String => &DataType::Timestamp,
            Some(DataType::String) if *this == DataType::Timestamp => &DataType::Timestamp,
            Some(_) => return None,
        });
    }
    let has_strings = typed.iter().any(|e| e.data_type == DataType::String);
    if common == Some(&DataType::Timestamp) && has_strings && !strings_are_literal {
        return None;
    }
    common.cloned()
}

/// The same value as another type; literals are converted here and now.
pub(crate) fn coerce(expression: Expression, to: &DataType) -> Expression {
    if expression.data_type == *to {
        return expression;
    }
    if is_null(&expression) {
        return literal(Literal::Null, to.clone());
    }
    if let (DataType::Timestamp, Some(millis)) = (to, as_time(&expression)) {
        return literal(Literal::Timestamp(millis), DataType::Timestamp);
    }
    if let (DataType::Float64, ExpressionKind::Literal(Literal::Int64(number))) =
        (to, &expression.kind)
    {
        #[expect(clippy::cast_precision_loss, reason = "what a cast to float64 does")]
        return literal(Literal::Float64(*number as f64), DataType::Float64);
    }
    Expression {
        nullable: expression.nullable || !widens(&expression.data_type, to),
        kind: ExpressionKind::Cast(Box::new(expression)),
        data_type: to.clone(),
    }
}

/// Whether every value of one type has a value of the other.
fn widens(from: &DataType, to: &DataType) -> bool {
    from.is_numeric() && *to == DataType::Float64 || *to == DataType::String
}

/// Whether `cast` is defined.
pub(crate) fn can_cast(from: &DataType, to: &DataType) -> bool {
    let is_plain = |data_type: &DataType| data_type.is_numeric() || *data_type == DataType::Bool;
    match (from, to) {
        (from, to) if from == to => true,
        (from, to) if is_plain(from) && is_plain(to) => true,
        (DataType::String, to) => is_plain(to) || *to == DataType::Timestamp,
        (from, DataType::String) => is_plain(from) || *from == DataType::Timestamp,
        (DataType::Timestamp, DataType::Int64) | (DataType::Int64, DataType::Timestamp) => true,
        _ => false,
    }
}

/// A string literal that is a time.
fn as_time(expression: &Expression) -> Option<i64> {
    match &expression.kind {
        ExpressionKind::Literal(Literal::String(text)) => time::parse(text),
        _ => None,
    }
}
