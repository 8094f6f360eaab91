//! What flows between the nodes of an expression: a column, or one value that stands for every row;
//! and the loops over one and two primitive columns that most kernels are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Datum, PrimitiveArray, RecordBatch,
    StringArray, UInt32Array,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::ArrowError;

/// A column, or one value for every row (an array of length 1).
#[derive(Debug, Clone)]
pub(super) enum Value {
    Array(ArrayRef),
    Scalar(ArrayRef),
}

/// What an expression is evaluated on.
pub(super) struct Input<'a> {
    pub(super) columns: &'a RecordBatch,
    /// Counts values that are NULL for want of a result.
    pub(super) nulled: &'a AtomicU64,
    /// The rows whose value is wanted (`None`: all); the others are computed but not counted.
    pub(super) active: Option<BooleanBuffer>,
}

impl Input<'_> {
    /// A column of the batch.
    pub(super) fn column(&self, position: usize) -> Result<Value, ArrowError> {
        let columns = self.columns.columns();
        let column = columns.get(position).ok_or_else(|| {
            ArrowError::SchemaError(format!(
                "column {position} is missing: the batch has {}",
                columns.len()
            ))
        })?;
        Ok(Value::Array(Arc::clone(column)))
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.columns.num_rows()
    }

    /// The same batch where of the active rows only those in `mask` are wanted.
    pub(super) fn narrowed(&self, mask: BooleanBuffer) -> Input<'_> {
        let active = match &self.active {
            Some(active) => active & &mask,
            None => mask,
        };
        Input {
            columns: self.columns,
            nulled: self.nulled,
            active: Some(active),
        }
    }

    fn count(&self, rows: &[usize]) {
        let wanted = match &self.active {
            // A constant stands for every row: one failure, if any row wants it.
            Some(active) if rows == [0] && active.len() != 1 => {
                usize::from(active.count_set_bits() > 0 && active.value(0))
            }
            Some(active) => rows.iter().filter(|row| active.value(**row)).count(),
            None => rows.len(),
        };
        self.nulled.fetch_add(wanted as u64, Ordering::Relaxed);
    }
}

impl Datum for Value {
    fn get(&self) -> (&dyn Array, bool) {
        match self {
            Self::Array(array) => (array.as_ref(), false),
            Self::Scalar(array) => (array.as_ref(), true),
        }
    }
}

impl Value {
    /// The array, of one value if this is a constant.
    pub(super) fn array(&self) -> &ArrayRef {
        match self {
            Self::Array(array) | Self::Scalar(array) => array,
        }
    }

    pub(super) fn is_scalar(&self) -> bool {
        matches!(self, Self::Scalar(_))
    }

    /// One value per row.
    pub(super) fn into_array(self, rows: usize) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Array(array) => Ok(array),
            Self::Scalar(array) => {
                let zeros = UInt32Array::from(vec![0; rows]);
                arrow_select::take::take(array.as_ref(), &zeros, None)
            }
        }
    }

    /// A result computed from these operands: constant if they all are.
    pub(super) fn like(operands: &[&Self], array: ArrayRef) -> Self {
        if operands.iter().all(|operand| operand.is_scalar()) {
            Self::Scalar(array)
        } else {
            Self::Array(array)
        }
    }

    /// The same kind of value with its array changed.
    pub(super) fn map(
        &self,
        f: impl FnOnce(&dyn Array) -> Result<ArrayRef, ArrowError>,
    ) -> Result<Self, ArrowError> {
        match self {
            Self::Array(array) => Ok(Self::Array(f(array.as_ref())?)),
            Self::Scalar(array) => Ok(Self::Scalar(f(array.as_ref())?)),
        }
    }

    pub(super) fn primitive<T: ArrowPrimitiveType>(
        &self,
    ) -> Result<&PrimitiveArray<T>, ArrowError> {
        downcast(self.array().as_ref())
    }
}

/// The texts of a value, by row.
pub(super) struct Texts<'a> {
    array: &'a StringArray,
    scalar: bool,
}

impl<'a> Texts<'a> {
    pub(super) fn new(value: &'a Value) -> Result<Self, ArrowError> {
        let array = downcast(value.array().as_ref())?;
        let scalar = value.is_scalar();
        Ok(Self { array, scalar })
    }

    pub(super) fn get(&self, row: usize) -> Option<&'a str> {
        let row = if self.scalar { 0 } else { row };
        self.array.is_valid(row).then(|| self.array.value(row))
    }
}

/// An array as the type that it is known to have.
pub(super) fn downcast<T: 'static>(array: &dyn Array) -> Result<&T, ArrowError> {
    array.as_any().downcast_ref::<T>().ok_or_else(|| {
        ArrowError::SchemaError(format!(
            "an operand is {}, which this kernel does not take",
            array.data_type()
        ))
    })
}

