//! SQL scalar expressions as typed trees. [`parse_expression`] makes them; evaluation on Arrow
//! kernels is the business of `actors`.

mod parse;
mod convert;
mod binary;
mod forms;
mod calls;
mod functions;
mod types;
#[cfg(test)]
mod tests;

use crate::DataType;

#[cfg(test)]
pub(crate) use functions::FUNCTIONS;
pub use parse::{ExpressionError, parse_expression};
pub(crate) use parse::{Failure, Scope, parse_in};

/// A typed expression over the columns of one schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// What it computes.
    pub kind: ExpressionKind,
    /// Type of the result.
    pub data_type: DataType,
    /// Whether the result can be NULL.
    pub nullable: bool,
}

/// Node of an expression tree. Operands are coerced: where types differ, `check` has put a `Cast`.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind {
    /// Column by its position in the input schema.
    Column(usize),
    /// A constant.
    Literal(Literal),
    /// `-x`, `not x`
    Unary(UnaryOperator, Box<Expression>),
    /// `a + b`, `a and b`, `a < b`; both sides have one type. `||` is [`Function::Concat`].
    Binary(BinaryOperator, Box<Expression>, Box<Expression>),
    /// `x [not] in (…)`
    InList {
        /// The value looked for.
        value: Box<Expression>,
        /// Candidates, of the type of `value`.
        list: Vec<Expression>,
        /// `not in`
        negated: bool,
    },
    /// `x [not] like 'a%_'`, case-sensitive, `\` escapes.
    Like {
        /// The text.
        value: Box<Expression>,
        /// The pattern, a string expression.
        pattern: Box<Expression>,
        /// `not like`
        negated: bool,
    },
    /// `x is [not] null`
    IsNull {
        /// The value.
        value: Box<Expression>,
        /// `is not null`
        negated: bool,
    },
    /// `case when c then v … else e end`; the form with an operand has become equalities.
    Case {
        /// First match wins.
        branches: Vec<WhenThen>,
        /// NULL if absent.
        otherwise: Option<Box<Expression>>,
    },
    /// To the node's `data_type`. What cannot be converted is NULL.
    Cast(Box<Expression>),
    /// A function of the list in `docs/topology.md`.
    Call(Function, Vec<Expression>),
}

/// One arm of a `case`.
#[derive(Debug, Clone, PartialEq)]
pub struct WhenThen {
    /// bool
    pub when: Expression,
    /// Of the type of the whole.
    pub then: Expression,
}

/// A constant. NULL has the type of its [`Expression`].
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// NULL
    Null,
    /// bool
    Bool(bool),
    /// int64
    Int64(i64),
    /// float64
    Float64(f64),
    /// string
    String(String),
    /// timestamp, milliseconds since 1970-01-01 UTC
    Timestamp(i64),
}

/// Operator of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-x`
    Negate,
    /// `not x`
    Not,
}

/// Operator of two operands of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `+`
    Add,
    /// `-`; of two timestamps: int64 milliseconds
    Subtract,
    /// `*`
    Multiply,
    /// `/`; of integers truncates; by zero is NULL
    Divide,
    /// `%`; by zero is NULL
    Modulo,
    /// `=`
    Equal,
    /// `<>`, `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `and`, three-valued
    And,
    /// `or`, three-valued
    Or,
}

/// A function by name. Arguments are typed by `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// abs(number), same type
    Abs,
    /// ln(float64); not positive: NULL
    Ln,
    /// log10(float64)
    Log10,
    /// exp(float64)
    Exp,
    /// sqrt(float64); negative: NULL
    Sqrt,
    /// power(float64, float64)
    Power,
    /// floor(float64)
    Floor,
    /// ceil(float64)
    Ceil,
    /// round(float64[, digits literal]), halves away from zero
    Round,
    /// sign(number) as -1, 0, 1, same type
    Sign,
    /// sin(float64)
    Sin,
    /// cos(float64)
    Cos,
    /// least(a, …), NULLs ignored
    Least,
    /// greatest(a, …), NULLs ignored
    Greatest,
    /// coalesce(a, …)
    Coalesce,
    /// nullif(a, b)
    NullIf,
    /// lower(string)
    Lower,
    /// upper(string)
    Upper,
    /// trim(string), blanks at both ends
    Trim,
    /// length(string) in characters, int64
    Length,
    /// substr(string, from 1-based[, count])
    Substr,
    /// concat(string, …), NULL if any is
    Concat,
    /// replace(string, from, to)
    Replace,
    /// starts_with(string, prefix)
    StartsWith,
    /// regexp_like(string, pattern literal)
    RegexpLike,
    /// hour(timestamp) 0..=23 UTC, int64
    Hour,
    /// minute(timestamp) 0..=59, int64
    Minute,
    /// day_of_week(timestamp) 1 = Monday .. 7 = Sunday (ISO 8601), int64
    DayOfWeek,
    /// date_trunc('second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year', timestamp)
    DateTrunc,
    /// epoch(timestamp), float64 seconds
    Epoch,
    /// hash(value, …), int64: stable, the same on every machine and version (XXH64 of the text forms)
    Hash,
}
