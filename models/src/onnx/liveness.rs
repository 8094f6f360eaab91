//! Which nodes are needed at all, and where each value is read for the last time.

use std::collections::HashSet;

use super::plan::{Source, Step};
use super::proto::GraphProto;

/// For each node whether an output of the graph depends on it.
pub(super) fn needed(graph: &GraphProto) -> Vec<bool> {
    let outputs = graph.output.iter();
    let mut wanted: HashSet<&str> = outputs.map(|output| output.name.as_str()).collect();
    let mut needed = vec![false; graph.node.len()];
    for (number, node) in graph.node.iter().enumerate().rev() {
        if node
            .output
            .iter()
            .any(|output| wanted.contains(output.as_str()))
        {
            needed[number] = true;
            wanted.extend(node.input.iter().map(String::as_str));
        }
    }
    needed
}

/// Marks each slot's last reader, so that it may take the value and work in place. A step that reads a slot twice
/// takes it in neither place.
pub(super) fn mark_last_uses(steps: &mut [Step], outputs: &mut [Source], slots: usize) {
    let mut read_later = vec![false; slots];
    let lists = steps.iter_mut().map(|step| &mut step.inputs[..]);
    for sources in lists.chain([outputs]).rev() {
        let used: Vec<usize> = sources.iter().filter_map(slot_of).collect();
        for source in sources {
            if let Source::Slot { slot, last } = source {
                let here = used.iter().filter(|&used| used == slot).count();
                *last = !read_later[*slot] && here == 1;
            }
        }
        for slot in used {
            read_later[slot] = true;
        }
    }
}

fn slot_of(source: &Source) -> Option<usize> {
    match source {
        Source::Slot { slot, .. } => Some(*slot),
        Source::Absent | Source::Constant(_) => None,
    }
}
