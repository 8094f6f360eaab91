//! The two ways in which files write ensembles: lists by tree and node number, and (since `ai.onnx.ml` 5) by position.

use std::collections::{HashMap, HashSet};

use super::Aggregate;
use crate::onnx::attributes::Attributes;
use crate::onnx::fault::{Fault, refuse};
use crate::onnx::initializer;
use crate::onnx::ml::transform::PostTransform;
use crate::onnx::ml::trees::{Branch, Mode, Source};
use crate::onnx::node::Node;
use crate::onnx::shape;
use crate::onnx::value::Value;

/// An ensemble as read.
pub(super) struct Parsed {
    pub(super) nodes: Vec<Source>,
    pub(super) roots: Vec<usize>,
    /// For each node its pairs of target and weight.
    pub(super) weights: Vec<Vec<(u32, f32)>>,
    pub(super) targets: usize,
    pub(super) base: Vec<f32>,
    pub(super) aggregate: Aggregate,
    pub(super) transform: PostTransform,
}

impl Parsed {
    pub(super) fn is_leaf(&self, node: usize) -> bool {
        matches!(self.nodes.get(node), Some(Source::Leaf))
    }
}

/// Targets of an ensemble, at most: scores of a block of rows are kept for all of them.
const TARGETS_MAX: usize = 1 << 13;

/// `TreeEnsembleRegressor` (`prefix` = target) and `TreeEnsembleClassifier` (class).
pub(super) fn classic(node: &Node<'_>, prefix: &str) -> Result<Parsed, Fault> {
    let attributes = node.attributes;
    let lists = Lists::read(attributes)?;
    let index = lists.index()?;
    let nodes = lists.nodes(&index)?;
    let roots = lists.roots(&nodes)?;
    let name = |suffix: &str| format!("{prefix}_{suffix}");
    let trees = attributes.ints(&name("treeids"))?;
    let numbers = attributes.ints(&name("nodeids"))?;
    let ids = attributes.ints(&name("ids"))?;
    let values = attributes.floats_or_tensor(&name("weights"), &name("weights_as_tensor"))?;
    if [trees.len(), numbers.len(), values.len()] != [ids.len(); 3] {
        refuse!("{prefix}_treeids, _nodeids, _ids and _weights are not equally long");
    }
    let mut weights = vec![Vec::new(); nodes.len()];
    let mut targets = 1;
    for (at, &id) in ids.iter().enumerate() {
        let Some(&position) = index.get(&(trees[at], numbers[at])) else {
            refuse!(
                "a weight for node {} of tree {}, which is not there",
                numbers[at],
                trees[at]
            );
        };
        let (target, id) = target(id)?;
        targets = targets.max(target + 1);
        weights[position].push((id, values[at]));
    }
    if prefix == "target" {
        let (given, _) = target(attributes.int("n_targets", 1)?)?;
        if given < targets {
            refuse!("weights for {targets} targets of {given}");
        }
        targets = given;
    }
    let aggregate = match &*attributes.text("aggregate_function", "SUM")? {
        "SUM" => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => refuse!("aggregate_function \"{other}\"; ONNX knows SUM, AVERAGE, MIN and MAX"),
    };
    Ok(Parsed {
        nodes,
        roots,
        weights,
        targets,
        base: attributes.floats_or_tensor("base_values", "base_values_as_tensor")?,
        aggregate,
        transform: PostTransform::parse(&attributes.text("post_transform", "NONE")?)?,
    })
}

/// A target's number, checked.
fn target(id: i64) -> Result<(usize, u32), Fault> {
    match (usize::try_from(id), u32::try_from(id)) {
        (Ok(target), Ok(id)) if target <= TARGETS_MAX => Ok((target, id)),
        _ => refuse!("target or class number {id}"),
    }
}

/// The attributes `nodes_*`, equally long.
struct Lists<'a> {
    trees: &'a [i64],
    numbers: &'a [i64],
    features: &'a [i64],
    thresholds: Vec<f32>,
    modes: Vec<String>,
    yes: &'a [i64],
    no: &'a [i64],
    missing: &'a [i64],
}

