//! Tree ensembles: what the leaves hold, added up, and made a class or a number.

mod parse;

use parse::Parsed;

use super::labels::Labels;
use super::rows::Rows;
use super::transform::{PostTransform, largest};
use super::trees::Forest;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::host::Host;
use crate::onnx::node::{Kernel, Node, kernel};
use crate::onnx::value::Value;

/// Rows or trees walked in step; more do not fit the registers.
const LANES: usize = 8;

/// Rows handled together: their features and sums stay in the first cache while all trees pass.
const BLOCK: usize = 256;

pub(super) fn build(node: &Node<'_>) -> Result<Kernel, Fault> {
    node.expect_inputs(1, 1)?;
    match node.operator {
        "TreeEnsembleRegressor" => regressor(parse::classic(node, "target")?),
        "TreeEnsemble" => regressor(parse::modern(node)?),
        "TreeEnsembleClassifier" => classifier(node, parse::classic(node, "class")?),
        other => refuse!("{other} is no tree ensemble"),
    }
}

/// How the leaves of all trees become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
}

/// Trees, and for each leaf what it says about which target.
struct Ensemble {
    forest: Forest,
    leaves: Leaves,
    aggregate: Aggregate,
    targets: usize,
    base: Vec<f32>,
    transform: PostTransform,
}

/// The weights of leaves by their place in the forest's layout.
enum Leaves {
    /// Every leaf holds one weight for the same target.
    One { target: usize, weights: Vec<f32> },
    /// Place to run of `pairs`; pairs of target and weight.
    Many {
        runs: Vec<(u32, u32)>,
        pairs: Vec<(u32, f32)>,
    },
}

/// Sums of a block of rows, `[rows, targets]`, and which of them any leaf spoke of.
struct Totals {
    sums: Vec<f64>,
    seen: Vec<bool>,
    targets: usize,
}

impl Totals {
    fn of_row(&self, row: usize) -> &[f64] {
        &self.sums[row * self.targets..][..self.targets]
    }

    fn add(&mut self, at: usize, weight: f32, aggregate: Aggregate) {
        let weight = f64::from(weight);
        let sum = &mut self.sums[at];
        *sum = match aggregate {
            Aggregate::Sum | Aggregate::Average => *sum + weight,
            Aggregate::Min if self.seen[at] => sum.min(weight),
            Aggregate::Max if self.seen[at] => sum.max(weight),
            Aggregate::Min | Aggregate::Max => weight,
        };
        self.seen[at] = true;
    }
}

impl Ensemble {
    fn new(parsed: Parsed) -> Result<Self, Fault> {
        let forest = Forest::compile(&parsed.nodes, &parsed.roots)?;
        let leaves = Leaves::new(&parsed, &forest);
        Ok(Self {
            forest,
            leaves,
            aggregate: parsed.aggregate,
            targets: parsed.targets,
            base: parsed.base,
            transform: parsed.transform,
        })
    }

    /// What the leaves say about rows `first..first + count`. Each row's sums are taken in the order of the trees, in
    /// 64 bits, however many rows there are.
    fn totals(&self, rows: &Rows, first: usize, count: usize) -> Totals {
        let mut totals = Totals {
            sums: vec![0.0; count * self.targets],
            seen: vec![false; count * self.targets],
            targets: self.targets,
        };
        let stepped = count - count % LANES;
        for tree in 0..self.forest.len() {
            for row in (0..stepped).step_by(LANES) {
                let features: [&[f32]; LANES] =
                    std::array::from_fn(|lane| rows.row(first + row + lane));
                let places = self.forest.leaves_of_rows(tree, features);
                for (lane, place) in places.into_iter().enumerate() {
                    self.leaves
                        .add(place, row + lane, self.aggregate, &mut totals);
                }
            }
        }
        for row in stepped..count {
            self.walk_one(rows.row(first + row), row, &mut totals);
        }
        totals
    }

