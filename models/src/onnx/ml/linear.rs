//! Linear models: a weighted sum for each class or target.

use super::labels::Labels;
use super::rows::Rows;
use super::transform::{PostTransform, largest};
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    match node.operator {
        "LinearRegressor" => regressor(node),
        "LinearClassifier" => classifier(node),
        other => refuse!("{other} is no linear model"),
    }
}

/// `[outputs, features]`, row-major, and an intercept for each output.
struct Weights {
    coefficients: Vec<f32>,
    intercepts: Vec<f32>,
    outputs: usize,
}

impl Weights {
    fn new(coefficients: &[f32], intercepts: &[f32], outputs: usize) -> Result<Self, Fault> {
        if outputs == 0 || coefficients.is_empty() || !coefficients.len().is_multiple_of(outputs) {
            refuse!("{} coefficients for {outputs} outputs", coefficients.len());
        }
        let mut intercepts = intercepts.to_vec();
        if intercepts.is_empty() {
            intercepts = vec![0.0; outputs];
        }
        if intercepts.len() != outputs {
            refuse!("{} intercepts for {outputs} outputs", intercepts.len());
        }
        Ok(Self {
            coefficients: coefficients.to_vec(),
            intercepts,
            outputs,
        })
    }

    fn features(&self) -> usize {
        self.coefficients.len() / self.outputs
    }

    /// The sums of one row, appended. Sums are kept in 64 bits: nothing is lost before the last rounding.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model's numbers are 32-bit"
    )]
    fn score(&self, row: &[f32], into: &mut Vec<f32>) {
        let weights = self.coefficients.chunks_exact(self.features());
        for (weights, &intercept) in weights.zip(&self.intercepts) {
            let mut sum = f64::from(intercept);
            for (&weight, &x) in weights.iter().zip(row) {
                sum += f64::from(weight) * f64::from(x);
            }
            into.push(sum as f32);
        }
    }
}

fn regressor(node: &Node<'_>) -> Result<Kernel, Fault> {
    let attributes = node.attributes;
    let targets = crate::onnx::shape::size(attributes.int("targets", 1)?)?;
    let weights = Weights::new(
        attributes.floats("coefficients")?,
        attributes.floats("intercepts")?,
        targets,
    )?;
    let transform = PostTransform::parse(&attributes.text("post_transform", "NONE")?)?;
    Ok(kernel(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        rows.expect_columns(weights.features())?;
        let mut scores = Vec::with_capacity(rows.count * targets);
        for row in rows.iter() {
            let start = scores.len();
            weights.score(row, &mut scores);
            transform.apply(&mut scores[start..]);
        }
        Ok(Value::host(Host::new(vec![rows.count, targets], scores)?))
    }))
}

/// With one row of weights and two labels the second class is the score, the first its complement.
fn classifier(node: &Node<'_>) -> Result<Kernel, Fault> {
    let attributes = node.attributes;
    let labels = Labels::read(attributes, "classlabels_ints", "classlabels_strings")?;
    let coefficients = attributes.floats("coefficients")?;
    let intercepts = attributes.floats("intercepts")?;
    let classes = if intercepts.is_empty() {
        labels.len()
    } else {
        intercepts.len()
    };
    let weights = Weights::new(coefficients, intercepts, classes)?;
    let labels = labels.or_numbers(classes.max(2));
    let transform = PostTransform::parse(&attributes.text("post_transform", "NONE")?)?;
    let complement = classes == 1 && labels.len() == 2;
    Ok(Box::new(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        rows.expect_columns(weights.features())?;
        let columns = if complement { 2 } else { classes };
        let mut scores = Vec::with_capacity(rows.count * columns);
        let mut chosen = Vec::with_capacity(rows.count);
        for row in rows.iter() {
            let start = scores.len();
            weights.score(row, &mut scores);
            if complement {
                let score = scores[start];
                chosen.push(usize::from(score > 0.0));
                // Softmax of one score says nothing, and ONNX Runtime leaves it out.
                if matches!(transform, PostTransform::Logistic | PostTransform::Probit) {
                    transform.apply(&mut scores[start..]);
                }
                let score = scores[start];
                scores[start] = 1.0 - score;
                scores.push(score);
            } else {
                chosen.push(largest(&scores[start..]));
                transform.apply(&mut scores[start..]);
            }
        }
        let scores = Host::new(vec![rows.count, columns], scores)?;
        Ok(vec![labels.pick(&chosen)?, Value::host(scores)])
    }))
}