/// `f` of every value; `None` is NULL and is counted.
pub(super) fn unary<A: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    operand: &Value,
    input: &Input<'_>,
    f: impl Fn(A::Native) -> Option<O::Native>,
) -> Result<Value, ArrowError> {
    let array = operand.primitive::<A>()?;
    let results = array.values().iter().map(|value| f(*value));
    let result = collect::<O>(results, array.nulls().cloned(), input);
    Ok(Value::like(&[operand], Arc::new(result)))
}

/// `f` of every pair; `None` is NULL and is counted.
pub(super) fn binary<A: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &Value,
    right: &Value,
    input: &Input<'_>,
    f: impl Fn(A::Native, A::Native) -> Option<O::Native>,
) -> Result<Value, ArrowError> {
    let (l, r) = (left.primitive::<A>()?, right.primitive::<A>()?);
    let result = match (left.is_scalar(), right.is_scalar()) {
        (true, false) => match constant(l) {
            Some(x) => {
                let results = r.values().iter().map(|y| f(x, *y));
                collect::<O>(results, r.nulls().cloned(), input)
            }
            None => PrimitiveArray::new_null(r.len()),
        },
        (false, true) => match constant(r) {
            Some(y) => {
                let results = l.values().iter().map(|x| f(*x, y));
                collect::<O>(results, l.nulls().cloned(), input)
            }
            None => PrimitiveArray::new_null(l.len()),
        },
        (true, true) | (false, false) => {
            same_length(l.len(), r.len())?;
            let pairs = l.values().iter().zip(r.values());
            let nulls = NullBuffer::union(l.nulls(), r.nulls());
            collect::<O>(pairs.map(|(x, y)| f(*x, *y)), nulls, input)
        }
    };
    Ok(Value::like(&[left, right], Arc::new(result)))
}

/// A truth value of every pair.
pub(super) fn predicate<A: ArrowPrimitiveType>(
    left: &Value,
    right: &Value,
    f: impl Fn(A::Native, A::Native) -> bool,
) -> Result<Value, ArrowError> {
    let (l, r) = (left.primitive::<A>()?, right.primitive::<A>()?);
    let (xs, ys) = (l.values(), r.values());
    let result = match (left.is_scalar(), right.is_scalar()) {
        (true, false) => match constant(l) {
            Some(x) => truths(r.len(), r.nulls().cloned(), |i| f(x, ys[i])),
            None => BooleanArray::new_null(r.len()),
        },
        (false, true) => match constant(r) {
            Some(y) => truths(l.len(), l.nulls().cloned(), |i| f(xs[i], y)),
            None => BooleanArray::new_null(l.len()),
        },
        (true, true) | (false, false) => {
            same_length(l.len(), r.len())?;
            let nulls = NullBuffer::union(l.nulls(), r.nulls());
            truths(l.len(), nulls, |i| f(xs[i], ys[i]))
        }
    };
    Ok(Value::like(&[left, right], Arc::new(result)))
}

fn truths(rows: usize, nulls: Option<NullBuffer>, f: impl Fn(usize) -> bool) -> BooleanArray {
    BooleanArray::new(BooleanBuffer::collect_bool(rows, f), nulls)
}

fn constant<A: ArrowPrimitiveType>(array: &PrimitiveArray<A>) -> Option<A::Native> {
    (array.len() == 1 && array.is_valid(0)).then(|| array.value(0))
}

fn same_length(left: usize, right: usize) -> Result<(), ArrowError> {
    if left == right {
        return Ok(());
    }
    Err(ArrowError::InvalidArgumentError(format!(
        "operands have {left} and {right} rows"
    )))
}

/// Results with the NULLs of the operands and those that have no result.
fn collect<O: ArrowPrimitiveType>(
    results: impl ExactSizeIterator<Item = Option<O::Native>>,
    nulls: Option<NullBuffer>,
    input: &Input<'_>,
) -> PrimitiveArray<O> {
    let mut values = Vec::with_capacity(results.len());
    let mut failed = Vec::new();
    for (row, result) in results.enumerate() {
        // The value under a NULL is arbitrary: its failure says nothing.
        if result.is_none() && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)) {
            failed.push(row);
        }
        values.push(result.unwrap_or_default());
    }
    if failed.is_empty() {
        return PrimitiveArray::new(values.into(), nulls);
    }
    input.count(&failed);
    let mut valid = match nulls {
        Some(nulls) => nulls.iter().collect::<Vec<bool>>(),
        None => vec![true; values.len()],
    };
    for row in failed {
        valid[row] = false;
    }
    PrimitiveArray::new(values.into(), Some(valid.into()))
}
