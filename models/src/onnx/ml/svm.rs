//! Support vector machines, as libsvm defines them (Chang and Lin, 2011).

use super::labels::Labels;
use super::rows::Rows;
use super::transform::{PostTransform, largest};
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel as NodeKernel, Node, kernel};
use crate::onnx::shape;
use crate::onnx::value::Value;

pub(super) fn build(node: &Node<'_>) -> Result<NodeKernel, Fault> {
    node.expect_inputs(1, 1)?;
    match node.operator {
        "SVMRegressor" => regressor(node),
        "SVMClassifier" => classifier(node),
        other => refuse!("{other} is no support vector machine"),
    }
}

/// How alike two rows are.
#[derive(Debug, Clone, Copy)]
struct Kernel {
    kind: Kind,
    gamma: f32,
    offset: f32,
    degree: f32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Linear,
    Polynomial,
    Radial,
    Sigmoid,
}

impl Kernel {
    fn read(node: &Node<'_>) -> Result<Self, Fault> {
        let kind = match &*node.attributes.text("kernel_type", "LINEAR")? {
            "LINEAR" => Kind::Linear,
            "POLY" => Kind::Polynomial,
            "RBF" => Kind::Radial,
            "SIGMOID" => Kind::Sigmoid,
            other => refuse!("kernel \"{other}\"; ONNX knows LINEAR, POLY, RBF and SIGMOID"),
        };
        let (gamma, offset, degree) = match *node.attributes.floats("kernel_params")? {
            [gamma, offset, degree] => (gamma, offset, degree),
            [] => (0.0, 0.0, 0.0),
            ref other => refuse!("{} kernel parameters; there are 3", other.len()),
        };
        Ok(Self {
            kind,
            gamma,
            offset,
            degree,
        })
    }

    fn of(self, a: &[f32], b: &[f32]) -> f64 {
        let pairs = a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let (gamma, offset) = (f64::from(self.gamma), f64::from(self.offset));
        match self.kind {
            Kind::Radial => (-gamma * pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>()).exp(),
            Kind::Linear => pairs.map(|(a, b)| a * b).sum(),
            Kind::Polynomial => {
                let product: f64 = pairs.map(|(a, b)| a * b).sum();
                (gamma * product + offset).powf(f64::from(self.degree))
            }
            Kind::Sigmoid => {
                let product: f64 = pairs.map(|(a, b)| a * b).sum();
                (gamma * product + offset).tanh()
            }
        }
    }
}

/// Vectors of equally many features, row-major.
fn vectors(values: &[f32], count: usize) -> Result<usize, Fault> {
    if count == 0 || values.is_empty() || !values.len().is_multiple_of(count) {
        refuse!("{} numbers in {count} support vectors", values.len());
    }
    Ok(values.len() / count)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the model's numbers are 32-bit"
)]
fn regressor(node: &Node<'_>) -> Result<NodeKernel, Fault> {
    let attributes = node.attributes;
    let svm = Kernel::read(node)?;
    let coefficients = attributes.floats("coefficients")?.to_vec();
    let support = attributes.floats("support_vectors")?.to_vec();
    let count = shape::size(attributes.int("n_supports", 0)?)?;
    let rho = attributes.floats("rho")?.first().copied().unwrap_or(0.0);
    let one_class = attributes.flag("one_class", false)?;
    let transform = PostTransform::parse(&attributes.text("post_transform", "NONE")?)?;
    // Without support vectors the coefficients are the weights of the features.
    let (support, weights) = if count == 0 {
        (coefficients, vec![1.0])
    } else {
        (support, coefficients)
    };
    let columns = vectors(&support, weights.len())?;
    Ok(kernel(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        rows.expect_columns(columns)?;
        let mut scores = Vec::with_capacity(rows.count);
        for row in rows.iter() {
            let alike = support
                .chunks_exact(columns)
                .map(|vector| svm.of(row, vector));
            let sum: f64 = alike
                .zip(&weights)
                .map(|(k, &weight)| k * f64::from(weight))
                .sum();
            let score = (sum + f64::from(rho)) as f32;
            scores.push(match one_class {
                true if score > 0.0 => 1.0,
                true => -1.0,
                false => score,
            });
        }
        for score in scores.chunks_exact_mut(1) {
            transform.apply(score);
        }
        Ok(Value::host(Host::new(vec![rows.count, 1], scores)?))
    }))
}

