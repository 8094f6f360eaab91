//! Scores of rows: ours, and the two detectors that the golden file was made with.

use config::{Detect, Node, OperatorKind};
use models::detect::Detector;

use super::Series;
use crate::inside;

/// One score a row.
pub type Rows = Vec<f64>;

/// The settings of a `detect` on one column of numbers, as a topology with these lines has them.
///
/// # Panics
/// If the lines are wrong.
#[must_use]
#[expect(clippy::expect_used, reason = "for experiments and tests")]
pub fn settings(lines: &str) -> Detect {
    let text = format!(
        r#"
        version = 1
        name = "nab"
        source = [{{ id = "in", topic = "in", key = "series", schema = {{ series = "string", value = "float64" }} }}]
        sink = [{{ id = "out", input = "unusual", topic = "out" }}]
        [[operator]]
        id = "unusual"
        kind = "detect"
        input = "in"
        columns = ["value"]
        {lines}
        "#
    );
    let topology = inside::topology(&text);
    let found = topology.nodes.iter().find_map(|node| match node {
        Node::Operator(operator) => match &operator.kind {
            OperatorKind::Detect(detect) => Some(detect.clone()),
            _ => None,
        },
        Node::Source(_) | Node::Sink(_) => None,
    });
    found.expect("the topology has one")
}

/// -log10 of the tail probability where a row is an anomaly by `settings`, else 0. With a threshold of 1 that is what
/// every threshold would give.
#[must_use]
pub fn detect(series: &Series, settings: &Detect) -> Rows {
    let mut detector = Detector::new(settings, 0);
    let values = series.values.iter();
    let scores = values.map(|value| {
        let verdict = detector.row(settings, &[*value]);
        match verdict.anomaly {
            true => -verdict.probability.log10(),
            false => 0.0,
        }
    });
    scores.collect()
}

/// The golden file's `lcg`: one generator through all rows of all series.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "53 bits")]
pub fn golden_lcg(series: &[Series]) -> Vec<Rows> {
    let mut state: u64 = 1;
    let mut row = |_: &f64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let rows = series.iter();
    rows.map(|series| series.values.iter().map(&mut row).collect())
        .collect()
}

/// The golden file's `ewma`: z / (1 + z) against a mean with weight 0.01; the trivial baseline.
#[must_use]
pub fn golden_ewma(series: &Series) -> Rows {
    const ALPHA: f64 = 0.01;
    let (mut mean, mut variance) = (series.values.first().copied().unwrap_or(0.0), 0.0_f64);
    let rows = series.values.iter().enumerate();
    let scores = rows.map(|(row, value)| {
        let distance = value - mean;
        let deviation = if variance > 1e-12 {
            variance.sqrt()
        } else {
            1e-6
        };
        let z = distance.abs() / deviation;
        mean += ALPHA * distance;
        variance = (1.0 - ALPHA) * (variance + ALPHA * distance * distance);
        if row >= 10 { z / (1.0 + z) } else { 0.0 }
    });
    scores.collect()
}
