//! What is done to scores last, and how one score of two classes becomes two.

use crate::onnx::fault::{Fault, refuse};

/// `post_transform` of classifiers and regressors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostTransform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl PostTransform {
    pub(super) fn parse(name: &str) -> Result<Self, Fault> {
        Ok(match name {
            "NONE" => Self::None,
            "SOFTMAX" => Self::Softmax,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => Self::Probit,
            other => refuse!(
                "post_transform \"{other}\"; ONNX knows NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO and PROBIT"
            ),
        })
    }

    /// `post_transform` of `TreeEnsemble`, a number.
    pub(super) fn of_number(number: i64) -> Result<Self, Fault> {
        Ok(match number {
            0 => Self::None,
            1 => Self::Softmax,
            2 => Self::Logistic,
            3 => Self::SoftmaxZero,
            4 => Self::Probit,
            other => refuse!("post_transform {other}; ONNX knows 0 to 4"),
        })
    }

    /// Transforms the scores of one row.
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Softmax => softmax(scores, |_| true),
            // A score that is zero says nothing and stays zero.
            Self::SoftmaxZero => softmax(scores, |score| score.abs() > 1e-7),
            Self::Logistic => scores
                .iter_mut()
                .for_each(|score| *score = logistic(*score)),
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }
}

fn softmax(scores: &mut [f32], takes_part: impl Fn(f32) -> bool) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0;
    for score in scores.iter_mut() {
        *score = if takes_part(*score) {
            (*score - largest).exp()
        } else {
            0.0
        };
        total += *score;
    }
    if total > 0.0 {
        scores.iter_mut().for_each(|score| *score /= total);
    }
}

/// `1 / (1 + e^-x)`, computed from the side that does not overflow.
pub(super) fn logistic(x: f32) -> f32 {
    let tail = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { 1.0 - tail } else { tail }
}

/// `sqrt(2) * erfinv(2 x - 1)`, with Winitzki's approximation of the inverse error function (2008), which ONNX
/// Runtime uses too.
fn probit(x: f32) -> f32 {
    let y = 2.0 * x - 1.0;
    let sign = if y < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - y) * (1.0 + y)).ln();
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let v2 = 1.0 / 0.147 * log;
    std::f32::consts::SQRT_2 * sign * (-v + (v * v - v2).sqrt()).sqrt()
}

/// The position of the largest score, the first of equal ones.
pub(super) fn largest(scores: &[f32]) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best
}
