//! One number in, one number out: activations and elementary functions.

use burn::backend::ops::{ActivationOps, FloatTensorOps};
use burn::backend::{Dispatch, DispatchTensor};

use crate::onnx::fault::{Fault, refuse};
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    let attributes = node.attributes;
    Ok(match node.operator {
        "Relu" => of_floats(Dispatch::relu),
        "Sigmoid" => of_floats(Dispatch::sigmoid),
        "Tanh" => of_floats(Dispatch::float_tanh),
        "Erf" => of_floats(Dispatch::float_erf),
        "Exp" => of_floats(Dispatch::float_exp),
        "Log" => of_floats(Dispatch::float_log),
        "Sqrt" => of_floats(Dispatch::float_sqrt),
        "Reciprocal" => of_floats(Dispatch::float_recip),
        "Floor" => of_floats(Dispatch::float_floor),
        "Ceil" => of_floats(Dispatch::float_ceil),
        // Halves go to the even neighbour in both ONNX and Burn.
        "Round" => of_floats(Dispatch::float_round),
        "Abs" => of_numbers(Dispatch::float_abs, i64::wrapping_abs),
        "Neg" => of_numbers(Dispatch::float_neg, i64::wrapping_neg),
        "Sign" => of_numbers(Dispatch::float_sign, i64::signum),
        "Softplus" => of_floats(softplus),
        "Softsign" => of_floats(|x| {
            let scale = Dispatch::float_add_scalar(Dispatch::float_abs(x.clone()), 1.0.into());
            Dispatch::float_div(x, scale)
        }),
        "Mish" => of_floats(|x| Dispatch::float_mul(x.clone(), Dispatch::float_tanh(softplus(x)))),
        "HardSwish" => of_floats(|x| {
            let gate = Dispatch::hard_sigmoid(x.clone(), (1.0 / 6.0).into(), 0.5.into());
            Dispatch::float_mul(x, gate)
        }),
        "Gelu" => gelu(&attributes.text("approximate", "none")?)?,
        "LeakyRelu" => {
            let slope = attributes.float("alpha", 0.01)?;
            of_floats(move |x| Dispatch::leaky_relu(x, slope.into()))
        }
        "HardSigmoid" => {
            let (alpha, beta) = (
                attributes.float("alpha", 0.2)?,
                attributes.float("beta", 0.5)?,
            );
            of_floats(move |x| Dispatch::hard_sigmoid(x, alpha.into(), beta.into()))
        }
        "ThresholdedRelu" => {
            let alpha = attributes.float("alpha", 1.0)?;
            of_floats(move |x| {
                let above = Dispatch::float_sub_scalar(x.clone(), alpha.into());
                Dispatch::float_mul(
                    x,
                    Dispatch::float_clamp_min(Dispatch::float_sign(above), 0.0.into()),
                )
            })
        }
        "Elu" => elu(attributes.float("alpha", 1.0)?, 1.0, 1.0),
        "Celu" => {
            let alpha = attributes.float("alpha", 1.0)?;
            elu(alpha, 1.0, alpha)
        }
        "Selu" => {
            let alpha = attributes.float("alpha", 1.673_263_2)?;
            elu(alpha, attributes.float("gamma", 1.050_701)?, 1.0)
        }
        other => refuse!("{other} is not elementwise"),
    })
}

fn of_floats(
    operation: impl Fn(DispatchTensor) -> DispatchTensor + Send + Sync + 'static,
) -> Kernel {
    kernel(move |arguments| {
        let tensor = arguments.on_device(0)?.map(&operation);
        Ok(Value::Float(tensor.into()))
    })
}

fn of_numbers(
    of_float: impl Fn(DispatchTensor) -> DispatchTensor + Send + Sync + 'static,
    of_int: impl Fn(i64) -> i64 + Send + Sync + 'static,
) -> Kernel {
    kernel(move |arguments| match arguments.take(0)? {
        Value::Int(host) => Ok(Value::Int(host.map(|&number| of_int(number)))),
        other => {
            let tensor = other.into_float()?.on_device(arguments.device())?;
            Ok(Value::Float(tensor.map(&of_float).into()))
        }
    })
}

/// `ln(1 + e^x)` as `max(x, 0) + ln(1 + e^-|x|)`, which does not overflow.
fn softplus(x: DispatchTensor) -> DispatchTensor {
    let magnitude = Dispatch::float_neg(Dispatch::float_abs(x.clone()));
    let tail = Dispatch::float_log1p(Dispatch::float_exp(magnitude));
    Dispatch::float_add(Dispatch::relu(x), tail)
}

/// `gamma * x` above zero, `gamma * alpha * (e^(x / scale) - 1)` below.
fn elu(alpha: f32, gamma: f32, scale: f32) -> Kernel {
    of_floats(move |x| {
        let above = Dispatch::relu(x.clone());
        let below = Dispatch::float_clamp_max(x, 0.0.into());
        let below = Dispatch::float_exp(Dispatch::float_div_scalar(below, scale.into()));
        let below = Dispatch::float_sub_scalar(below, 1.0.into());
        let below = Dispatch::float_mul_scalar(below, alpha.into());
        Dispatch::float_mul_scalar(Dispatch::float_add(above, below), gamma.into())
    })
}

/// Hendrycks and Gimpel's GELU, exact or by its tanh approximation.
fn gelu(approximate: &str) -> Result<Kernel, Fault> {
    match approximate {
        "none" => Ok(of_floats(|x| {
            let scaled =
                Dispatch::float_mul_scalar(x.clone(), std::f64::consts::FRAC_1_SQRT_2.into());
            let gate = Dispatch::float_add_scalar(Dispatch::float_erf(scaled), 1.0.into());
            Dispatch::float_mul_scalar(Dispatch::float_mul(x, gate), 0.5.into())
        })),
        "tanh" => Ok(of_floats(|x| {
            let cube = Dispatch::float_mul(x.clone(), Dispatch::float_mul(x.clone(), x.clone()));
            let inner = Dispatch::float_add(
                x.clone(),
                Dispatch::float_mul_scalar(cube, 0.044_715.into()),
            );
            let inner =
                Dispatch::float_mul_scalar(inner, (2.0 / std::f64::consts::PI).sqrt().into());
            let gate = Dispatch::float_add_scalar(Dispatch::float_tanh(inner), 1.0.into());
            Dispatch::float_mul_scalar(Dispatch::float_mul(x, gate), 0.5.into())
        })),
        other => refuse!("approximate = \"{other}\"; ONNX knows none and tanh"),
    }
}
