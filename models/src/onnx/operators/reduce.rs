//! Many numbers to one along axes, and the position of the largest or smallest.

use burn::backend::ops::FloatTensorOps;
use burn::backend::{Dispatch, DispatchTensor};

use crate::onnx::arguments::Arguments;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::float::DeviceFloat;
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    if matches!(node.operator, "ArgMax" | "ArgMin") {
        return position(node);
    }
    node.expect_inputs(1, 2)?;
    let axes = Axes::of(node)?;
    let of_floats: OfFloats = match node.operator {
        "ReduceSum" => sum,
        "ReduceMean" => |x, axes, keep| Ok(x.reduced(axes, keep, Dispatch::float_mean_dim)),
        "ReduceMax" => |x, axes, keep| Ok(x.reduced(axes, keep, Dispatch::float_max_dim)),
        "ReduceMin" => |x, axes, keep| Ok(x.reduced(axes, keep, Dispatch::float_min_dim)),
        "ReduceProd" => |x, axes, keep| Ok(x.reduced(axes, keep, Dispatch::float_prod_dim)),
        "ReduceL1" => |x, axes, keep| sum(x.map(Dispatch::float_abs), axes, keep),
        "ReduceSumSquare" => |x, axes, keep| sum(x.map(square), axes, keep),
        "ReduceL2" => |x, axes, keep| Ok(sum(x.map(square), axes, keep)?.map(Dispatch::float_sqrt)),
        "ReduceLogSum" => |x, axes, keep| Ok(sum(x, axes, keep)?.map(Dispatch::float_log)),
        "ReduceLogSumExp" => log_sum_exp,
        other => refuse!("{other} is no reduction"),
    };
    let of_ints: fn(&[i64]) -> Option<i64> = match node.operator {
        "ReduceSum" => |all| Some(all.iter().fold(0, |sum, &n| sum.wrapping_add(n))),
        "ReduceProd" => |all| Some(all.iter().fold(1, |product, &n| product.wrapping_mul(n))),
        "ReduceMax" => |all| all.iter().max().copied(),
        "ReduceMin" => |all| all.iter().min().copied(),
        _ => |_| None,
    };
    Ok(kernel(move |arguments| {
        let value = arguments.take(0)?;
        let Some(axes_here) = axes.resolve(arguments, value.shape().len())? else {
            return Ok(value);
        };
        match value {
            Value::Int(host) => reduce_ints(&host, &axes_here, axes.keep, of_ints),
            other => {
                let tensor = other.into_float()?.on_device(arguments.device())?;
                Ok(Value::Float(
                    of_floats(tensor, &axes_here, axes.keep)?.into(),
                ))
            }
        }
    }))
}

type OfFloats = fn(DeviceFloat, &[usize], bool) -> Result<DeviceFloat, Fault>;

fn sum(x: DeviceFloat, axes: &[usize], keep: bool) -> Result<DeviceFloat, Fault> {
    Ok(x.reduced(axes, keep, Dispatch::float_sum_dim))
}

fn square(x: DispatchTensor) -> DispatchTensor {
    Dispatch::float_mul(x.clone(), x)
}

/// With the largest taken out first, so that nothing overflows.
fn log_sum_exp(x: DeviceFloat, axes: &[usize], keep: bool) -> Result<DeviceFloat, Fault> {
    let largest = x.clone().reduced(axes, true, Dispatch::float_max_dim);
    // An axis of infinities would leave infinity minus infinity.
    let largest =
        largest.map(|tensor| Dispatch::float_clamp(tensor, f32::MIN.into(), f32::MAX.into()));
    let shifted = x.zip(largest.clone(), Dispatch::float_sub)?;
    let total = sum(shifted.map(Dispatch::float_exp), axes, true)?;
    let answer = total
        .map(Dispatch::float_log)
        .zip(largest, Dispatch::float_add)?;
    // The axes are of size one by now: they are only dropped.
    Ok(answer.reduced(axes, keep, |tensor, _| tensor))
}

/// Which axes a reduction takes away: an attribute first, an input in newer versions.
struct Axes {
    given: Option<Vec<i64>>,
    keep: bool,
    /// No axes at all: nothing is reduced, instead of everything.
    empty_is_nothing: bool,
}

impl Axes {
    fn of(node: &Node<'_>) -> Result<Self, Fault> {
        Ok(Self {
            given: node.attributes.optional_ints("axes")?.map(<[i64]>::to_vec),
            keep: node.attributes.flag("keepdims", true)?,
            empty_is_nothing: node.attributes.flag("noop_with_empty_axes", false)?,
        })
    }

    /// The axes for a tensor of this rank; `None`: leave it as it is.
    fn resolve(
        &self,
        arguments: &mut Arguments<'_>,
        rank: usize,
    ) -> Result<Option<Vec<usize>>, Fault> {
        let given = match &self.given {
            Some(given) => Some(given.clone()),
            None => arguments.optional_ints(1)?,
        };
        match given.as_deref() {
            None | Some([]) if self.empty_is_nothing => Ok(None),
            None | Some([]) => Ok(Some((0..rank).collect())),
            Some(given) => Ok(Some(shape::axes(given, rank)?)),
        }
    }
}

fn reduce_ints(
    host: &Host<i64>,
    axes: &[usize],
    keep: bool,
    of_ints: fn(&[i64]) -> Option<i64>,
) -> Result<Value, Fault> {
    let rank = host.shape().len();
    let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
    let run: usize = axes.iter().map(|&axis| host.shape()[axis]).product();
    let answers: usize = kept.iter().map(|&axis| host.shape()[axis]).product();
    let sorted = host.permuted(&order)?;
    let mut values = Vec::with_capacity(answers);
    for answer in 0..answers {
        match of_ints(&sorted.values()[answer * run..][..run]) {
            Some(value) => values.push(value),
            None => refuse!("integers, or nothing, cannot be reduced so"),
        }
    }
    let shape = if keep {
        let size = |axis| {
            if axes.contains(&axis) {
                1
            } else {
                host.shape()[axis]
            }
        };
        (0..rank).map(size).collect()
    } else {
        kept.iter().map(|&axis| host.shape()[axis]).collect()
    };
    Ok(Value::Int(Host::new(shape, values)?))
}

/// `ArgMax` and `ArgMin`. NaN is never chosen unless it stands first.
fn position(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let axis = node.attributes.int("axis", 0)?;
    let keep = node.attributes.flag("keepdims", true)?;
    let last = node.attributes.flag("select_last_index", false)?;
    let largest = node.operator == "ArgMax";
    Ok(kernel(move |arguments| {
        let numbers = arguments.numbers(0)?;
        let axis = shape::axis(axis, numbers.shape().len())?;
        let (before, size, after) = numbers.around(axis);
        if size == 0 {
            refuse!("no largest of nothing");
        }
        let mut positions = Vec::with_capacity(before * after);
        for block in 0..before {
            for behind in 0..after {
                let value = |at: usize| numbers.values()[(block * size + at) * after + behind];
                let mut best = 0;
                for at in 1..size {
                    let (new, old) = (value(at), value(best));
                    let better = if largest { new > old } else { new < old };
                    #[expect(clippy::float_cmp, reason = "ties are exact")]
                    if better || (last && new == old) {
                        best = at;
                    }
                }
                positions.push(shape::integer(best));
            }
        }
        let mut shape = numbers.shape().to_vec();
        if keep {
            shape[axis] = 1;
        } else {
            shape.remove(axis);
        }
        Ok(Value::Int(Host::new(shape, positions)?))
    }))
}
