//! Rows through a plan so that an answer does not depend on the batch its row came in.
//!
//! Burn's matrix product chooses its way by the size of the matrix, and another way rounds differently. So a plan with
//! such kernels always sees tiles of one size: rows are cut into tiles, the last one filled up with zeros. Plans of
//! which every kernel works row by row (trees, linear models) get the rows as they come.
//!
//! Invariant: for any rows `a` and `b`, `infer(a ++ b) == infer(a) ++ infer(b)`, bit for bit.

use std::path::Path;

use config::Element;

use crate::onnx::{GraphInput, Host, Plan, Value};
use crate::{Matrix, ModelError, Tensor, TensorData};

/// A plan and how rows are fed to it.
#[derive(Debug)]
pub(crate) struct Tiled {
    plan: Plan,
    /// Of each input its columns of the matrix.
    widths: Vec<usize>,
    outputs: Vec<Output>,
    /// Rows of every run; `None`: as many as there are.
    tile: Option<usize>,
}

/// What is known of an output from the first run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: OutputKind,
    /// Sizes behind the rows' axis.
    pub(crate) row_shape: Vec<usize>,
}

/// What an output holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputKind {
    Float,
    Int,
    Text,
}

impl Tiled {
    /// Decides how rows are fed, and runs the plan once on zeros: whatever cannot run is found here.
    ///
    /// # Errors
    /// If an input is none that rows of numbers can fill, or an output has not one entry for each row.
    pub(crate) fn new(plan: Plan, features: usize) -> Result<Self, ModelError> {
        let graph = |cause: String| ModelError::Graph {
            path: plan.path().clone(),
            cause,
        };
        let widths = widths(plan.inputs(), features).map_err(graph)?;
        let fixed = plan
            .inputs()
            .iter()
            .find_map(|input| input.shape.first().copied().flatten());
        let tile = match fixed {
            Some(rows) => Some(rows),
            None if plan.is_row_wise() => None,
            None => Some(plan.device().tile_rows()),
        };
        let rows = tile.unwrap_or(1);
        let columns: usize = widths.iter().sum();
        if rows
            .checked_mul(columns)
            .is_none_or(|values| values > 1 << 26)
        {
            return Err(graph(format!(
                "a tile of {rows} rows of {columns} features is too large"
            )));
        }
        let mut tiled = Self {
            plan,
            widths,
            outputs: Vec::new(),
            tile,
        };
        let zeros = vec![0.0; rows * columns];
        let results = tiled.run(&zeros, rows)?;
        for (name, result) in tiled.plan.output_names().iter().zip(results) {
            tiled.outputs.push(
                output(name, &result, rows).map_err(|cause| ModelError::Graph {
                    path: tiled.plan.path().clone(),
                    cause,
                })?,
            );
        }
        Ok(tiled)
    }

    pub(crate) fn inputs(&self) -> &[GraphInput] {
        self.plan.inputs()
    }

    pub(crate) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    pub(crate) fn path(&self) -> &Path {
        self.plan.path()
    }

    /// Features of a row, over all inputs.
    pub(crate) fn columns(&self) -> usize {
        self.widths.iter().sum()
    }

    /// The outputs for all rows.
    pub(crate) fn infer(&self, rows: &Matrix) -> Result<Vec<Tensor>, ModelError> {
        let columns = self.columns();
        if rows.columns != columns {
            return Err(ModelError::Columns {
                path: self.path().into(),
                expected: columns,
                given: rows.columns,
            });
        }
        if rows.rows.checked_mul(columns) != Some(rows.values.len()) {
            return Err(ModelError::Matrix {
                rows: rows.rows,
                columns,
                values: rows.values.len(),
            });
        }
        let mut collected: Vec<Tensor> = self.outputs.iter().map(|o| o.empty(rows.rows)).collect();
        let tile = self.tile.unwrap_or(rows.rows).max(1);
        let mut padded = Vec::new();
        for first in (0..rows.rows).step_by(tile) {
            let count = tile.min(rows.rows - first);
            let values = &rows.values[first * columns..(first + count) * columns];
            let results = if count == tile {
                self.run(values, tile)?
            } else {
                padded.clear();
                padded.extend_from_slice(values);
                padded.resize(tile * columns, 0.0);
                self.run(&padded, tile)?
            };
            for ((tensor, output), result) in collected.iter_mut().zip(&self.outputs).zip(results) {
                output
                    .collect(result, tile, count, tensor)
                    .map_err(|cause| ModelError::Graph {
                        path: self.path().into(),
                        cause,
                    })?;
            }
        }
        Ok(collected)
    }

    /// Runs the plan on `rows` rows, row-major over all columns.
    fn run(&self, values: &[f32], rows: usize) -> Result<Vec<Value>, ModelError> {
        let columns = self.columns();
        let mut inputs = Vec::with_capacity(self.widths.len());
        let mut start = 0;
        for (input, &width) in self.plan.inputs().iter().zip(&self.widths) {
            let own = if width == columns {
                values.to_vec()
            } else {
                let rows = values.chunks_exact(columns.max(1));
                rows.flat_map(|row| &row[start..start + width])
                    .copied()
                    .collect()
            };
            start += width;
            inputs.push(feed(input, rows, own).map_err(|cause| ModelError::Graph {
                path: self.path().into(),
                cause,
            })?);
        }
        self.plan.run(inputs)
    }
}

