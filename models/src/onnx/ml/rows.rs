//! Feature rows as the operators of `ai.onnx.ml` take them.

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;

/// Rows of equally many features; a tensor of one axis is one row.
pub(super) struct Rows {
    pub(super) count: usize,
    pub(super) columns: usize,
    values: Vec<f32>,
}

impl Rows {
    /// Input `index` as rows.
    pub(super) fn of(arguments: &mut Arguments<'_>, index: usize) -> Result<Self, Fault> {
        let (shape, values) = arguments.numbers(index)?.into_parts();
        let (count, columns) = match shape[..] {
            [columns] => (1, columns),
            [count, columns] => (count, columns),
            _ => refuse!("features of shape {shape:?}; rows of features are needed"),
        };
        Ok(Self {
            count,
            columns,
            values,
        })
    }

    /// Refuses rows that are not `columns` wide.
    pub(super) fn expect_columns(&self, columns: usize) -> Result<(), Fault> {
        if self.columns != columns {
            refuse!("{columns} features are needed, there are {}", self.columns);
        }
        Ok(())
    }

    pub(super) fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.columns..][..self.columns]
    }

    /// The rows one by one. A row of no features is a row too.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.count).map(|index| self.row(index))
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// As a tensor `[rows, columns]`.
    pub(super) fn into_host(self) -> Result<Host<f32>, Fault> {
        Host::new(vec![self.count, self.columns], self.values)
    }
}