    /// One row through all trees, several trees in step.
    fn walk_one(&self, features: &[f32], row: usize, totals: &mut Totals) {
        let trees = self.forest.len();
        let stepped = trees - trees % LANES;
        for tree in (0..stepped).step_by(LANES) {
            for place in self.forest.leaves_of_trees::<LANES>(tree, features) {
                self.leaves.add(place, row, self.aggregate, totals);
            }
        }
        for tree in stepped..trees {
            let [place] = self.forest.leaves_of_rows(tree, [features]);
            self.leaves.add(place, row, self.aggregate, totals);
        }
    }

    /// Hands the totals of every row to `finish`, in order.
    fn for_each_row(&self, rows: &Rows, mut finish: impl FnMut(&[f64])) -> Result<(), Fault> {
        if rows.columns < self.forest.features() {
            refuse!(
                "{} features; the trees ask for {}",
                rows.columns,
                self.forest.features()
            );
        }
        for first in (0..rows.count).step_by(BLOCK) {
            let count = BLOCK.min(rows.count - first);
            let totals = self.totals(rows, first, count);
            for row in 0..count {
                finish(totals.of_row(row));
            }
        }
        Ok(())
    }

    /// The base value of a target.
    fn base(&self, target: usize) -> f64 {
        f64::from(self.base.get(target).copied().unwrap_or(0.0))
    }
}

impl Leaves {
    fn new(parsed: &Parsed, forest: &Forest) -> Self {
        let of = |origin: u32| {
            parsed
                .weights
                .get(origin as usize)
                .map_or(&[][..], |all| all)
        };
        let is_leaf = |origin: u32| parsed.is_leaf(origin as usize);
        let leaves = forest.origin().iter().filter(|&&origin| is_leaf(origin));
        let mut targets = leaves.map(|&origin| match of(origin) {
            [(target, _)] => Some(*target),
            _ => None,
        });
        let first = targets.next().flatten();
        if let Some(target) = first.filter(|_| targets.all(|target| target == first)) {
            let weight = |&origin: &u32| of(origin).first().map_or(0.0, |&(_, weight)| weight);
            return Self::One {
                target: target as usize,
                weights: forest.origin().iter().map(weight).collect(),
            };
        }
        let mut runs = Vec::with_capacity(forest.origin().len());
        let mut pairs: Vec<(u32, f32)> = Vec::new();
        for &origin in forest.origin() {
            let start = position(pairs.len());
            if is_leaf(origin) {
                pairs.extend_from_slice(of(origin));
            }
            runs.push((start, position(pairs.len())));
        }
        Self::Many { runs, pairs }
    }

    fn add(&self, place: u32, row: usize, aggregate: Aggregate, totals: &mut Totals) {
        match self {
            Self::One { target, weights } => {
                let at = row * totals.targets + target;
                totals.add(at, weights[place as usize], aggregate);
            }
            Self::Many { runs, pairs } => {
                let (start, end) = runs[place as usize];
                for &(target, weight) in &pairs[start as usize..end as usize] {
                    totals.add(row * totals.targets + target as usize, weight, aggregate);
                }
            }
        }
    }
}

/// Positions of weights fit 32 bits: there are fewer than bytes in the file.
fn position(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the model's numbers are 32-bit, and trees are few"
)]
fn regressor(parsed: Parsed) -> Result<Kernel, Fault> {
    let ensemble = Ensemble::new(parsed)?;
    if !ensemble.base.is_empty() && ensemble.base.len() != ensemble.targets {
        refuse!(
            "{} base values for {} targets",
            ensemble.base.len(),
            ensemble.targets
        );
    }
    let divisor = match ensemble.aggregate {
        Aggregate::Average => ensemble.forest.len() as f64,
        Aggregate::Sum | Aggregate::Min | Aggregate::Max => 1.0,
    };
    Ok(kernel(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        let mut scores = Vec::with_capacity(rows.count * ensemble.targets);
        ensemble.for_each_row(&rows, |sums| {
            let start = scores.len();
            for (target, sum) in sums.iter().enumerate() {
                scores.push((sum / divisor + ensemble.base(target)) as f32);
            }
            ensemble.transform.apply(&mut scores[start..]);
        })?;
        Ok(Value::host(Host::new(
            vec![rows.count, ensemble.targets],
            scores,
        )?))
    }))
}

