//! The functions of expressions: names, arguments, results.

use super::Function;

/// What a function takes and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `float64` arguments, a `float64`.
    Floats(usize),
    /// One number; the same type.
    SameNumber,
    /// A number as `float64`, then perhaps digits: a literal whole number.
    Round,
    /// Several values of one type that has an order; that type, NULL only if all are.
    Extreme,
    /// Several values of one type; that type, NULL only if all are.
    Coalesce,
    /// Two values of one type; that type.
    NullIf,
    /// So many strings; a string.
    Text(usize),
    /// At least one string; a string.
    Concat,
    /// A string; an int64.
    Length,
    /// A string, where from, perhaps how many.
    Substr,
    /// Two strings; a bool.
    Matches,
    /// A string and a literal pattern; a bool.
    Regexp,
    /// A timestamp; an int64.
    TimePart,
    /// A literal unit and a timestamp; a timestamp.
    DateTrunc,
    /// A timestamp; a float64.
    Epoch,
    /// At least one value of any type but vectors; an int64.
    Hash,
}

/// A function as users write it.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    pub(crate) shape: Shape,
    /// How it is called, for hints.
    pub(crate) usage: &'static str,
}

const fn entry(name: &'static str, function: Function, shape: Shape, usage: &'static str) -> Entry {
    Entry {
        name,
        function,
        shape,
        usage,
    }
}

/// Every function there is, in the order of `docs/topology.md`.
pub(crate) const FUNCTIONS: [Entry; 33] = [
    entry("abs", Function::Abs, Shape::SameNumber, "abs(number)"),
    entry("ln", Function::Ln, Shape::Floats(1), "ln(number)"),
    entry("log10", Function::Log10, Shape::Floats(1), "log10(number)"),
    entry("exp", Function::Exp, Shape::Floats(1), "exp(number)"),
    entry("sqrt", Function::Sqrt, Shape::Floats(1), "sqrt(number)"),
    entry(
        "power",
        Function::Power,
        Shape::Floats(2),
        "power(number, number)",
    ),
    entry("floor", Function::Floor, Shape::Floats(1), "floor(number)"),
    entry("ceil", Function::Ceil, Shape::Floats(1), "ceil(number)"),
    entry(
        "round",
        Function::Round,
        Shape::Round,
        "round(number[, digits])",
    ),
    entry("sign", Function::Sign, Shape::SameNumber, "sign(number)"),
    entry("sin", Function::Sin, Shape::Floats(1), "sin(number)"),
    entry("cos", Function::Cos, Shape::Floats(1), "cos(number)"),
    entry("least", Function::Least, Shape::Extreme, "least(value, …)"),
    entry(
        "greatest",
        Function::Greatest,
        Shape::Extreme,
        "greatest(value, …)",
    ),
    entry(
        "coalesce",
        Function::Coalesce,
        Shape::Coalesce,
        "coalesce(value, …)",
    ),
    entry(
        "nullif",
        Function::NullIf,
        Shape::NullIf,
        "nullif(value, value)",
    ),
    entry("lower", Function::Lower, Shape::Text(1), "lower(string)"),
    entry("upper", Function::Upper, Shape::Text(1), "upper(string)"),
    entry("trim", Function::Trim, Shape::Text(1), "trim(string)"),
    entry("length", Function::Length, Shape::Length, "length(string)"),
    entry(
        "substr",
        Function::Substr,
        Shape::Substr,
        "substr(string, from[, count])",
    ),
    entry(
        "concat",
        Function::Concat,
        Shape::Concat,
        "concat(string, …)",
    ),
    entry(
        "replace",
        Function::Replace,
        Shape::Text(3),
        "replace(string, from, to)",
    ),
    entry(
        "starts_with",
        Function::StartsWith,
        Shape::Matches,
        "starts_with(string, prefix)",
    ),
    entry(
        "regexp_like",
        Function::RegexpLike,
        Shape::Regexp,
        "regexp_like(string, 'pattern')",
    ),
    entry("hour", Function::Hour, Shape::TimePart, "hour(timestamp)"),
    entry(
        "minute",
        Function::Minute,
        Shape::TimePart,
        "minute(timestamp)",
    ),
    entry(
        "day_of_week",
        Function::DayOfWeek,
        Shape::TimePart,
        "day_of_week(timestamp)",
    ),
    entry(
        "date_trunc",
        Function::DateTrunc,
        Shape::DateTrunc,
        "date_trunc('hour', timestamp)",
    ),
    entry("epoch", Function::Epoch, Shape::Epoch, "epoch(timestamp)"),
    entry("hash", Function::Hash, Shape::Hash, "hash(value, …)"),
    entry(
        "pow",
        Function::Power,
        Shape::Floats(2),
        "pow(number, number)",
    ),
    entry(
        "substring",
        Function::Substr,
        Shape::Substr,
        "substring(string, from[, count])",
    ),
];

/// Units of `date_trunc`.
pub(crate) const TRUNC_UNITS: [&str; 7] =
    ["second", "minute", "hour", "day", "week", "month", "year"];

/// The function of a name, in any case.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    FUNCTIONS
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
}
