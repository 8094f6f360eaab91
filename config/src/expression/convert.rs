//! sqlparser's tree to ours: every node typed, operands coerced, what is not supported refused.

use sqlparser::ast::{self, Expr, InTarget, Spanned, Value};

use super::forms::negation;
use super::parse::{Failure, Scope, range_of};
use super::types::{can_cast, coerce, common_type, is_null, literal};
use super::{Expression, ExpressionError, ExpressionKind, Function, Literal, UnaryOperator};
use crate::DataType;
use crate::code::Code;
use crate::nearest::suggest;

/// Nodes of a typed expression, at most. `between` and `case x when` repeat their operand, so that a
/// short text nested in itself could grow beyond all bounds.
const NODES_MAX: usize = 20_000;

/// Types one expression.
pub(crate) struct Converter<'a> {
    text: &'a str,
    scope: Scope<'a>,
    nodes: usize,
}

pub(crate) type Typed = Result<Expression, Failure>;

impl<'a> Converter<'a> {
    /// For the expression of this text.
    pub(crate) fn new(text: &'a str, scope: Scope<'a>) -> Self {
        Self {
            text,
            scope,
            nodes: 0,
        }
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Types a tree.
    pub(crate) fn convert(&mut self, expr: &Expr) -> Typed {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let message = format!("the expression becomes larger than {NODES_MAX} nodes");
            let hint = "compute the repeated part in a select before";
            return Err(self.wrong(Code::EXPRESSION_SYNTAX, expr, message, Some(hint.into())));
        }
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
            Expr::Function(function) => self.function(expr, function),
            Expr::Floor { .. } | Expr::Ceil { .. } | Expr::Trim { .. } | Expr::Substring { .. } => {
                self.keyword_function(expr)
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
        let known = self.scope.schema.columns().iter().map(|c| &*c.name);
        let names = known.chain(self.scope.doubtful.iter().map(|column| &**column));
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