impl<'a> Lists<'a> {
    fn read(attributes: Attributes<'a>) -> Result<Self, Fault> {
        let lists = Self {
            trees: attributes.ints("nodes_treeids")?,
            numbers: attributes.ints("nodes_nodeids")?,
            features: attributes.ints("nodes_featureids")?,
            thresholds: attributes.floats_or_tensor("nodes_values", "nodes_values_as_tensor")?,
            modes: attributes.texts("nodes_modes")?,
            yes: attributes.ints("nodes_truenodeids")?,
            no: attributes.ints("nodes_falsenodeids")?,
            missing: attributes.ints("nodes_missing_value_tracks_true")?,
        };
        let others = [
            lists.numbers.len(),
            lists.features.len(),
            lists.thresholds.len(),
            lists.modes.len(),
            lists.yes.len(),
            lists.no.len(),
        ];
        let missing = lists.missing.len();
        if others != [lists.trees.len(); 6] || (missing != 0 && missing != lists.trees.len()) {
            refuse!("the lists nodes_* are not equally long");
        }
        Ok(lists)
    }

    /// Tree and node number to position in the lists.
    fn index(&self) -> Result<HashMap<(i64, i64), usize>, Fault> {
        let mut index = HashMap::with_capacity(self.trees.len());
        for (position, (&tree, &number)) in self.trees.iter().zip(self.numbers).enumerate() {
            if index.insert((tree, number), position).is_some() {
                refuse!("node {number} of tree {tree} is there twice");
            }
        }
        Ok(index)
    }

    fn nodes(&self, index: &HashMap<(i64, i64), usize>) -> Result<Vec<Source>, Fault> {
        let mut nodes = Vec::with_capacity(self.trees.len());
        for (at, mode) in self.modes.iter().enumerate() {
            let mode = match mode.as_str() {
                "LEAF" => {
                    nodes.push(Source::Leaf);
                    continue;
                }
                "BRANCH_LEQ" => Mode::AtMost,
                "BRANCH_LT" => Mode::Below,
                "BRANCH_GTE" => Mode::AtLeast,
                "BRANCH_GT" => Mode::Above,
                "BRANCH_EQ" => Mode::Equal,
                "BRANCH_NEQ" => Mode::NotEqual,
                other => refuse!("node mode \"{other}\" is not supported"),
            };
            let child = |number: i64| match index.get(&(self.trees[at], number)) {
                Some(&position) => Ok(position),
                None => refuse!("node {number} of tree {} is not there", self.trees[at]),
            };
            nodes.push(Source::Branch(Branch {
                mode,
                feature: shape::size(self.features[at])?,
                threshold: self.thresholds[at],
                members: Vec::new(),
                yes: child(self.yes[at])?,
                no: child(self.no[at])?,
                missing_is_yes: self.missing.get(at).is_some_and(|&missing| missing != 0),
            }));
        }
        Ok(nodes)
    }

    /// The node of each tree that is no node's child, trees in the order of the lists.
    fn roots(&self, nodes: &[Source]) -> Result<Vec<usize>, Fault> {
        let mut is_child = vec![false; nodes.len()];
        for node in nodes {
            if let Source::Branch(branch) = node {
                is_child[branch.yes] = true;
                is_child[branch.no] = true;
            }
        }
        let roots: Vec<usize> = (0..nodes.len()).filter(|&node| !is_child[node]).collect();
        let trees: HashSet<i64> = self.trees.iter().copied().collect();
        if roots.len() != trees.len() {
            refuse!("{} roots of {} trees", roots.len(), trees.len());
        }
        Ok(roots)
    }
}

