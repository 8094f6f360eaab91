//! Columns under construction, a row at a time.
//!
//! The protocol of a row: [`Columns::set`] each value found, then [`Columns::end_row`]; if anything
//! fails, [`Columns::rollback`] to the rows there were. A column's length tells whether it has its
//! value in the row being written (`rows + 1`) or not yet (`rows`); so a value given twice replaces
//! the first, and a half-written row is undone by cutting every column. Called by the formats and
//! by [`super::row`].

mod blob;
mod values;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::SchemaRef;
use config::{Column, DataType, Schema, TimeUnit};

use super::fault::{Fault, code};
use super::value::{Value, refusal};
use values::Values;

pub(super) use blob::Blob;

/// Columns of one schema with the rows read so far.
#[derive(Debug)]
pub(super) struct Columns {
    arrow: SchemaRef,
    columns: Vec<Builder>,
    rows: usize,
}

/// One column. `len` is the number of values, which is the length of everything inside.
#[derive(Debug)]
struct Builder {
    column: Column,
    unit: TimeUnit,
    len: usize,
    validity: NullBufferBuilder,
    values: Values,
}

impl Columns {
    pub(super) fn new(schema: &Schema, unit: TimeUnit) -> Self {
        let builder = |column: &Column| Builder {
            column: column.clone(),
            unit,
            len: 0,
            validity: NullBufferBuilder::new(0),
            values: Values::new(&column.data_type),
        };
        Self {
            arrow: schema.to_arrow(),
            columns: schema.columns().iter().map(builder).collect(),
            rows: 0,
        }
    }

    /// Rows that are complete.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn column(&self, index: usize) -> &Column {
        &self.columns[index].column
    }

    /// How many numbers a column takes, if it holds vectors.
    pub(super) fn vector_length(&self, index: usize) -> Option<usize> {
        match self.columns[index].column.data_type {
            DataType::Vector { length, .. } => Some(length),
            _ => None,
        }
    }

    /// Whether a column holds text; `None` if there is no such column.
    pub(super) fn takes_text(&self, index: usize) -> Option<bool> {
        let builder = self.columns.get(index)?;
        Some(builder.column.data_type == DataType::String)
    }

    /// Sets a column's value in the row being written; a second value replaces the first.
    pub(super) fn set(&mut self, index: usize, value: Value<'_>) -> Result<(), Fault> {
        let builder = &mut self.columns[index];
        builder.truncate(self.rows);
        builder.push(value)
    }

    /// Takes a column's value in the row being written back, if it has one.
    pub(super) fn unset(&mut self, index: usize) {
        self.columns[index].truncate(self.rows);
    }

    /// Completes the row: columns without value become NULL where they may.
    pub(super) fn end_row(&mut self) -> Result<(), Fault> {
        for builder in &mut self.columns {
            if builder.len == self.rows {
                builder.push(Value::Null)?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Forgets the row being written and those after the first `rows`.
    pub(super) fn rollback(&mut self, rows: usize) {
        for builder in &mut self.columns {
            builder.truncate(rows);
        }
        self.rows = rows;
    }

    /// As [`Columns::rollback`], but trusts no column's length: a panic may have left one half-written.
    pub(super) fn cut(&mut self, rows: usize) {
        for builder in &mut self.columns {
            builder.len = rows;
            builder.validity.truncate(rows);
            builder.values.truncate(rows);
        }
        self.rows = rows;
    }

    /// The complete rows as a batch; none remain.
    pub(super) fn take(&mut self) -> RecordBatch {
        let rows = std::mem::take(&mut self.rows);
        let arrays = self.columns.iter_mut().map(Builder::take).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.arrow), arrays, &options)
            .expect("every column has the type of its field and a value for each row")
    }
}

impl Builder {
    fn truncate(&mut self, len: usize) {
        if self.len > len {
            self.len = len;
            self.validity.truncate(len);
            self.values.truncate(len);
        }
    }

    fn push(&mut self, value: Value<'_>) -> Result<(), Fault> {
        if matches!(value, Value::Null) {
            if !self.column.nullable {
                let reason = format!("column \"{}\" has no value", self.column.name);
                return Err(Fault::new(code::MISSING_VALUE, reason));
            }
            self.values.push_default();
            self.validity.append_null();
        } else {
            self.values
                .push(value, self.unit)
                .map_err(|kind| refusal(&self.column, value, kind))?;
            self.validity.append_non_null();
        }
        self.len += 1;
        Ok(())
    }

    fn take(&mut self) -> ArrayRef {
        self.len = 0;
        self.values.take(self.validity.finish())
    }
}