/// A classifier of pairs of classes.
struct Machine {
    kernel: Kernel,
    support: Vec<f32>,
    columns: usize,
    /// `[classes - 1, vectors]`
    coefficients: Vec<f32>,
    /// First vector of each class, and the number of all.
    starts: Vec<usize>,
    rho: Vec<f32>,
    probabilities: Option<(Vec<f32>, Vec<f32>)>,
}

fn classifier(node: &Node<'_>) -> Result<NodeKernel, Fault> {
    let attributes = node.attributes;
    let labels = Labels::read(attributes, "classlabels_ints", "classlabels_strings")?;
    let mut starts = vec![0_usize];
    for &count in attributes.ints("vectors_per_class")? {
        let last = starts[starts.len() - 1];
        starts.push(last.saturating_add(shape::size(count)?));
    }
    let transform = PostTransform::parse(&attributes.text("post_transform", "NONE")?)?;
    if starts.len() < 2 {
        return linear(node, labels, transform);
    }
    let classes = starts.len() - 1;
    let labels = labels.or_numbers(classes);
    let machine = Machine::read(node, starts)?;
    if labels.len() != classes || classes < 2 {
        refuse!("{} labels for {classes} classes", labels.len());
    }
    let columns = match machine.probabilities {
        Some(_) => classes,
        None if classes == 2 => 2,
        None => classes * (classes - 1) / 2,
    };
    Ok(Box::new(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        rows.expect_columns(machine.columns)?;
        let mut scores = Vec::with_capacity(rows.count * columns);
        let mut chosen = Vec::with_capacity(rows.count);
        for row in rows.iter() {
            let start = scores.len();
            chosen.push(machine.score(row, &mut scores));
            transform.apply(&mut scores[start..]);
        }
        let scores = Host::new(vec![rows.count, columns], scores)?;
        Ok(vec![labels.pick(&chosen)?, Value::host(scores)])
    }))
}

impl Machine {
    fn read(node: &Node<'_>, starts: Vec<usize>) -> Result<Self, Fault> {
        let attributes = node.attributes;
        let classes = starts.len() - 1;
        let count = starts[classes];
        let support = attributes.floats("support_vectors")?.to_vec();
        let columns = vectors(&support, count)?;
        let coefficients = attributes.floats("coefficients")?.to_vec();
        let rho = attributes.floats("rho")?.to_vec();
        let pairs = classes.saturating_mul(classes - 1) / 2;
        if coefficients.len() != count.saturating_mul(classes - 1) || rho.len() != pairs {
            refuse!(
                "{} coefficients and {} offsets for {classes} classes of {count} vectors",
                coefficients.len(),
                rho.len()
            );
        }
        let (a, b) = (attributes.floats("prob_a")?, attributes.floats("prob_b")?);
        if a.len() != b.len() || (!a.is_empty() && a.len() != pairs) {
            refuse!(
                "{} and {} parameters of probabilities for {pairs} pairs",
                a.len(),
                b.len()
            );
        }
        Ok(Self {
            kernel: Kernel::read(node)?,
            support,
            columns,
            coefficients,
            starts,
            rho,
            probabilities: (!a.is_empty()).then(|| (a.to_vec(), b.to_vec())),
        })
    }

    /// Scores of one row, appended; the class with most votes.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model's numbers are 32-bit"
    )]
    fn score(&self, row: &[f32], scores: &mut Vec<f32>) -> usize {
        let classes = self.starts.len() - 1;
        let alike = self.support.chunks_exact(self.columns);
        let alike: Vec<f64> = alike.map(|vector| self.kernel.of(row, vector)).collect();
        let mut votes = vec![0_u32; classes];
        let mut margins = Vec::with_capacity(self.rho.len());
        for i in 0..classes - 1 {
            for j in i + 1..classes {
                let margin = self.part(i, j - 1, &alike)
                    + self.part(j, i, &alike)
                    + f64::from(self.rho[margins.len()]);
                votes[if margin > 0.0 { i } else { j }] += 1;
                margins.push(margin);
            }
        }
        let mut chosen = 0;
        for (class, &count) in votes.iter().enumerate() {
            if count > votes[chosen] {
                chosen = class;
            }
        }
        match &self.probabilities {
            Some((a, b)) => {
                let probabilities = coupled(&margins, a, b, classes);
                scores.extend(probabilities.iter().map(|&p| p as f32));
            }
            None if classes == 2 => {
                scores.extend([-margins[0] as f32, margins[0] as f32]);
            }
            None => scores.extend(margins.iter().map(|&margin| margin as f32)),
        }
        chosen
    }

    /// What the vectors of a class say, weighted by one row of coefficients.
    fn part(&self, class: usize, coefficients: usize, alike: &[f64]) -> f64 {
        let vectors = self.starts[class]..self.starts[class + 1];
        let weights = &self.coefficients[coefficients * alike.len()..][vectors.clone()];
        let terms = weights.iter().zip(&alike[vectors]);
        terms
            .map(|(&weight, &alike)| f64::from(weight) * alike)
            .sum()
    }
}