/// How many columns of the matrix each input takes: as many as a row of it has elements.
fn widths(inputs: &[GraphInput], features: usize) -> Result<Vec<usize>, String> {
    let mut widths = Vec::with_capacity(inputs.len());
    for input in inputs {
        let name = &input.name;
        if input.element == Element::String {
            return Err(format!(
                "input \"{name}\" takes text, which rows of numbers cannot give"
            ));
        }
        if input.shape.is_empty() {
            return Err(format!("input \"{name}\" has no axis for rows"));
        }
        let width = input.shape[1..]
            .iter()
            .try_fold(1_usize, |n, &size| n.checked_mul(size?));
        widths.push(match width {
            Some(width) => width,
            // One free size behind the rows is as long as model.toml has features.
            None if inputs.len() == 1 && input.shape.len() == 2 && features > 0 => features,
            None => {
                return Err(format!(
                    "the width of input \"{name}\" is free; list the features in model.toml"
                ));
            }
        });
    }
    let total = widths
        .iter()
        .try_fold(0_usize, |sum, &width| sum.checked_add(width));
    match total {
        Some(total) if features != 0 && features != total => Err(format!(
            "model.toml lists {features} features, the model takes {total}"
        )),
        Some(_) => Ok(widths),
        None => Err("its inputs are too wide".into()),
    }
}

/// Numbers as an input of the graph.
#[expect(
    clippy::cast_possible_truncation,
    reason = "features of integer inputs are whole numbers"
)]
fn feed(input: &GraphInput, rows: usize, values: Vec<f32>) -> Result<Value, String> {
    let width = values.len() / rows.max(1);
    let mut shape = vec![rows];
    match input.shape.get(1..) {
        Some(sizes) if sizes.len() != 1 => {
            shape.extend(sizes.iter().map(|size| size.unwrap_or(1)));
        }
        _ => shape.push(width),
    }
    let host = Host::new(shape, values).map_err(|fault| fault.to_string())?;
    Ok(match input.element {
        Element::Int64 => Value::Int(host.map(|&x| x as i64)),
        Element::Bool => Value::Bool(host.map(|&x| x != 0.0)),
        Element::Float32 | Element::Float64 | Element::String => Value::host(host),
    })
}

/// What the first run tells of an output.
fn output(name: &str, result: &Value, rows: usize) -> Result<Output, String> {
    let row_shape = match result.shape() {
        [first, row_shape @ ..] if *first == rows => row_shape,
        shape => {
            return Err(format!(
                "output \"{name}\" has shape {shape:?} for {rows} rows; its first axis must be the rows'"
            ));
        }
    };
    Ok(Output {
        name: name.into(),
        kind: kind(result),
        row_shape: row_shape.to_vec(),
    })
}

fn kind(value: &Value) -> OutputKind {
    match value {
        Value::Float(_) => OutputKind::Float,
        Value::Int(_) | Value::Bool(_) => OutputKind::Int,
        Value::Text(_) => OutputKind::Text,
    }
}

impl Output {
    /// A tensor for so many rows, without values yet.
    fn empty(&self, rows: usize) -> Tensor {
        let mut shape = vec![rows];
        shape.extend_from_slice(&self.row_shape);
        let values = rows * self.width();
        let data = match self.kind {
            OutputKind::Float => TensorData::Float32(Vec::with_capacity(values)),
            OutputKind::Int => TensorData::Int64(Vec::with_capacity(values)),
            OutputKind::Text => TensorData::String(Vec::with_capacity(values)),
        };
        Tensor { shape, data }
    }

    fn width(&self) -> usize {
        self.row_shape.iter().product()
    }

    /// Appends the first `count` of `tile` rows of a result.
    fn collect(
        &self,
        result: Value,
        tile: usize,
        count: usize,
        into: &mut Tensor,
    ) -> Result<(), String> {
        if result.shape().first() != Some(&tile) || result.shape()[1..] != self.row_shape {
            return Err(format!(
                "output \"{}\" changed its shape to {:?}",
                self.name,
                result.shape()
            ));
        }
        let wanted = count * self.width();
        match (&mut into.data, result) {
            (TensorData::Float32(values), Value::Float(float)) => {
                let host = float.into_host().map_err(|fault| fault.to_string())?;
                values.extend_from_slice(&host.values()[..wanted]);
            }
            (TensorData::Int64(values), Value::Int(host)) => {
                values.extend_from_slice(&host.values()[..wanted]);
            }
            (TensorData::Int64(values), Value::Bool(host)) => {
                values.extend(
                    host.values()[..wanted]
                        .iter()
                        .map(|&truth| i64::from(truth)),
                );
            }
            (TensorData::String(values), Value::Text(host)) => {
                values.extend_from_slice(&host.values()[..wanted]);
            }
            (_, result) => {
                return Err(format!("output \"{}\" became {}", self.name, result.kind()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
