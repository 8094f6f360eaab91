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
            let names = FUNCTIONS.iter().map(|entry| entry.name);
            let place = function.name.0.first().map(ast::Spanned::span);
            return Err(Failure::Wrong(ExpressionError {
                code: Code::UNKNOWN_FUNCTION.0,
                message: format!("unknown function \"{name}\""),
                hint: suggest(&name.to_lowercase(), "there are", names),
                range: range_of(
                    self.text(),
                    place.unwrap_or_else(|| ast::Spanned::span(expr)),
                ),
            }));
        }
        self.call(expr, &name, &arguments)
    }

    /// A call of a function by name.
    pub(super) fn call(&mut self, expr: &Expr, name: &str, exprs: &[&Expr]) -> Typed {
        let Some(entry) = find(name) else {
            return Err(self.unsupported(expr, &format!("function \"{name}\""), None));
        };
        if !arity(entry.shape).contains(&exprs.len()) {
            let message = format!("\"{}\" does not take {} arguments", entry.name, exprs.len());
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
        let any_null = arguments.iter().any(|e| e.nullable);
        let all_null = arguments.iter().all(|e| e.nullable);
        let function = entry.function;
        Ok(match entry.shape {
            Shape::Floats(_) | Shape::Round => {
                let mut numbers = Vec::new();
                for (index, (argument, typed)) in exprs.iter().zip(arguments).enumerate() {
                    if index == 1 && entry.shape == Shape::Round {
                        self.literal_digits(argument, &typed, entry)?;
                        numbers.push(typed);
                    } else {
                        let number = self.number_argument(argument, typed, entry)?;
                        numbers.push(coerce(number, &DataType::Float64));
                    }
                }
                // Outside its domain, or beyond float64, a function is NULL.
                call(function, numbers, DataType::Float64, true)
            }
            Shape::SameNumber => {
                let mut numbers = Vec::new();
                for (argument, typed) in exprs.iter().zip(arguments) {
                    numbers.push(self.number_argument(argument, typed, entry)?);
                }
                let data_type = numbers
                    .first()
                    .map_or(DataType::Float64, |e| e.data_type.clone());
                call(function, numbers, data_type, true)
            }
            Shape::Extreme | Shape::Coalesce | Shape::NullIf => {
                let common = self.common(expr, &arguments, entry.name)?;
                if entry.shape != Shape::Coalesce && !has_order(&common) {
                    let message = format!("\"{}\" is not defined for {common}", entry.name);
                    return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, None));
                }
                let nullable = entry.shape == Shape::NullIf || all_null;
                let arguments = arguments.into_iter().map(|e| coerce(e, &common)).collect();
                call(function, arguments, common, nullable)
            }
            Shape::Concat => self.concat(exprs, arguments)?,
            Shape::Text(_) | Shape::Length | Shape::Matches | Shape::Regexp => {
                let mut strings = Vec::new();
                for (argument, typed) in exprs.iter().zip(arguments) {
                    strings.push(self.expect(argument, typed, &DataType::String, entry.name)?);
                }
                if entry.shape == Shape::Regexp {
                    self.literal_text(exprs[1], &strings[1], entry)?;
                }
                let data_type = match entry.shape {
                    Shape::Length => DataType::Int64,
                    Shape::Matches | Shape::Regexp => DataType::Bool,
                    _ => DataType::String,
                };
                call(function, strings, data_type, any_null)
            }
            Shape::Substr => {
                let mut typed = Vec::new();
                for (index, (expr, argument)) in exprs.iter().zip(arguments).enumerate() {
                    let to = if index == 0 {
                        DataType::String
                    } else {
                        DataType::Int64
                    };
                    typed.push(self.expect(expr, argument, &to, entry.name)?);
                }
                call(function, typed, DataType::String, any_null)
            }
            Shape::TimePart | Shape::Epoch => {
                let mut times = Vec::new();
                for (argument, typed) in exprs.iter().zip(arguments) {
                    times.push(self.time_argument(argument, typed, entry)?);
                }
                let data_type = match entry.shape {
                    Shape::Epoch => DataType::Float64,
                    _ => DataType::Int64,
                };
                call(function, times, data_type, any_null)
            }
            Shape::DateTrunc => self.date_trunc(exprs, arguments, entry)?,
            Shape::Hash => {
                let vector = arguments
                    .iter()
                    .position(|e| matches!(e.data_type, DataType::Vector { .. }));
                if let Some(at) = vector {
                    let message = "vectors have no hash".into();
                    return Err(self.wrong(Code::EXPRESSION_TYPE, exprs[at], message, None));
                }
                call(function, arguments, DataType::Int64, false)
            }
        })
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
