//! What the rows of one batch have given so far, as columns that grow.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use config::DataType;

use super::buffer::Buffer;
use super::value::Value;
use crate::batch::{Batch, Row};

/// Output rows in the order in which they were emitted. Made by
/// [`KeyedOperator::emitted`](super::KeyedOperator::emitted), turned into batches by
/// [`KeyedOperator::finish`](super::KeyedOperator::finish).
#[derive(Debug, Clone)]
pub struct Emitted {
    /// The columns that the operator makes.
    pub(in crate::operators) columns: Vec<Buffer>,
    /// Rolling and detect: position of the input row that each output row extends.
    pub(in crate::operators) inputs: Vec<u32>,
    /// Window: what each output row remembers.
    pub(in crate::operators) rows: Vec<Row>,
    /// Window: positions of input rows that came too late.
    pub(in crate::operators) late: Vec<u32>,
}

/// A point to fall back to: what a failed row has emitted in part is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    inputs: usize,
    rows: usize,
    late: usize,
}

impl Emitted {
    /// Nothing yet, of columns of these types.
    pub(in crate::operators) fn new<'a>(types: impl Iterator<Item = &'a DataType>) -> Self {
        Self {
            columns: types.map(Buffer::new).collect(),
            inputs: Vec::new(),
            rows: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Number of rows for the main port.
    #[must_use]
    pub fn len(&self) -> usize {
        // Rolling and detect fill the one, window the other.
        self.inputs.len() + self.rows.len()
    }

    /// Whether no row goes anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.late.is_empty()
    }

    /// Number of rows for the port `late`.
    #[must_use]
    pub fn late(&self) -> usize {
        self.late.len()
    }

    /// The rows of an operator that makes every column itself, as a batch.
    ///
    /// # Errors
    /// If the columns are not those of the schema: a defect.
    pub(in crate::operators) fn batch(
        self,
        schema: &SchemaRef,
        input: &Batch,
    ) -> Result<Batch, ArrowError> {
        let columns = self.columns.into_iter().map(Buffer::finish);
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let columns = RecordBatch::try_new(Arc::clone(schema), columns)?;
        Ok(Batch::new(columns, self.rows, Arc::clone(&input.raw)))
    }

    /// Where it stands.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            inputs: self.inputs.len(),
            rows: self.rows.len(),
            late: self.late.len(),
        }
    }

    /// Forgets what was emitted after the mark, whole or in part.
    pub fn truncate(&mut self, mark: Mark) {
        self.inputs.truncate(mark.inputs);
        self.rows.truncate(mark.rows);
        self.late.truncate(mark.late);
        for column in &mut self.columns {
            column.truncate(mark.inputs + mark.rows);
        }
    }

    /// Appends what another of the same operator emitted between two marks. `position` says where a
    /// row of its input stands in the input of this.
    pub fn append(
        &mut self,
        other: &Self,
        (begin, end): (Mark, Mark),
        position: impl Fn(u32) -> u32,
    ) {
        let inputs = other.inputs[begin.inputs..end.inputs].iter();
        self.inputs.extend(inputs.map(|row| position(*row)));
        let late = other.late[begin.late..end.late].iter();
        self.late.extend(late.map(|row| position(*row)));
        self.rows
            .extend_from_slice(&other.rows[begin.rows..end.rows]);
        let range = begin.inputs + begin.rows..end.inputs + end.rows;
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            column.append(other, range.clone());
        }
    }

    /// The input rows that were emitted, with the columns that the operator makes behind their own; `None`
    /// without rows.
    pub(in crate::operators) fn extend(
        self,
        input: &Batch,
        schema: &SchemaRef,
    ) -> Result<Option<Batch>, ArrowError> {
        if self.inputs.is_empty() {
            return Ok(None);
        }
        let whole = self.inputs.len() == input.len()
            && self.inputs.iter().zip(0..).all(|(row, at)| *row == at);
        let rows = match whole {
            true => input.clone(),
            false => input.take(&self.inputs)?,
        };
        let mut columns: Vec<ArrayRef> = rows.columns.columns().to_vec();
        for column in self.columns {
            columns.push(column.finish()?);
        }
        let columns = RecordBatch::try_new(SchemaRef::clone(schema), columns)?;
        Ok(Some(rows.with_columns(columns)))
    }

    pub(in crate::operators) fn push(&mut self, column: usize, value: Option<Value<'_>>) {
        self.columns[column].push(value);
    }
}