fn classifier(node: &Node<'_>, mut parsed: Parsed) -> Result<Kernel, Fault> {
    let labels = Labels::read(node.attributes, "classlabels_int64s", "classlabels_strings")?;
    let classes = labels.len();
    if classes == 0 || parsed.targets > classes {
        refuse!("{classes} labels for {} classes", parsed.targets);
    }
    parsed.targets = classes;
    let binary = Binary::of(&parsed, classes);
    let ensemble = Ensemble::new(parsed)?;
    if ensemble.base.len() > classes {
        refuse!("{} base values for {classes} classes", ensemble.base.len());
    }
    Ok(Box::new(move |arguments| {
        let rows = Rows::of(arguments, 0)?;
        let mut scores = Vec::with_capacity(rows.count * classes);
        let mut chosen = Vec::with_capacity(rows.count);
        ensemble.for_each_row(&rows, |sums| {
            chosen.push(match binary {
                Some(binary) => binary.score(&ensemble, sums, &mut scores),
                None => score_classes(&ensemble, sums, &mut scores),
            });
        })?;
        let scores = Host::new(vec![rows.count, classes], scores)?;
        Ok(vec![labels.pick(&chosen)?, Value::host(scores)])
    }))
}

/// Every class has its own score; the largest wins.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the model's numbers are 32-bit"
)]
fn score_classes(ensemble: &Ensemble, sums: &[f64], scores: &mut Vec<f32>) -> usize {
    let start = scores.len();
    for (class, sum) in sums.iter().enumerate() {
        scores.push((sum + ensemble.base(class)) as f32);
    }
    let chosen = largest(&scores[start..]);
    ensemble.transform.apply(&mut scores[start..]);
    chosen
}

/// Two classes of which the trees speak of one only.
#[derive(Clone, Copy)]
struct Binary {
    /// The class that they speak of.
    told: usize,
    /// Whether weights are parts of a probability, and not of a margin: none is negative.
    all_positive: bool,
}

impl Binary {
    fn of(parsed: &Parsed, classes: usize) -> Option<Self> {
        let weights = || parsed.weights.iter().flatten();
        let &(told, _) = weights().next()?;
        let one_class = classes == 2 && weights().all(|&(class, _)| class == told);
        one_class.then(|| Self {
            told: told as usize,
            all_positive: weights().all(|&(_, weight)| weight >= 0.0),
        })
    }

    /// Trees that speak of the first class mean the second, whose complement the first is: `1 - p` for probabilities,
    /// `-m` for margins. If they speak of the second, the first has no score. So ONNX Runtime reads them, and
    /// exporters rely on it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the model's numbers are 32-bit"
    )]
    fn score(self, ensemble: &Ensemble, sums: &[f64], scores: &mut Vec<f32>) -> usize {
        let base = ensemble.base(ensemble.base.len().saturating_sub(1));
        let score = (sums[self.told] + base) as f32;
        let transform = ensemble.transform;
        let mut pair = match (self.told, transform) {
            (0, PostTransform::Logistic) => [-score, score],
            (0, _) if self.all_positive => [1.0 - score, score],
            (0, _) => [-score, score],
            _ => [0.0, score],
        };
        let complete = self.told == 0
            && matches!(
                transform,
                PostTransform::Softmax | PostTransform::SoftmaxZero
            );
        if !complete {
            transform.apply(&mut pair);
        }
        scores.extend(pair);
        usize::from(score > if self.all_positive { 0.5 } else { 0.0 })
    }
}
