//! Tensors in plain memory: shapes, indices, labels and text, and the floats of kernels that Burn does not have.

use super::fault::{Fault, refuse};
use super::shape;

/// A dense row-major tensor. `values.len()` is the product of `shape`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Host<T> {
    shape: Vec<usize>,
    values: Vec<T>,
}

impl<T: Clone> Host<T> {
    /// A tensor of these values.
    pub(crate) fn new(shape: Vec<usize>, values: Vec<T>) -> Result<Self, Fault> {
        if shape::count(&shape)? != values.len() {
            refuse!("{} values for shape {shape:?}", values.len());
        }
        Ok(Self { shape, values })
    }

    /// One axis.
    pub(crate) fn vector(values: Vec<T>) -> Self {
        Self {
            shape: vec![values.len()],
            values,
        }
    }

    /// The same value everywhere.
    pub(crate) fn filled(shape: Vec<usize>, value: T) -> Result<Self, Fault> {
        let values = vec![value; shape::count(&shape)?];
        Ok(Self { shape, values })
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn into_parts(self) -> (Vec<usize>, Vec<T>) {
        (self.shape, self.values)
    }

    /// The same values under another shape of as many elements.
    pub(crate) fn reshaped(self, shape: Vec<usize>) -> Result<Self, Fault> {
        if shape::count(&shape)? != self.values.len() {
            refuse!("shape {:?} cannot become {shape:?}", self.shape);
        }
        Ok(Self {
            shape,
            values: self.values,
        })
    }

    /// The value computed for each element.
    pub(crate) fn map<U>(&self, compute: impl FnMut(&T) -> U) -> Host<U> {
        Host {
            shape: self.shape.clone(),
            values: self.values.iter().map(compute).collect(),
        }
    }

    /// Stretched to a larger shape by NumPy's rule.
    pub(crate) fn broadcast_to(&self, shape: &[usize]) -> Result<Self, Fault> {
        if self.shape == shape {
            return Ok(self.clone());
        }
        if shape::broadcast(&self.shape, shape)? != shape {
            refuse!("shape {:?} does not stretch to {shape:?}", self.shape);
        }
        let missing = shape.len() - self.shape.len();
        let own = shape::strides(&self.shape);
        let mut steps = vec![0; shape.len()];
        for (position, &size) in self.shape.iter().enumerate() {
            if size != 1 {
                steps[missing + position] = own[position];
            }
        }
        self.walk(shape.to_vec(), 0, &steps)
    }

    /// A value for each pair of elements, broadcast.
    pub(crate) fn zip<U: Clone, V>(
        &self,
        other: &Host<U>,
        mut compute: impl FnMut(&T, &U) -> V,
    ) -> Result<Host<V>, Fault> {
        let shape = shape::broadcast(&self.shape, &other.shape)?;
        let left = self.broadcast_to(&shape)?;
        let right = other.broadcast_to(&shape)?;
        let values = left.values.iter().zip(&right.values);
        Ok(Host {
            values: values.map(|(a, b)| compute(a, b)).collect(),
            shape,
        })
    }

    /// Axes in another order: axis `i` of the answer is axis `order[i]` of this.
    pub(crate) fn permuted(&self, order: &[usize]) -> Result<Self, Fault> {
        let own = shape::strides(&self.shape);
        let shape = order.iter().map(|&axis| self.shape[axis]).collect();
        let steps: Vec<usize> = order.iter().map(|&axis| own[axis]).collect();
        self.walk(shape, 0, &steps)
    }

    /// Of each axis the positions given, in that order.
    pub(crate) fn selected(&self, axis: usize, positions: &[usize]) -> Result<Self, Fault> {
        let (before, size, after) = self.around(axis);
        let mut shape = self.shape.clone();
        shape[axis] = positions.len();
        let mut values = Vec::with_capacity(shape::count(&shape)?);
        for block in 0..before {
            for &position in positions {
                let start = (block * size + position) * after;
                values.extend_from_slice(&self.values[start..start + after]);
            }
        }
        Ok(Self { shape, values })
    }

    /// Tensors one behind the other along an axis.
    pub(crate) fn concatenated(parts: &[Self], axis: usize) -> Result<Self, Fault> {
        let Some(first) = parts.first() else {
            refuse!("nothing to join");
        };
        let mut shape = first.shape.clone();
        shape[axis] = 0;
        for part in parts {
            let fits = part.shape.len() == shape.len()
                && (0..shape.len()).all(|at| at == axis || part.shape[at] == shape[at]);
            if !fits {
                refuse!(
                    "shapes {:?} and {:?} cannot be joined",
                    first.shape,
                    part.shape
                );
            }
            shape[axis] += part.shape[axis];
        }
        let mut values = Vec::with_capacity(shape::count(&shape)?);
        let (before, _, _) = first.around(axis);
        for block in 0..before {
            for part in parts {
                let (_, size, after) = part.around(axis);
                let run = size * after;
                values.extend_from_slice(&part.values[block * run..][..run]);
            }
        }
        Ok(Self { shape, values })
    }

    /// How many blocks lie before an axis, its size, and how many elements lie behind one position of it.
    pub(crate) fn around(&self, axis: usize) -> (usize, usize, usize) {
        let before = self.shape[..axis].iter().product();
        let after = self.shape[axis + 1..].iter().product();
        (before, self.shape[axis], after)
    }

    /// Reads element after element of a view given by start and steps.
    fn walk(&self, shape: Vec<usize>, start: usize, steps: &[usize]) -> Result<Self, Fault> {
        let total = shape::count(&shape)?;
        let mut values = Vec::with_capacity(total);
        let mut index = vec![0; shape.len()];
        let mut at = start;
        for _ in 0..total {
            values.push(self.values[at].clone());
            for axis in (0..shape.len()).rev() {
                index[axis] += 1;
                at += steps[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                at -= steps[axis] * shape[axis];
                index[axis] = 0;
            }
        }
        Ok(Self { shape, values })
    }
}
