//! The forms of SQL that are more than an operator or a call: is null, between, in, like, case, cast.

use sqlparser::ast::{self, Expr};

use super::convert::{Converter, Typed};
use super::types::{can_cast, coerce, is_null, literal};
use super::{BinaryOperator, Expression, ExpressionKind, Literal, UnaryOperator, WhenThen};
use crate::DataType;
use crate::code::Code;

/// Types that `cast` knows, with the names that SQL has for them.
const CAST_TYPES: [(&str, DataType); 16] = [
    ("bool", DataType::Bool),
    ("boolean", DataType::Bool),
    ("int64", DataType::Int64),
    ("bigint", DataType::Int64),
    ("int", DataType::Int64),
    ("integer", DataType::Int64),
    ("float64", DataType::Float64),
    ("double", DataType::Float64),
    ("double precision", DataType::Float64),
    ("float", DataType::Float64),
    ("float32", DataType::Float32),
    ("real", DataType::Float32),
    ("string", DataType::String),
    ("varchar", DataType::String),
    ("text", DataType::String),
    ("timestamp", DataType::Timestamp),
];

impl Converter<'_> {
    pub(super) fn is_null(&mut self, value: &Expr, negated: bool) -> Typed {
        let value = Box::new(self.convert(value)?);
        Ok(Expression {
            kind: ExpressionKind::IsNull { value, negated },
            data_type: DataType::Bool,
            nullable: false,
        })
    }

    pub(super) fn between(
        &mut self,
        expr: &Expr,
        value: &Expr,
        low: &Expr,
        high: &Expr,
        negated: bool,
    ) -> Typed {
        let from = self.binary(expr, value, &ast::BinaryOperator::GtEq, low)?;
        let to = self.binary(expr, value, &ast::BinaryOperator::LtEq, high)?;
        let both = boolean(BinaryOperator::And, from, to);
        Ok(if negated { negation(both) } else { both })
    }

    pub(super) fn in_list(
        &mut self,
        expr: &Expr,
        value: &Expr,
        list: &[Expr],
        negated: bool,
    ) -> Typed {
        let mut all = vec![self.convert(value)?];
        for candidate in list {
            all.push(self.convert(candidate)?);
        }
        let common = self.common(expr, &all, "in")?;
        let mut all = all.into_iter().map(|e| coerce(e, &common));
        let Some(value) = all.next() else {
            return Err(self.unsupported(expr, "in without a value", None));
        };
        let list: Vec<Expression> = all.collect();
        Ok(Expression {
            nullable: value.nullable || list.iter().any(|e| e.nullable),
            data_type: DataType::Bool,
            kind: ExpressionKind::InList {
                value: Box::new(value),
                list,
                negated,
            },
        })
    }

    pub(super) fn like(&mut self, value: &Expr, pattern: &Expr, negated: bool) -> Typed {
        let mut side = |expr: &Expr| {
            let typed = self.convert(expr)?;
            self.expect(expr, typed, &DataType::String, "like")
        };
        let (value, pattern) = (side(value)?, side(pattern)?);
        Ok(Expression {
            nullable: value.nullable || pattern.nullable,
            data_type: DataType::Bool,
            kind: ExpressionKind::Like {
                value: Box::new(value),
                pattern: Box::new(pattern),
                negated,
            },
        })
    }

    pub(super) fn case(
        &mut self,
        expr: &Expr,
        operand: Option<&Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Typed {
        let mut whens = Vec::new();
        let mut results = Vec::new();
        for arm in conditions {
            whens.push(match operand {
                Some(operand) => {
                    self.binary(expr, operand, &ast::BinaryOperator::Eq, &arm.condition)?
                }
                None => {
                    let when = self.convert(&arm.condition)?;
                    self.expect(&arm.condition, when, &DataType::Bool, "when")?
                }
            });
            results.push(self.convert(&arm.result)?);
        }
        let has_else = otherwise.is_some();
        if let Some(otherwise) = otherwise {
            results.push(self.convert(otherwise)?);
        }
        let common = self.common(expr, &results, "case")?;
        let nullable = !has_else || results.iter().any(|e| e.nullable);
        let mut results: Vec<Expression> =
            results.into_iter().map(|e| coerce(e, &common)).collect();
        let otherwise = if has_else { results.pop() } else { None };
        let branches = whens
            .into_iter()
            .zip(results)
            .map(|(when, then)| WhenThen { when, then })
            .collect();
        Ok(Expression {
            kind: ExpressionKind::Case {
                branches,
                otherwise: otherwise.map(Box::new),
            },
            data_type: common,
            nullable,
        })
    }

    pub(super) fn cast(&mut self, expr: &Expr, value: &Expr, to: &ast::DataType) -> Typed {
        let value = self.convert(value)?;
        let name = to.to_string().to_lowercase();
        let Some((_, to)) = CAST_TYPES.iter().find(|(known, _)| *known == name) else {
            let message = format!("unknown type \"{name}\"");
            let hint = "there are: bool, int64, float64, float32, string, timestamp";
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, Some(hint.into())));
        };
        if is_null(&value) {
            // Not folded: a bare NULL would take any type again.
            return Ok(Expression {
                kind: ExpressionKind::Cast(Box::new(literal(Literal::Null, to.clone()))),
                data_type: to.clone(),
                nullable: true,
            });
        }
        if !can_cast(&value.data_type, to) {
            let message = format!("{} cannot be cast to {to}", value.data_type);
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, None));
        }
        Ok(coerce(value, to))
    }
}

/// `not x`
pub(super) fn negation(value: Expression) -> Expression {
    Expression {
        nullable: value.nullable,
        data_type: DataType::Bool,
        kind: ExpressionKind::Unary(UnaryOperator::Not, Box::new(value)),
    }
}

/// An operator whose result is a bool, NULL where an operand is.
pub(super) fn boolean(op: BinaryOperator, left: Expression, right: Expression) -> Expression {
    Expression {
        nullable: left.nullable || right.nullable,
        data_type: DataType::Bool,
        kind: ExpressionKind::Binary(op, Box::new(left), Box::new(right)),
    }
}
