//! From the typed tree to nodes that say which kernel runs: everything that is the same for every
//! batch (constants as one-value arrays, patterns compiled, units looked up) is done here, once.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int64Array, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use config::{
    BinaryOperator, DataType, Expression, ExpressionKind, Function, Literal, UnaryOperator,
};
use regex::Regex;

use super::comparison::Comparison;
use super::time::{Part, Unit};

/// Node of a compiled tree.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// Whether evaluating it can count a value that is NULL for want of a result.
    pub(super) fallible: bool,
}

/// What a node computes. `config` has seen to it that operands are of the types a kernel takes.
#[derive(Debug)]
pub(super) enum NodeKind {
    Column(usize),
    /// One value of the node's type.
    Literal(ArrayRef),
    Negate(Box<Node>),
    Not(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    InList(Box<Node>, Vec<Node>),
    Like(Box<Node>, Box<Node>),
    IsNull(Box<Node>),
    /// Branches (condition, value) and what holds if none is true.
    Case(Vec<(Node, Node)>, Box<Node>),
    Cast(Box<Node>, DataType),
    /// A function of one number.
    Number(Function, Box<Node>),
    /// To so many decimal digits.
    Round(Box<Node>, i32),
    Power(Box<Node>, Box<Node>),
    /// The operand that compares so against the others: `least` is `<=`.
    Extreme(Comparison, Vec<Node>),
    Coalesce(Vec<Node>),
    NullIf(Box<Node>, Box<Node>),
    Text(Function, Vec<Node>),
    /// The pattern, or why it is none (`config` checks it before).
    RegexpLike(Box<Node>, Result<Regex, String>),
    Time(Part, Box<Node>),
    DateTrunc(Unit, Box<Node>),
    Hash(Vec<Node>),
}

/// `+ - * / %`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// Compiles a typed expression.
pub(super) fn compile(expression: &Expression) -> Node {
    let kind = match &expression.kind {
        ExpressionKind::Column(position) => NodeKind::Column(*position),
        ExpressionKind::Literal(literal) => {
            NodeKind::Literal(constant(literal, &expression.data_type))
        }
        ExpressionKind::Unary(UnaryOperator::Negate, operand) => NodeKind::Negate(boxed(operand)),
        ExpressionKind::Unary(UnaryOperator::Not, operand) => NodeKind::Not(boxed(operand)),
        ExpressionKind::Binary(operator, left, right) => {
            binary(*operator, boxed(left), boxed(right))
        }
        ExpressionKind::InList {
            value,
            list,
            negated,
        } => negate_if(*negated, NodeKind::InList(boxed(value), compile_all(list))),
        ExpressionKind::Like {
            value,
            pattern,
            negated,
        } => negate_if(*negated, NodeKind::Like(boxed(value), boxed(pattern))),
        ExpressionKind::IsNull { value, negated } => {
            negate_if(*negated, NodeKind::IsNull(boxed(value)))
        }
        ExpressionKind::Case {
            branches,
            otherwise,
        } => NodeKind::Case(
            branches
                .iter()
                .map(|branch| (compile(&branch.when), compile(&branch.then)))
                .collect(),
            otherwise
                .as_deref()
                .map_or_else(|| Box::new(null(&expression.data_type)), boxed),
        ),
        ExpressionKind::Cast(operand) => {
            NodeKind::Cast(boxed(operand), expression.data_type.clone())
        }
        ExpressionKind::Call(function, arguments) => call(*function, arguments),
    };
    let fallible = is_fallible(&kind);
    Node { kind, fallible }
}

fn boxed(expression: &Expression) -> Box<Node> {
    Box::new(compile(expression))
}

fn compile_all(expressions: &[Expression]) -> Vec<Node> {
    expressions.iter().map(compile).collect()
}

fn negate_if(negated: bool, kind: NodeKind) -> NodeKind {
    if !negated {
        return kind;
    }
    let fallible = is_fallible(&kind);
    NodeKind::Not(Box::new(Node { kind, fallible }))
}

fn binary(operator: BinaryOperator, left: Box<Node>, right: Box<Node>) -> NodeKind {
    let arithmetic = |operator| move |l, r| NodeKind::Arithmetic(operator, l, r);
    let compare = |operator| move |l, r| NodeKind::Compare(operator, l, r);
    match operator {
        BinaryOperator::Add => arithmetic(Arithmetic::Add)(left, right),
        BinaryOperator::Subtract => arithmetic(Arithmetic::Subtract)(left, right),
        BinaryOperator::Multiply => arithmetic(Arithmetic::Multiply)(left, right),
        BinaryOperator::Divide => arithmetic(Arithmetic::Divide)(left, right),
        BinaryOperator::Modulo => arithmetic(Arithmetic::Modulo)(left, right),
        BinaryOperator::Equal => compare(Comparison::Equal)(left, right),
        BinaryOperator::NotEqual => compare(Comparison::NotEqual)(left, right),
        BinaryOperator::Less => compare(Comparison::Less)(left, right),
        BinaryOperator::LessOrEqual => compare(Comparison::LessOrEqual)(left, right),
        BinaryOperator::Greater => compare(Comparison::Greater)(left, right),
        BinaryOperator::GreaterOrEqual => compare(Comparison::GreaterOrEqual)(left, right),
        BinaryOperator::And => NodeKind::And(left, right),
        BinaryOperator::Or => NodeKind::Or(left, right),
    }
}

fn call(function: Function, arguments: &[Expression]) -> NodeKind {
    let all = || compile_all(arguments);
    let at = |position: usize| {
        arguments
            .get(position)
            .map_or_else(|| Box::new(null(&DataType::Bool)), boxed)
    };
    match function {
        Function::Abs
        | Function::Ln
        | Function::Log10
        | Function::Exp
        | Function::Sqrt
        | Function::Floor
        | Function::Ceil
        | Function::Sign
        | Function::Sin
        | Function::Cos => NodeKind::Number(function, at(0)),
        Function::Round => NodeKind::Round(at(0), digits(arguments.get(1))),
        Function::Power => NodeKind::Power(at(0), at(1)),
        Function::Least => NodeKind::Extreme(Comparison::LessOrEqual, all()),
        Function::Greatest => NodeKind::Extreme(Comparison::GreaterOrEqual, all()),
        Function::Coalesce => NodeKind::Coalesce(all()),
        Function::NullIf => NodeKind::NullIf(at(0), at(1)),
        Function::Lower
        | Function::Upper
        | Function::Trim
        | Function::Length
        | Function::Substr
        | Function::Concat
        | Function::Replace
        | Function::StartsWith => NodeKind::Text(function, all()),
        Function::RegexpLike => NodeKind::RegexpLike(at(0), pattern(arguments.get(1))),
        Function::Hour => NodeKind::Time(Part::Hour, at(0)),
        Function::Minute => NodeKind::Time(Part::Minute, at(0)),
        Function::DayOfWeek => NodeKind::Time(Part::DayOfWeek, at(0)),
        Function::Epoch => NodeKind::Time(Part::Epoch, at(0)),
        Function::DateTrunc => {
            let unit = text_literal(arguments.first()).and_then(Unit::parse);
            unit.map_or_else(
                || NodeKind::Literal(constant(&Literal::Null, &DataType::Timestamp)),
                |unit| NodeKind::DateTrunc(unit, at(1)),
            )
        }
        Function::Hash => NodeKind::Hash(all()),
    }
}

fn is_fallible(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Column(_) | NodeKind::Literal(_) => false,
        NodeKind::Negate(_)
        | NodeKind::Arithmetic(..)
        | NodeKind::Number(..)
        | NodeKind::Round(..)
        | NodeKind::Power(..) => true,
        NodeKind::Not(a)
        | NodeKind::IsNull(a)
        | NodeKind::Cast(a, _)
        | NodeKind::RegexpLike(a, _)
        | NodeKind::Time(_, a)
        | NodeKind::DateTrunc(_, a) => a.fallible,
        NodeKind::Compare(_, a, b)
        | NodeKind::And(a, b)
        | NodeKind::Or(a, b)
        | NodeKind::Like(a, b)
        | NodeKind::NullIf(a, b) => a.fallible || b.fallible,
        NodeKind::InList(a, list) => a.fallible || any_fallible(list),
        NodeKind::Case(branches, otherwise) => {
            otherwise.fallible || branches.iter().any(|(a, b)| a.fallible || b.fallible)
        }
        NodeKind::Extreme(_, list)
        | NodeKind::Coalesce(list)
        | NodeKind::Text(_, list)
        | NodeKind::Hash(list) => any_fallible(list),
    }
}

