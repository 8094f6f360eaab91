//! Operators of two operands.

use sqlparser::ast::{self, Expr};

use super::convert::{Converter, Typed};
use super::forms::boolean;
use super::types::coerce;
use super::{BinaryOperator, Expression, ExpressionKind};
use crate::DataType;
use crate::code::Code;

impl Converter<'_> {
    pub(super) fn binary(
        &mut self,
        expr: &Expr,
        left: &Expr,
        op: &ast::BinaryOperator,
        right: &Expr,
    ) -> Typed {
        let Some(kind) = operator(op) else {
            if *op == ast::BinaryOperator::StringConcat {
                return self.call(expr, "concat", &[left, right]);
            }
            return Err(self.unsupported(expr, &format!("operator \"{op}\""), None));
        };
        let (a, b) = (self.convert(left)?, self.convert(right)?);
        match kind {
            BinaryOperator::And | BinaryOperator::Or => {
                let a = self.expect(left, a, &DataType::Bool, &op.to_string())?;
                let b = self.expect(right, b, &DataType::Bool, &op.to_string())?;
                Ok(boolean(kind, a, b))
            }
            BinaryOperator::Equal
            | BinaryOperator::NotEqual
            | BinaryOperator::Less
            | BinaryOperator::LessOrEqual
            | BinaryOperator::Greater
            | BinaryOperator::GreaterOrEqual => self.comparison(expr, kind, op, [a, b]),
            BinaryOperator::Add
            | BinaryOperator::Subtract
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => self.arithmetic(expr, kind, op, [a, b]),
        }
    }

    fn comparison(
        &self,
        expr: &Expr,
        kind: BinaryOperator,
        op: &ast::BinaryOperator,
        sides: [Expression; 2],
    ) -> Typed {
        let common = self.common(expr, &sides, &op.to_string())?;
        if let DataType::Vector { .. } = common {
            let message = format!("vectors ({common}) cannot be compared");
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, None));
        }
        let [a, b] = sides.map(|side| coerce(side, &common));
        Ok(boolean(kind, a, b))
    }

    /// The result can always be NULL: division by zero and overflow are.
    fn arithmetic(
        &self,
        expr: &Expr,
        kind: BinaryOperator,
        op: &ast::BinaryOperator,
        sides: [Expression; 2],
    ) -> Typed {
        let common = self.common(expr, &sides, &op.to_string())?;
        let result = match (&common, kind) {
            (DataType::Timestamp, BinaryOperator::Subtract) => DataType::Int64,
            (common, _) if common.is_numeric() => common.clone(),
            (common, _) => {
                let message = format!("\"{op}\" is not defined for {common}");
                let hint = match common {
                    DataType::String if kind == BinaryOperator::Add => {
                        Some("strings are joined by || or concat(…)".into())
                    }
                    DataType::Timestamp => Some("epoch(…) is its seconds".into()),
                    _ => None,
                };
                return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint));
            }
        };
        let [a, b] = sides.map(|side| coerce(side, &common));
        Ok(Expression {
            kind: ExpressionKind::Binary(kind, Box::new(a), Box::new(b)),
            data_type: result,
            nullable: true,
        })
    }
}

fn operator(op: &ast::BinaryOperator) -> Option<BinaryOperator> {
    Some(match op {
        ast::BinaryOperator::Plus => BinaryOperator::Add,
        ast::BinaryOperator::Minus => BinaryOperator::Subtract,
        ast::BinaryOperator::Multiply => BinaryOperator::Multiply,
        ast::BinaryOperator::Divide => BinaryOperator::Divide,
        ast::BinaryOperator::Modulo => BinaryOperator::Modulo,
        ast::BinaryOperator::Eq => BinaryOperator::Equal,
        ast::BinaryOperator::NotEq => BinaryOperator::NotEqual,
        ast::BinaryOperator::Lt => BinaryOperator::Less,
        ast::BinaryOperator::LtEq => BinaryOperator::LessOrEqual,
        ast::BinaryOperator::Gt => BinaryOperator::Greater,
        ast::BinaryOperator::GtEq => BinaryOperator::GreaterOrEqual,
        ast::BinaryOperator::And => BinaryOperator::And,
        ast::BinaryOperator::Or => BinaryOperator::Or,
        _ => return None,
    })
}
