//! SQL scalar expressions on Arrow columns: `config` has parsed and typed them, here they are computed.
//!
//! [`Compiled`] prepares what is the same for every batch (constants, patterns); [`Compiled::evaluate`]
//! then walks the tree once per batch, every node a loop over whole columns. A constant stays one
//! value until a column meets it. Filter, select and route call it.
//!
//! NULL follows SQL. What has no value (division by zero, overflow, ln of a negative) is NULL and is
//! counted, but only where it matters: in `case when x = 0 then 0 else 1 / x end` no row counts.

mod compile;
mod value;
mod cast;
mod arithmetic;
mod number;
mod comparison;
mod conditional;
mod text;
mod time;
mod hash;
mod xxh64;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::ArrowError;

use compile::{Node, NodeKind, compile};
use value::{Input, Value};
pub(super) use xxh64::xxh64;

/// An expression ready to be evaluated on batches of its input schema. Shared by threads.
#[derive(Debug)]
pub struct Compiled {
    root: Node,
    nulled: AtomicU64,
}

impl Compiled {
    /// Prepares an expression that `config` has typed.
    #[must_use]
    pub fn new(expression: &config::Expression) -> Self {
        Self {
            root: compile(expression),
            nulled: AtomicU64::new(0),
        }
    }

    /// One value per row.
    ///
    /// # Errors
    /// If the columns are not those of the schema that the expression was typed against.
    pub fn evaluate(&self, columns: &RecordBatch) -> Result<ArrayRef, ArrowError> {
        let input = Input {
            columns,
            nulled: &self.nulled,
            active: None,
        };
        evaluate(&self.root, &input)?.into_array(columns.num_rows())
    }

    /// One truth value per row, for conditions.
    ///
    /// # Errors
    /// As [`Compiled::evaluate`], or if the expression is not of type bool.
    pub fn evaluate_condition(&self, columns: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let array = self.evaluate(columns)?;
        Ok(value::downcast::<BooleanArray>(array.as_ref())?.clone())
    }

    /// How many values are NULL so far because there is none: division by zero, overflow, a
    /// logarithm or root outside its domain.
    #[must_use]
    pub fn nulled(&self) -> u64 {
        self.nulled.load(Ordering::Relaxed)
    }
}

/// The value of a node on the rows of a batch. The index of all node kinds.
fn evaluate(node: &Node, input: &Input<'_>) -> Result<Value, ArrowError> {
    let value = |node: &Node| evaluate(node, input);
    match &node.kind {
        NodeKind::Column(position) => input.column(*position),
        NodeKind::Literal(array) => Ok(Value::Scalar(array.clone())),
        NodeKind::Negate(operand) => arithmetic::negate(&value(operand)?, input),
        NodeKind::Not(operand) => comparison::not(&value(operand)?),
        NodeKind::Arithmetic(operator, left, right) => {
            arithmetic::binary(*operator, &value(left)?, &value(right)?, input)
        }
        NodeKind::Compare(operator, left, right) => {
            comparison::compare(*operator, &value(left)?, &value(right)?)
        }
        NodeKind::And(left, right) => conditional::and(left, right, input),
        NodeKind::Or(left, right) => conditional::or(left, right, input),
        NodeKind::InList(operand, list) => conditional::in_list(&value(operand)?, list, input),
        NodeKind::Like(operand, pattern) => comparison::like(&value(operand)?, &value(pattern)?),
        NodeKind::IsNull(operand) => comparison::is_null(&value(operand)?),
        NodeKind::Case(branches, otherwise) => conditional::case(branches, otherwise, input),
        NodeKind::Cast(operand, to) => cast::cast(&value(operand)?, to),
        NodeKind::Number(function, operand) => number::call(*function, &value(operand)?, input),
        NodeKind::Round(operand, digits) => number::round(&value(operand)?, *digits, input),
        NodeKind::Power(base, exponent) => number::power(&value(base)?, &value(exponent)?, input),
        NodeKind::Extreme(operator, list) => conditional::extreme(*operator, list, input),
        NodeKind::Coalesce(list) => conditional::coalesce(list, input),
        NodeKind::NullIf(left, right) => conditional::null_if(&value(left)?, &value(right)?, input),
        NodeKind::Text(function, arguments) => {
            text::call(*function, &values(arguments, input)?, input)
        }
        NodeKind::RegexpLike(operand, pattern) => text::regexp_like(&value(operand)?, pattern),
        NodeKind::Time(part, operand) => time::part(*part, &value(operand)?, input),
        NodeKind::DateTrunc(unit, operand) => time::truncate(*unit, &value(operand)?, input),
        NodeKind::Hash(arguments) => hash::hash(&values(arguments, input)?, input),
    }
}

fn values(nodes: &[Node], input: &Input<'_>) -> Result<Vec<Value>, ArrowError> {
    nodes.iter().map(|node| evaluate(node, input)).collect()
}
