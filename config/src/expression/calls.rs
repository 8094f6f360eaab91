//! Function calls.

use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr, FunctionArguments};

use super::convert::{Converter, Typed, call};
use super::functions::{Entry, FUNCTIONS, Shape, TRUNC_UNITS, find};
use super::parse::{Failure, range_of};
use super::types::coerce;
use super::{Expression, ExpressionError, ExpressionKind, Literal};
use crate::DataType;
use crate::code::Code;
use crate::nearest::suggest;

impl Converter<'_> {
    /// A call as sqlparser reads most of them.
    pub(super) fn function(&mut self, expr: &Expr, function: &ast::Function) -> Typed {
        let name = function.name.to_string();
        if function.over.is_some() || function.filter.is_some() {
            let hint = "aggregates belong in a rolling or window operator";
            return Err(self.unsupported(expr, "over or filter", Some(hint)));
        }
        let mut arguments = Vec::new();
        if let FunctionArguments::List(list) = &function.args {
            for argument in &list.args {
                match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => {
                        arguments.push(argument);
                    }
                    _ => return Err(self.unsupported(expr, "this kind of argument", None)),
                }
            }
        }
        if find(&name).is_none() {
            let place = function.name.0.first().map(ast::Spanned::span);
            return Err(Failure::Wrong(ExpressionError {
                code: Code::UNKNOWN_FUNCTION.0,
                message: format!("unknown function \"{name}\""),
                hint: function_hint(&name.to_lowercase()),
                range: range_of(
                    self.text(),
                    place.unwrap_or_else(|| ast::Spanned::span(expr)),
                ),
            }));
        }
        self.call(expr, &name, &arguments)
    }

    /// Functions for which sqlparser has nodes of their own, as some dialect spells them with keywords.
    pub(super) fn keyword_function(&mut self, expr: &Expr) -> Typed {
        match expr {
            Expr::Floor { expr: value, .. } => self.call(expr, "floor", &[value]),
            Expr::Ceil { expr: value, .. } => self.call(expr, "ceil", &[value]),
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr: value,
                trim_characters: None,
            } => self.call(expr, "trim", &[value]),
            Expr::Substring {
                expr: value,
                substring_from,
                substring_for,
                ..
            } => {
                let arguments: Vec<&Expr> = std::iter::once(&**value)
                    .chain(substring_from.as_deref())
                    .chain(substring_for.as_deref())
                    .collect();
                self.call(expr, "substr", &arguments)
            }
            _ => Err(self.unsupported(expr, "this form", None)),
        }
    }

    /// A call of a function by name.
    pub(super) fn call(&mut self, expr: &Expr, name: &str, exprs: &[&Expr]) -> Typed {
        let Some(entry) = find(name) else {
            return Err(self.unsupported(expr, &format!("function \"{name}\""), None));
        };
        if !arity(entry.shape).contains(&exprs.len()) {
            let count = match exprs.len() {
                1 => "1 argument".into(),
                count => format!("{count} arguments"),
            };
            let message = format!("\"{}\" does not take {count}", entry.name);
            let hint = Some(format!("write {}", entry.usage));
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint));
        }
        let mut arguments = Vec::new();
        for argument in exprs {
            arguments.push(self.convert(argument)?);
        }
        self.typed_call(expr, entry, exprs, arguments)
    }

    fn typed_call(
        &self,
        expr: &Expr,
        entry: &Entry,
        exprs: &[&Expr],
        arguments: Vec<Expression>,
    ) -> Typed {
        match entry.shape {
            Shape::Floats(_) | Shape::Round | Shape::SameNumber => {
                self.of_numbers(entry, exprs, arguments)
            }
            Shape::Extreme | Shape::Coalesce | Shape::NullIf => {
                self.of_one_type(expr, entry, arguments)
            }
            Shape::Text(_)
            | Shape::Concat
            | Shape::Length
            | Shape::Substr
            | Shape::Matches
            | Shape::Regexp => self.of_strings(entry, exprs, arguments),
            Shape::TimePart | Shape::Epoch => self.of_time(entry, exprs, arguments),
            Shape::DateTrunc => self.date_trunc(exprs, arguments, entry),
            Shape::Hash => {
                let is_vector = |e: &Expression| matches!(e.data_type, DataType::Vector { .. });
                if let Some(at) = arguments.iter().position(is_vector) {
                    let message = "vectors have no hash".into();
                    return Err(self.wrong(Code::EXPRESSION_TYPE, exprs[at], message, None));
                }
                Ok(call(entry.function, arguments, DataType::Int64, false))
            }
        }
    }

    /// Outside its domain, or beyond its type, a function of numbers is NULL.
    fn of_numbers(&self, entry: &Entry, exprs: &[&Expr], arguments: Vec<Expression>) -> Typed {
        let mut numbers = Vec::new();
        for (at, (expr, argument)) in exprs.iter().zip(arguments).enumerate() {
            if entry.shape == Shape::Round && at == 1 {
                self.literal_digits(expr, &argument, entry)?;
                numbers.push(argument);
                continue;
            }
            let number = self.number_argument(expr, argument, entry)?;
            numbers.push(match entry.shape {
                Shape::SameNumber => number,
                _ => coerce(number, &DataType::Float64),
            });
        }
        let data_type = numbers.first().map(|number| number.data_type.clone());
        Ok(call(
            entry.function,
            numbers,
            data_type.unwrap_or(DataType::Float64),
            true,
        ))
    }

    fn of_one_type(&self, expr: &Expr, entry: &Entry, arguments: Vec<Expression>) -> Typed {
        let common = self.common(expr, &arguments, entry.name)?;
        if entry.shape != Shape::Coalesce && !has_order(&common) {
            let message = format!("\"{}\" is not defined for {common}", entry.name);
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, None));
        }
        let nullable = entry.shape == Shape::NullIf || arguments.iter().all(|e| e.nullable);
        let arguments = arguments.into_iter().map(|e| coerce(e, &common)).collect();
        Ok(call(entry.function, arguments, common, nullable))
    }

    /// A function of strings is NULL if any argument is.
    fn of_strings(&self, entry: &Entry, exprs: &[&Expr], arguments: Vec<Expression>) -> Typed {
        let mut typed = Vec::new();
        for (at, (expr, argument)) in exprs.iter().zip(arguments).enumerate() {
            let to = match entry.shape {
                Shape::Substr if at > 0 => DataType::Int64,
                _ => DataType::String,
            };
            typed.push(self.expect(expr, argument, &to, entry.name)?);
        }
        if entry.shape == Shape::Regexp {
            let pattern = self.literal_text(exprs[1], &typed[1], entry)?;
            if let Err(error) = regex::Regex::new(pattern) {
                let message = format!("not a regular expression: {}", last_line(&error));
                return Err(self.wrong(Code::EXPRESSION_TYPE, exprs[1], message, None));
            }
        }
        let data_type = match entry.shape {
            Shape::Length => DataType::Int64,
            Shape::Matches | Shape::Regexp => DataType::Bool,
            _ => DataType::String,
        };
        let nullable = typed.iter().any(|e| e.nullable);
        Ok(call(entry.function, typed, data_type, nullable))
    }

    fn of_time(&self, entry: &Entry, exprs: &[&Expr], arguments: Vec<Expression>) -> Typed {
        let mut times = Vec::new();
        for (expr, argument) in exprs.iter().zip(arguments) {
            times.push(self.time_argument(expr, argument, entry)?);
        }
        let data_type = match entry.shape {
            Shape::Epoch => DataType::Float64,
            _ => DataType::Int64,
        };
        let nullable = times.iter().any(|e| e.nullable);
        Ok(call(entry.function, times, data_type, nullable))
    }

    fn date_trunc(&self, exprs: &[&Expr], mut arguments: Vec<Expression>, entry: &Entry) -> Typed {
        let unit = self.literal_text(exprs[0], &arguments[0], entry)?;
        if !TRUNC_UNITS.contains(&unit) {
            let message = format!("unknown unit \"{unit}\"");
            let hint = suggest(unit, "there are", TRUNC_UNITS);
            return Err(self.wrong(Code::EXPRESSION_TYPE, exprs[0], message, hint));
        }
        let time = self.time_argument(exprs[1], arguments.remove(1), entry)?;
        let nullable = time.nullable;
        arguments.push(time);
        Ok(call(
            entry.function,
            arguments,
            DataType::Timestamp,
            nullable,
        ))
    }

    fn number_argument(&self, expr: &Expr, value: Expression, entry: &Entry) -> Typed {
        if value.data_type.is_numeric() {
            return Ok(value);
        }
        self.expect(expr, value, &DataType::Float64, entry.name)
    }

    /// A timestamp, or a string literal that is one.
    fn time_argument(&self, expr: &Expr, value: Expression, entry: &Entry) -> Typed {
        let value = coerce_literal(value);
        self.expect(expr, value, &DataType::Timestamp, entry.name)
    }

    fn literal_text<'e>(
        &self,
        expr: &Expr,
        value: &'e Expression,
        entry: &Entry,
    ) -> Result<&'e str, Failure> {
        match &value.kind {
            ExpressionKind::Literal(Literal::String(text)) => Ok(text),
            _ => {
                let message = format!("\"{}\" needs a literal string here", entry.name);
                let hint = Some(format!("write {}", entry.usage));
                Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint))
            }
        }
    }

    fn literal_digits(
        &self,
        expr: &Expr,
        value: &Expression,
        entry: &Entry,
    ) -> Result<(), Failure> {
        match value.kind {
            ExpressionKind::Literal(Literal::Int64(0..=15)) => Ok(()),
            _ => {
                let message = format!("\"{}\" needs literal digits, 0 to 15", entry.name);
                let hint = Some(format!("write {}", entry.usage));
                Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint))
            }
        }
    }
}