fn any_fallible(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| node.fallible)
}

fn null(data_type: &DataType) -> Node {
    Node {
        kind: NodeKind::Literal(constant(&Literal::Null, data_type)),
        fallible: false,
    }
}

/// A constant as an array of one value.
fn constant(literal: &Literal, data_type: &DataType) -> ArrayRef {
    match literal {
        Literal::Null => new_null_array(&data_type.to_arrow(), 1),
        Literal::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
        Literal::Int64(value) => Arc::new(Int64Array::from(vec![*value])),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a literal of a float32 expression is meant in float32"
        )]
        Literal::Float64(value) if *data_type == DataType::Float32 => {
            Arc::new(Float32Array::from(vec![*value as f32]))
        }
        Literal::Float64(value) => Arc::new(Float64Array::from(vec![*value])),
        Literal::String(value) => Arc::new(StringArray::from(vec![value.as_str()])),
        Literal::Timestamp(value) => {
            Arc::new(TimestampMillisecondArray::from(vec![*value]).with_timezone(super::time::UTC))
        }
    }
}

fn text_literal(expression: Option<&Expression>) -> Option<&str> {
    match &expression?.kind {
        ExpressionKind::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}

fn pattern(expression: Option<&Expression>) -> Result<Regex, String> {
    let text = text_literal(expression).ok_or("the pattern of regexp_like is no literal")?;
    Regex::new(text).map_err(|e| e.to_string())
}

/// Digits of `round`: a literal from 0 to 15, none is 0.
fn digits(expression: Option<&Expression>) -> i32 {
    match expression.map(|e| &e.kind) {
        Some(ExpressionKind::Literal(Literal::Int64(digits))) => {
            i32::try_from(*digits).unwrap_or(0).clamp(0, 15)
        }
        _ => 0,
    }
}