/// Probabilities of the classes from the margins of all pairs: Platt's sigmoid for each pair, then the second method
/// of Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling" (2004).
fn coupled(margins: &[f64], a: &[f32], b: &[f32], classes: usize) -> Vec<f64> {
    let mut pairwise = vec![0.0; classes * classes];
    let mut pair = 0;
    for i in 0..classes {
        for j in i + 1..classes {
            let exponent = margins[pair] * f64::from(a[pair]) + f64::from(b[pair]);
            let wins = (1.0 / (1.0 + exponent.exp())).clamp(1e-7, 1.0 - 1e-7);
            pairwise[i * classes + j] = wins;
            pairwise[j * classes + i] = 1.0 - wins;
            pair += 1;
        }
    }
    couple(&pairwise, classes)
}

/// Minimises `p' Q p` with `p` on the simplex by Gauss-Seidel steps.
#[expect(clippy::cast_precision_loss, reason = "classes are few")]
fn couple(pairwise: &[f64], classes: usize) -> Vec<f64> {
    let n = classes as f64;
    let tolerance = 0.005 / n;
    let mut q = vec![0.0; classes * classes];
    for t in 0..classes {
        for j in (0..classes).filter(|&j| j != t) {
            q[t * classes + t] += pairwise[j * classes + t] * pairwise[j * classes + t];
            q[t * classes + j] = -pairwise[j * classes + t] * pairwise[t * classes + j];
        }
    }
    let mut p = vec![1.0 / n; classes];
    let mut qp = vec![0.0; classes];
    for _ in 0..classes.max(100) {
        let mut pqp = 0.0;
        for t in 0..classes {
            qp[t] = (0..classes).map(|j| q[t * classes + j] * p[j]).sum();
            pqp += p[t] * qp[t];
        }
        if qp.iter().all(|&qp| (qp - pqp).abs() < tolerance) {
            break;
        }
        for t in 0..classes {
            let step = (pqp - qp[t]) / q[t * classes + t];
            p[t] += step;
            let scale = 1.0 + step;
            pqp = (pqp + step * (step * q[t * classes + t] + 2.0 * qp[t])) / (scale * scale);
            for j in 0..classes {
                qp[j] = (qp[j] + step * q[t * classes + j]) / scale;
                p[j] /= scale;
            }
        }
    }
    p
}

/// Without vectors: a row of weights for each class.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the model's numbers are 32-bit"
)]
fn linear(node: &Node<'_>, labels: Labels, transform: PostTransform) -> Result<NodeKernel, Fault> {
    let svm = Kernel::read(node)?;
    let coefficients = node.attributes.floats("coefficients")?.to_vec();
    let rho = node
        .attributes
        .floats("rho")?
        .first()
        .copied()
        .unwrap_or(0.0);
    let classes = labels.len();
    let columns = vectors(&coefficients, classes)?;
    Ok(Box::new(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        rows.expect_columns(columns)?;
        let mut scores = Vec::with_capacity(rows.count * classes);
        let mut chosen = Vec::with_capacity(rows.count);
        for row in rows.iter() {
            let start = scores.len();
            for weights in coefficients.chunks_exact(columns) {
                scores.push((svm.of(row, weights) + f64::from(rho)) as f32);
            }
            chosen.push(largest(&scores[start..]));
            transform.apply(&mut scores[start..]);
        }
        let scores = Host::new(vec![rows.count, classes], scores)?;
        Ok(vec![labels.pick(&chosen)?, Value::host(scores)])
    }))
}