fn coerce_literal(value: Expression) -> Expression {
    match &value.kind {
        ExpressionKind::Literal(Literal::String(text)) if crate::time::parse(text).is_some() => {
            coerce(value, &DataType::Timestamp)
        }
        _ => value,
    }
}

/// How many arguments a function takes.
fn arity(shape: Shape) -> std::ops::RangeInclusive<usize> {
    match shape {
        Shape::Floats(count) | Shape::Text(count) => count..=count,
        Shape::SameNumber | Shape::Length | Shape::TimePart | Shape::Epoch => 1..=1,
        Shape::Round => 1..=2,
        Shape::NullIf | Shape::Matches | Shape::Regexp | Shape::DateTrunc => 2..=2,
        Shape::Substr => 2..=3,
        // 64 values are more than anyone writes by hand.
        Shape::Extreme | Shape::Coalesce | Shape::Concat | Shape::Hash => 1..=64,
    }
}

fn has_order(data_type: &DataType) -> bool {
    match data_type {
        DataType::Bool
        | DataType::Int64
        | DataType::Float64
        | DataType::Float32
        | DataType::String
        | DataType::Timestamp => true,
        DataType::Bytes | DataType::Vector { .. } => false,
    }
}

/// The cause; the lines before it draw the pattern, as the problem does too.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let cause = text.lines().last().unwrap_or_default();
    cause.trim_start_matches("error: ").to_owned()
}

/// What was meant by a function that is not there.
fn function_hint(name: &str) -> Option<String> {
    if AGGREGATES.contains(&name) {
        return Some("aggregates belong in a rolling or window operator".into());
    }
    suggest(name, "there are", FUNCTIONS.iter().map(|entry| entry.name))
}

/// Names that SQL has for aggregates.
const AGGREGATES: [&str; 8] = [
    "count", "sum", "avg", "min", "max", "stddev", "variance", "median",
];
