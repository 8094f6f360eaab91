//! Float tensors without a rank in their type: on Burn's device, or in plain memory until Burn is asked.
//!
//! The only file that calls Burn's operations. Burn panics on shapes that do not fit, so every function here decides
//! that first. A tensor of rank 0 is kept on the device as `[1]`: GPU kernels panic on rank 0.

use burn::backend::ops::{ActivationOps, FloatTensorOps};
use burn::backend::{Dispatch, DispatchTensor, Slice, TensorData};
use burn::tensor::Shape;

use super::fault::{Fault, refuse};
use super::host::Host;
use super::shape;
use crate::device::Device;

/// A tensor of 32-bit floats.
#[derive(Debug, Clone)]
pub(crate) enum Float {
    /// In plain memory.
    Host(Host<f32>),
    /// On the device.
    Device(DeviceFloat),
}

/// A tensor on the device, with the shape that ONNX sees.
#[derive(Debug, Clone)]
pub(crate) struct DeviceFloat {
    tensor: DispatchTensor,
    shape: Vec<usize>,
}

impl Float {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Host(host) => host.shape(),
            Self::Device(on_device) => &on_device.shape,
        }
    }

    /// The values in plain memory. Waits for a GPU.
    pub(crate) fn into_host(self) -> Result<Host<f32>, Fault> {
        match self {
            Self::Host(host) => Ok(host),
            Self::Device(DeviceFloat { tensor, shape }) => {
                let data = burn::tensor::read_sync(Dispatch::float_into_data(tensor))
                    .map_err(|error| Fault::new(format!("the device failed: {error}")))?;
                let values = data
                    .try_into_vec::<f32>()
                    .map_err(|error| Fault::new(format!("the device gave no floats: {error}")))?;
                Host::new(shape, values)
            }
        }
    }

    /// The tensor for Burn.
    ///
    /// # Errors
    /// If it is empty: Burn's kernels take no empty tensors.
    pub(crate) fn on_device(self, device: &Device) -> Result<DeviceFloat, Fault> {
        match self {
            Self::Device(on_device) => Ok(on_device),
            Self::Host(host) => {
                let (shape, values) = host.into_parts();
                if values.is_empty() {
                    refuse!("an empty tensor of shape {shape:?}");
                }
                let data = TensorData::new(values, physical(&shape));
                let tensor = Dispatch::float_from_data(data, device.dispatch());
                Ok(DeviceFloat { tensor, shape })
            }
        }
    }
}

impl From<DeviceFloat> for Float {
    fn from(on_device: DeviceFloat) -> Self {
        Self::Device(on_device)
    }
}

/// The shape that the device sees.
fn physical(shape: &[usize]) -> Shape {
    if shape.is_empty() {
        Shape::new([1])
    } else {
        Shape::from(shape)
    }
}

impl DeviceFloat {
    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Applies an operation that keeps the shape.
    pub(crate) fn map(self, operation: impl FnOnce(DispatchTensor) -> DispatchTensor) -> Self {
        Self {
            tensor: operation(self.tensor),
            shape: self.shape,
        }
    }

    /// Applies an operation of two tensors, broadcast.
    pub(crate) fn zip(
        self,
        other: Self,
        operation: impl FnOnce(DispatchTensor, DispatchTensor) -> DispatchTensor,
    ) -> Result<Self, Fault> {
        let shape = shape::broadcast(&self.shape, &other.shape)?;
        let left = self.padded(shape.len()).tensor;
        let right = other.padded(shape.len()).tensor;
        Ok(Self {
            tensor: operation(left, right),
            shape,
        })
    }

    /// Axes of size 1 in front until there are `rank`.
    fn padded(self, rank: usize) -> Self {
        if self.shape.len() == rank {
            return self;
        }
        let mut shape = vec![1; rank - self.shape.len()];
        shape.extend_from_slice(&self.shape);
        self.reshaped_unchecked(shape)
    }

    fn reshaped_unchecked(self, shape: Vec<usize>) -> Self {
        Self {
            tensor: Dispatch::float_reshape(self.tensor, physical(&shape)),
            shape,
        }
    }

    /// The same values under another shape of as many elements.
    pub(crate) fn reshaped(self, shape: Vec<usize>) -> Result<Self, Fault> {
        if shape::count(&shape)? != shape::count(&self.shape)? {
            refuse!("shape {:?} cannot become {shape:?}", self.shape);
        }
        Ok(self.reshaped_unchecked(shape))
    }

    /// Stretched to a larger shape by NumPy's rule.
    pub(crate) fn broadcast_to(self, shape: &[usize]) -> Result<Self, Fault> {
        if shape::broadcast(&self.shape, shape)? != shape {
            refuse!("shape {:?} does not stretch to {shape:?}", self.shape);
        }
        let padded = self.padded(shape.len());
        Ok(Self {
            tensor: Dispatch::float_expand(padded.tensor, physical(shape)),
            shape: shape.to_vec(),
        })
    }