/// `TreeEnsemble`: branches and leaves are two lists, children are positions in one or the other.
///
/// A tree that is one leaf is written as a branch both of whose answers are that leaf.
pub(super) fn modern(node: &Node<'_>) -> Result<Parsed, Fault> {
    let attributes = node.attributes;
    let mut nodes = branches(attributes)?;
    let ids = attributes.ints("leaf_targetids")?;
    let values = attributes.floats_or_tensor("leaf_weights", "leaf_weights")?;
    if ids.len() != values.len() {
        refuse!("leaf_targetids and leaf_weights are not equally long");
    }
    let mut weights = vec![Vec::new(); nodes.len()];
    let (targets, _) = target(attributes.int("n_targets", 1)?)?;
    for (&id, &value) in ids.iter().zip(&values) {
        let (target, id) = target(id)?;
        if target >= targets {
            refuse!("a weight for target {target} of {targets}");
        }
        nodes.push(Source::Leaf);
        weights.push(vec![(id, value)]);
    }
    let mut roots = Vec::new();
    for &root in attributes.ints("tree_roots")? {
        roots.push(shape::size(root)?);
    }
    Ok(Parsed {
        nodes,
        roots,
        weights,
        targets,
        base: Vec::new(),
        aggregate: match attributes.int("aggregate_function", 1)? {
            0 => Aggregate::Average,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            other => refuse!("aggregate_function {other}; ONNX knows 0 to 3"),
        },
        transform: PostTransform::of_number(attributes.int("post_transform", 0)?)?,
    })
}

/// The branches; leaves will stand behind all of them.
fn branches(attributes: Attributes<'_>) -> Result<Vec<Source>, Fault> {
    let features = attributes.ints("nodes_featureids")?;
    let thresholds = attributes.floats_or_tensor("nodes_splits", "nodes_splits")?;
    let modes = modes(attributes)?;
    let yes = attributes.ints("nodes_truenodeids")?;
    let no = attributes.ints("nodes_falsenodeids")?;
    let yes_is_leaf = attributes.ints("nodes_trueleafs")?;
    let no_is_leaf = attributes.ints("nodes_falseleafs")?;
    let missing = attributes.ints("nodes_missing_value_tracks_true")?;
    let count = features.len();
    let lengths = [
        thresholds.len(),
        modes.len(),
        yes.len(),
        no.len(),
        yes_is_leaf.len(),
        no_is_leaf.len(),
    ];
    if lengths != [count; 6] || (!missing.is_empty() && missing.len() != count) {
        refuse!("the lists nodes_* are not equally long");
    }
    let child = |at: i64, is_leaf: i64| -> Result<usize, Fault> {
        Ok(shape::size(at)?.saturating_add(if is_leaf == 0 { 0 } else { count }))
    };
    let mut sets = sets(attributes)?.into_iter();
    let mut branches = Vec::with_capacity(count);
    for (at, &mode) in modes.iter().enumerate() {
        let members = if mode == Mode::Member {
            sets.next()
        } else {
            None
        };
        branches.push(Source::Branch(Branch {
            mode,
            feature: shape::size(features[at])?,
            threshold: thresholds[at],
            members: members.unwrap_or_default(),
            yes: child(yes[at], yes_is_leaf[at])?,
            no: child(no[at], no_is_leaf[at])?,
            missing_is_yes: missing.get(at).is_some_and(|&missing| missing != 0),
        }));
    }
    Ok(branches)
}

fn modes(attributes: Attributes<'_>) -> Result<Vec<Mode>, Fault> {
    let numbers = match attributes.tensor("nodes_modes")? {
        Some(stored) => initializer::read(stored)?.into_ints()?.into_parts().1,
        None => refuse!("no nodes_modes"),
    };
    let mut modes = Vec::with_capacity(numbers.len());
    for number in numbers {
        modes.push(match number {
            0 => Mode::AtMost,
            1 => Mode::Below,
            2 => Mode::AtLeast,
            3 => Mode::Above,
            4 => Mode::Equal,
            5 => Mode::NotEqual,
            6 => Mode::Member,
            other => refuse!("node mode {other}; ONNX knows 0 to 6"),
        });
    }
    Ok(modes)
}

/// The sets of the nodes that ask for membership, in the nodes' order, each closed by NaN.
fn sets(attributes: Attributes<'_>) -> Result<Vec<Vec<f32>>, Fault> {
    let numbers = match attributes.tensor("membership_values")? {
        Some(stored) => match initializer::read(stored)? {
            Value::Float(float) => float.into_host()?.into_parts().1,
            other => refuse!("membership_values are {}", other.kind()),
        },
        None => Vec::new(),
    };
    let sets = numbers.split(|number| number.is_nan());
    Ok(sets.map(<[f32]>::to_vec).collect())
}
