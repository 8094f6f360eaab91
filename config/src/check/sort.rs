//! An order in which every operator comes after its inputs, and the cycles that have none.

use super::Context;
use super::graph::Input;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw;

/// The operators in an order in which each comes after its inputs, the file's order where that
/// leaves a choice (Kahn's algorithm). What is in a cycle is reported and comes last.
pub(crate) fn sorted(
    inputs: &[Vec<Input<'_>>],
    operators: &[(Span, &raw::Operator)],
    first: usize,
    cx: &Context<'_>,
) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let mut placed = vec![false; inputs.len()];
    let is_ready = |operator: usize, placed: &[bool]| {
        inputs[operator].iter().all(|input| {
            let behind = input.node.and_then(|node| node.checked_sub(first));
            behind.is_none_or(|node| placed.get(node).copied().unwrap_or(true))
        })
    };
    while let Some(next) = (0..inputs.len()).find(|at| !placed[*at] && is_ready(*at, &placed)) {
        placed[next] = true;
        order.push(next);
    }
    let stuck: Vec<usize> = (0..inputs.len()).filter(|at| !placed[*at]).collect();
    if let Some(cycle) = cycle(&stuck, inputs, first) {
        let name = |at: &usize| operators[*at].1.id.get().map_or("?", String::as_str);
        let mut path: Vec<&str> = cycle.iter().map(name).collect();
        path.extend(cycle.first().map(name));
        let message = format!("operators feed themselves: {}", path.join(" ← "));
        cx.report(
            Finding::at(operators[cycle[0]].1.input.span, Code::CYCLE, message)
                .hint("an operator's input must lead back to a source"),
        );
    }
    order.extend(stuck);
    order
}

/// A cycle among operators that all have an input among them.
fn cycle(stuck: &[usize], inputs: &[Vec<Input<'_>>], first: usize) -> Option<Vec<usize>> {
    let mut path = vec![*stuck.first()?];
    loop {
        let last = *path.last()?;
        let next = inputs[last]
            .iter()
            .filter_map(|input| input.node?.checked_sub(first))
            .find(|node| stuck.contains(node))?;
        if let Some(start) = path.iter().position(|node| *node == next) {
            return Some(path.split_off(start));
        }
        path.push(next);
    }
}