    /// Axes in another order: axis `i` of the answer is axis `order[i]` of this. `order` is a permutation.
    pub(crate) fn permuted(self, order: &[usize]) -> Self {
        if order.len() < 2 {
            return self;
        }
        Self {
            tensor: Dispatch::float_permute(self.tensor, order),
            shape: order.iter().map(|&axis| self.shape[axis]).collect(),
        }
    }

    /// The run `start..start + length` of one axis; it lies within the axis and is not empty.
    pub(crate) fn narrowed(self, axis: usize, start: usize, length: usize) -> Self {
        let mut shape = self.shape;
        let slices: Vec<Slice> = (0..shape.len())
            .map(|at| {
                if at == axis {
                    Slice::from(start..start + length)
                } else {
                    Slice::from(0..shape[at])
                }
            })
            .collect();
        shape[axis] = length;
        Self {
            tensor: Dispatch::float_slice(self.tensor, &slices),
            shape,
        }
    }

    /// Matrix product over the last two axes, the others broadcast, by NumPy's `matmul`.
    ///
    /// `self` `[..., m, k]`, `other` `[..., k, n]`, answer `[..., m, n]`; a vector is a row on the left and a column
    /// on the right.
    pub(crate) fn matmul(self, other: Self) -> Result<Self, Fault> {
        let (left_shape, right_shape) = (self.shape.clone(), other.shape.clone());
        if left_shape.is_empty() || right_shape.is_empty() {
            refuse!("a scalar in a matrix product");
        }
        let (rows, columns) = (left_shape.len() == 1, right_shape.len() == 1);
        let left = if rows { self.padded(2) } else { self };
        let right = if columns {
            let column = vec![right_shape[0], 1];
            other.reshaped_unchecked(column)
        } else {
            other
        };
        let mut product = left.matmul_of_matrices(right)?;
        let mut shape = product.shape.clone();
        let rank = shape.len();
        if columns {
            shape.remove(rank - 1);
        }
        if rows {
            shape.remove(rank - 2);
        }
        if rows || columns {
            product = product.reshaped_unchecked(shape);
        }
        Ok(product)
    }

    fn matmul_of_matrices(self, other: Self) -> Result<Self, Fault> {
        let (left, right) = (self.shape.clone(), other.shape.clone());
        let (left_batch, left_matrix) = left.split_at(left.len() - 2);
        let (right_batch, right_matrix) = right.split_at(right.len() - 2);
        if left_matrix[1] != right_matrix[0] {
            refuse!("a matrix product of shapes {left:?} and {right:?}");
        }
        let mut shape = shape::broadcast(left_batch, right_batch)?;
        shape.extend([left_matrix[0], right_matrix[1]]);
        shape::count(&shape)?;
        if right_batch.is_empty() && !left_batch.is_empty() {
            // One product of a tall matrix instead of many small ones.
            let tall = left_batch.iter().product::<usize>() * left_matrix[0];
            let flat = self.reshaped_unchecked(vec![tall, left_matrix[1]]);
            let product = Self {
                tensor: Dispatch::float_matmul(flat.tensor, other.tensor),
                shape: vec![tall, right_matrix[1]],
            };
            return Ok(product.reshaped_unchecked(shape));
        }
        let rank = shape.len();
        let tensor = Dispatch::float_matmul(self.padded(rank).tensor, other.padded(rank).tensor);
        Ok(Self { tensor, shape })
    }

    /// Reduces axes by an operation that reduces one axis to size 1; then drops those axes unless `keep`.
    pub(crate) fn reduced(
        self,
        axes: &[usize],
        keep: bool,
        operation: impl Fn(DispatchTensor, usize) -> DispatchTensor,
    ) -> Self {
        let mut reduced = self;
        for &axis in axes {
            reduced.tensor = operation(reduced.tensor, axis);
            reduced.shape[axis] = 1;
        }
        if keep || axes.is_empty() {
            return reduced;
        }
        let shape = reduced.shape.iter().enumerate();
        let kept = shape.filter(|(axis, _)| !axes.contains(axis));
        let shape = kept.map(|(_, &size)| size).collect();
        reduced.reshaped_unchecked(shape)
    }

    /// Softmax along an axis.
    pub(crate) fn softmax(self, axis: usize) -> Self {
        self.map(|tensor| Dispatch::softmax(tensor, axis))
    }

    /// Tensors one behind the other along an axis; their shapes fit.
    pub(crate) fn concatenated(parts: Vec<Self>, axis: usize) -> Result<Self, Fault> {
        let Some(first) = parts.first() else {
            refuse!("nothing to join");
        };
        let mut shape = first.shape.clone();
        shape[axis] = 0;
        for part in &parts {
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
        shape::count(&shape)?;
        let tensors = parts.into_iter().map(|part| part.tensor).collect();
        Ok(Self {
            tensor: Dispatch::float_cat(tensors, axis),
            shape,
        })
    }
}
