//! Arithmetic of shapes: everything a kernel must know before it touches memory.

use super::fault::{Fault, refuse};

/// Elements that a tensor may have: 512 MiB of 32-bit numbers, far above any model for streams.
const ELEMENTS_MAX: usize = 1 << 27;

/// Axes of a tensor, at most; real models use six or fewer.
const RANK_MAX: usize = 16;

/// How many elements a tensor of this shape has.
pub(crate) fn count(shape: &[usize]) -> Result<usize, Fault> {
    if shape.len() > RANK_MAX {
        refuse!(
            "a tensor of {} axes; at most {RANK_MAX} are supported",
            shape.len()
        );
    }
    // Empty axes count as one here, so that no product of some of the sizes overflows either.
    let bound = shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size.max(1)));
    if bound.is_none_or(|bound| bound > ELEMENTS_MAX) {
        refuse!("a tensor of shape {shape:?} is beyond {ELEMENTS_MAX} elements");
    }
    Ok(shape.iter().product())
}

/// Position of an axis that may count from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_start = if axis < 0 {
        axis.checked_add_unsigned(rank as u64)
    } else {
        Some(axis)
    };
    match from_start.map(usize::try_from) {
        Some(Ok(position)) if position < rank => Ok(position),
        _ => refuse!("axis {axis} of a tensor of {rank} axes"),
    }
}

/// Positions of several axes, ascending and without repetition.
pub(crate) fn axes(given: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let mut positions = Vec::with_capacity(given.len());
    for &one in given {
        positions.push(axis(one, rank)?);
    }
    positions.sort_unstable();
    positions.dedup();
    if positions.len() != given.len() {
        refuse!("axes {given:?} name an axis twice");
    }
    Ok(positions)
}

/// The shape of two operands together, by NumPy's rule.
pub(crate) fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, Fault> {
    let rank = left.len().max(right.len());
    let mut shape = Vec::with_capacity(rank);
    for position in 0..rank {
        let size = |of: &[usize]| match (position + of.len()).checked_sub(rank) {
            Some(at) => of[at],
            None => 1,
        };
        shape.push(match (size(left), size(right)) {
            (a, b) if a == b => a,
            (1, b) => b,
            (a, 1) => a,
            _ => refuse!("shapes {left:?} and {right:?} do not broadcast"),
        });
    }
    count(&shape)?;
    Ok(shape)
}

/// Elements between neighbours along each axis, row-major.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for position in (1..shape.len()).rev() {
        strides[position - 1] = strides[position] * shape[position];
    }
    strides
}

/// A size or index of the host's arithmetic as a position.
pub(crate) fn size(number: i64) -> Result<usize, Fault> {
    match usize::try_from(number) {
        Ok(size) => Ok(size),
        Err(_) => refuse!("{number} is no size"),
    }
}

/// A size as the host's integers have it.
pub(crate) fn integer(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
