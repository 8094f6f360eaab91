//! sqlparser's tree to ours: every node typed, operands coerced, what is not supported refused.

use sqlparser::ast::{self, Expr, InTarget, Spanned, Value};

use super::parse::{Failure, Scope, range_of};
use super::types::{can_cast, coerce, common_type, is_null, literal};
use super::{
    BinaryOperator, Expression, ExpressionError, ExpressionKind, Function, Literal, UnaryOperator,
    WhenThen,
};
use crate::DataType;
use crate::code::Code;
use crate::nearest::suggest;

/// Operators nested in each other, at most: what a thread's stack of 2 MiB can hold many times over.
const DEPTH_MAX: usize = 200;

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

/// Types one expression.
pub(crate) struct Converter<'a> {
    text: &'a str,
    scope: Scope<'a>,
    depth: usize,
}

pub(crate) type Typed = Result<Expression, Failure>;

impl<'a> Converter<'a> {
    pub(crate) fn new(text: &'a str, scope: Scope<'a>) -> Self {
        Self {
            text,
            scope,
            depth: 0,
        }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Types a tree.
    pub(crate) fn convert(&mut self, expr: &Expr) -> Typed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} operators are nested in each other");
            let hint = "compute parts of it in a select before";
            return Err(self.wrong(Code::EXPRESSION_SYNTAX, expr, message, Some(hint.into())));
        }
        let typed = self.node(expr);
        self.depth -= 1;
        typed
    }

    fn node(&mut self, expr: &Expr) -> Typed {
        match expr {
            Expr::Nested(inner) => self.convert(inner),
            Expr::Identifier(ident) => self.column(ident),
            Expr::Value(value) => self.value(expr, &value.value),
            Expr::UnaryOp { op, expr: operand } => self.unary(expr, *op, operand),
            Expr::BinaryOp { left, op, right } => self.binary(expr, left, op, right),
            Expr::IsNull(value) => self.is_null(value, false),
            Expr::IsNotNull(value) => self.is_null(value, true),
            Expr::Between {
                expr: value,
                negated,
                low,
                high,
            } => self.between(expr, value, low, high, *negated),
            Expr::In {
                expr: value,
                target: InTarget::List(list),
                negated,
                ..
            } => self.in_list(expr, value, list, *negated),
            Expr::Like {
                negated,
                any: false,
                expr: value,
                pattern,
                escape_char: None,
            } => self.like(value, pattern, *negated),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(expr, operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Cast {
                kind: ast::CastKind::Cast,
                expr: value,
                data_type,
                format: None,
            } => self.cast(expr, value, data_type),
            // sqlparser has nodes of their own for functions that some dialect spells with keywords.
            Expr::Function(function) => self.function(expr, function),
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
            Expr::CompoundIdentifier(_) => {
                let hint = "nested input becomes a column through `path` in the source's schema";
                Err(self.unsupported(expr, "a name with dots", Some(hint)))
            }
            Expr::ILike { .. } => {
                Err(self.unsupported(expr, "ilike", Some("write lower(x) like 'a%'")))
            }
            Expr::Subquery(_) | Expr::Exists { .. } => {
                Err(self.unsupported(expr, "a subquery", None))
            }
            // Everything else that SQL knows, in any dialect: a long list, and not ours.
            _ => Err(self.unsupported(expr, "this form", None)),
        }
    }

    fn column(&self, ident: &ast::Ident) -> Typed {
        let name = ident.value.as_str();
        if let Some(index) = self.scope.schema.index_of(name) {
            let column = &self.scope.schema.columns()[index];
            return Ok(Expression {
                kind: ExpressionKind::Column(index),
                data_type: column.data_type.clone(),
                nullable: column.nullable,
            });
        }
        if self.scope.open || self.scope.doubtful.iter().any(|column| &**column == name) {
            return Err(Failure::Doubtful);
        }
        let names = self.scope.schema.columns().iter().map(|c| &*c.name);
        Err(Failure::Wrong(ExpressionError {
            code: Code::UNKNOWN_COLUMN.0,
            message: format!("unknown column \"{name}\""),
            hint: suggest(name, "there are", names),
            range: range_of(self.text, ident.span),
        }))
    }

    fn value(&self, expr: &Expr, value: &Value) -> Typed {
        match value {
            Value::Null => Ok(literal(Literal::Null, DataType::String)),
            Value::Boolean(truth) => Ok(literal(Literal::Bool(*truth), DataType::Bool)),
            Value::SingleQuotedString(text) => {
                Ok(literal(Literal::String(text.clone()), DataType::String))
            }
            Value::Number(digits, _) => self.number(expr, &digits.replace('_', "")),
            _ => Err(self.unsupported(expr, "this kind of literal", None)),
        }
    }

    fn number(&self, expr: &Expr, digits: &str) -> Typed {
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            if let Ok(number) = digits.parse() {
                return Ok(literal(Literal::Int64(number), DataType::Int64));
            }
            let message = format!("{digits} does not fit in int64");
            let hint = Some(format!("as a float64: {digits}.0"));
            return Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint));
        }
        match digits.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                Ok(literal(Literal::Float64(number), DataType::Float64))
            }
            _ => {
                let message = format!("{digits} does not fit in float64");
                Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, None))
            }
        }
    }

    fn unary(&mut self, expr: &Expr, op: ast::UnaryOperator, operand: &Expr) -> Typed {
        let value = self.convert(operand)?;
        match op {
            ast::UnaryOperator::Not => {
                let value = self.expect(operand, value, &DataType::Bool, "not")?;
                Ok(negation(value))
            }
            ast::UnaryOperator::Plus if value.data_type.is_numeric() => Ok(value),
            ast::UnaryOperator::Minus if value.data_type.is_numeric() => Ok(match value.kind {
                ExpressionKind::Literal(Literal::Int64(n)) => {
                    literal(Literal::Int64(-n), DataType::Int64)
                }
                ExpressionKind::Literal(Literal::Float64(n)) => {
                    literal(Literal::Float64(-n), DataType::Float64)
                }
                _ => Expression {
                    data_type: value.data_type.clone(),
                    nullable: true,
                    kind: ExpressionKind::Unary(UnaryOperator::Negate, Box::new(value)),
                },
            }),
            ast::UnaryOperator::Plus | ast::UnaryOperator::Minus => {
                let message = format!("\"{op}\" needs a number, not {}", value.data_type);
                Err(self.wrong(Code::EXPRESSION_TYPE, operand, message, None))
            }
            _ => Err(self.unsupported(expr, &format!("operator \"{op}\""), None)),
        }
    }

    fn is_null(&mut self, value: &Expr, negated: bool) -> Typed {
        let value = Box::new(self.convert(value)?);
        Ok(Expression {
            kind: ExpressionKind::IsNull { value, negated },
            data_type: DataType::Bool,
            nullable: false,
        })
    }

    fn between(
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

    fn in_list(&mut self, expr: &Expr, value: &Expr, list: &[Expr], negated: bool) -> Typed {
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

    fn like(&mut self, value: &Expr, pattern: &Expr, negated: bool) -> Typed {
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

    fn case(
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

    fn cast(&mut self, expr: &Expr, value: &Expr, to: &ast::DataType) -> Typed {
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

    /// The value, if it has the type, or is NULL.
    pub(super) fn expect(
        &self,
        expr: &Expr,
        value: Expression,
        to: &DataType,
        what: &str,
    ) -> Typed {
        if value.data_type == *to || is_null(&value) {
            return Ok(coerce(value, to));
        }
        let message = format!("\"{what}\" needs {to}, not {}", value.data_type);
        let hint = (*to == DataType::String && can_cast(&value.data_type, to))
            .then(|| "cast(… as string) makes one".into());
        Err(self.wrong(Code::EXPRESSION_TYPE, expr, message, hint))
    }

    /// The type that all have in common.
    pub(super) fn common(
        &self,
        expr: &Expr,
        all: &[Expression],
        what: &str,
    ) -> Result<DataType, Failure> {
        if all.iter().all(is_null) {
            return Ok(DataType::String);
        }
        common_type(all).ok_or_else(|| {
            let mut types: Vec<String> = Vec::new();
            for expression in all.iter().filter(|e| !is_null(e)) {
                let name = expression.data_type.to_string();
                if !types.contains(&name) {
                    types.push(name);
                }
            }
            let message = format!("\"{what}\" of {}", types.join(" and "));
            let hint = if types.iter().any(|name| name == "timestamp") {
                "beside a timestamp write a time, '2026-01-31T12:00:00Z', or take epoch(…) in seconds"
            } else {
                "cast one side: cast(… as float64)"
            };
            self.wrong(Code::EXPRESSION_TYPE, expr, message, Some(hint.into()))
        })
    }

    pub(super) fn wrong(
        &self,
        code: Code,
        expr: &Expr,
        message: String,
        hint: Option<String>,
    ) -> Failure {
        Failure::Wrong(ExpressionError {
            code: code.0,
            message,
            hint,
            range: range_of(self.text, expr.span()),
        })
    }

    pub(super) fn unsupported(&self, expr: &Expr, what: &str, hint: Option<&str>) -> Failure {
        let message = format!("{what} is not part of expressions here");
        let hint = hint.map(Into::into);
        self.wrong(Code::EXPRESSION_SYNTAX, expr, message, hint)
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

/// A call whose arguments have been checked.
pub(super) fn call(
    function: Function,
    arguments: Vec<Expression>,
    data_type: DataType,
    nullable: bool,
) -> Expression {
    Expression {
        kind: ExpressionKind::Call(function, arguments),
        data_type,
        nullable,
    }
}
