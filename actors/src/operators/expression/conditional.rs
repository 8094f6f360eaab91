//! What chooses between operands: `and`, `or`, `in`, `case`, `coalesce`, `nullif`, `least`, `greatest`.
//!
//! Every operand is computed on every row (columns, not branches), but a row that an operand is not
//! chosen for does not count there: [`Input::narrowed`].

use std::sync::Arc;

use arrow_array::{Array, BooleanArray, new_null_array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::ArrowError;
use arrow_select::zip::zip;

use super::comparison::{Comparison, compare};
use super::compile::Node;
use super::evaluate;
use super::value::{Input, Value, downcast};

/// `left and right`, three-valued. The right side counts only where the left is not false.
pub(super) fn and(left: &Node, right: &Node, input: &Input<'_>) -> Result<Value, ArrowError> {
    let l = evaluate(left, input)?;
    let r = only_where(right, input, || Ok(!&definitely(&l, false, input)?))?;
    kleene(&l, &r, arrow_arith::boolean::and_kleene, input)
}

/// `left or right`, three-valued. The right side counts only where the left is not true.
pub(super) fn or(left: &Node, right: &Node, input: &Input<'_>) -> Result<Value, ArrowError> {
    let l = evaluate(left, input)?;
    let r = only_where(right, input, || Ok(!&definitely(&l, true, input)?))?;
    kleene(&l, &r, arrow_arith::boolean::or_kleene, input)
}

/// `value in (list)`: `value = a or value = b …`, so NULL if nothing matches and something is NULL.
pub(super) fn in_list(
    value: &Value,
    list: &[Node],
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let mut found = Value::Scalar(Arc::new(BooleanArray::from(vec![false])));
    for candidate in list {
        let candidate = evaluate(candidate, input)?;
        let equal = compare(Comparison::Equal, value, &candidate)?;
        found = kleene(&found, &equal, arrow_arith::boolean::or_kleene, input)?;
    }
    Ok(found)
}

/// `case when … then … else … end`: the first branch whose condition is true.
pub(super) fn case(
    branches: &[(Node, Node)],
    otherwise: &Node,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let mut open = BooleanBuffer::new_set(input.rows());
    let mut chosen = Vec::with_capacity(branches.len());
    for (when, then) in branches {
        let condition = only_where(when, input, || Ok(open.clone()))?;
        let taken = &definitely(&condition, true, input)? & &open;
        open = &open & &!&taken;
        let value = only_where(then, input, || Ok(taken.clone()))?;
        chosen.push((taken, value));
    }
    let mut result = only_where(otherwise, input, || Ok(open))?;
    for (taken, value) in chosen.into_iter().rev() {
        result = choose(taken, &value, &result)?;
    }
    Ok(result)
}

/// The first operand that is not NULL.
pub(super) fn coalesce(list: &[Node], input: &Input<'_>) -> Result<Value, ArrowError> {
    let Some((first, rest)) = list.split_first() else {
        return Err(ArrowError::InvalidArgumentError(
            "coalesce has no operand".into(),
        ));
    };
    let mut result = evaluate(first, input)?;
    for node in rest {
        let present = present(&result, input);
        let value = only_where(node, input, || Ok(!&present))?;
        result = choose(present, &result, &value)?;
    }
    Ok(result)
}

/// NULL where both are equal, else the left.
pub(super) fn null_if(left: &Value, right: &Value, input: &Input<'_>) -> Result<Value, ArrowError> {
    let equal = definitely(&compare(Comparison::Equal, left, right)?, true, input)?;
    let null = Value::Scalar(new_null_array(left.array().data_type(), 1));
    choose(equal, &null, left)
}

/// The operand that is `operator` all the others, NULLs ignored: `least` with `<=`.
pub(super) fn extreme(
    operator: Comparison,
    list: &[Node],
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let Some((first, rest)) = list.split_first() else {
        return Err(ArrowError::InvalidArgumentError(
            "least and greatest need an operand".into(),
        ));
    };
    let mut result = evaluate(first, input)?;
    for node in rest {
        let value = evaluate(node, input)?;
        let wins = definitely(&compare(operator, &result, &value)?, true, input)?;
        let alone = !&present(&value, input);
        result = choose(&wins | &alone, &result, &value)?;
    }
    Ok(result)
}

/// The node's value, of which only the rows in `mask` are wanted.
fn only_where(
    node: &Node,
    input: &Input<'_>,
    mask: impl FnOnce() -> Result<BooleanBuffer, ArrowError>,
) -> Result<Value, ArrowError> {
    if node.fallible {
        evaluate(node, &input.narrowed(mask()?))
    } else {
        evaluate(node, input)
    }
}

/// `truthy` in the rows of `mask`, `falsy` in the others.
fn choose(mask: BooleanBuffer, truthy: &Value, falsy: &Value) -> Result<Value, ArrowError> {
    let mask = BooleanArray::new(mask, None);
    Ok(Value::Array(zip(&mask, truthy, falsy)?))
}

/// Rows where a truth value is known to be `wanted`: neither the other one nor NULL.
fn definitely(value: &Value, wanted: bool, input: &Input<'_>) -> Result<BooleanBuffer, ArrowError> {
    let truth = downcast::<BooleanArray>(value.array().as_ref())?;
    if value.is_scalar() {
        let known = truth.is_valid(0) && truth.value(0) == wanted;
        return Ok(constant(known, input.rows()));
    }
    let matching = if wanted {
        truth.values().clone()
    } else {
        !truth.values()
    };
    Ok(match truth.nulls() {
        Some(nulls) => &matching & nulls.inner(),
        None => matching,
    })
}

/// Rows where a value is not NULL.
fn present(value: &Value, input: &Input<'_>) -> BooleanBuffer {
    let array = value.array();
    if value.is_scalar() {
        return constant(array.is_valid(0), input.rows());
    }
    match array.nulls() {
        Some(nulls) => nulls.inner().clone(),
        None => constant(true, input.rows()),
    }
}

fn constant(value: bool, rows: usize) -> BooleanBuffer {
    if value {
        BooleanBuffer::new_set(rows)
    } else {
        BooleanBuffer::new_unset(rows)
    }
}

type Kernel = fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>;

fn kleene(
    left: &Value,
    right: &Value,
    kernel: Kernel,
    input: &Input<'_>,
) -> Result<Value, ArrowError> {
    let rows = if left.is_scalar() && right.is_scalar() {
        1
    } else {
        input.rows()
    };
    let l = left.clone().into_array(rows)?;
    let r = right.clone().into_array(rows)?;
    let result = kernel(downcast(l.as_ref())?, downcast(r.as_ref())?)?;
    Ok(Value::like(&[left, right], Arc::new(result)))
}
