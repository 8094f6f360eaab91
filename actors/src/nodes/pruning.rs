//! Which columns of each source and each key-by anything reads: the others are neither decoded nor
//! carried to the next sub-topology.
//!
//! Goes backwards over the graph: what a node's outputs need, and what it reads itself, its inputs
//! need. Pure.

use std::collections::{BTreeSet, HashMap};

use config::{
    Expression, ExpressionKind, Node, NodeIndex, Operator, OperatorKind, Topology, WindowColumn,
};

type Needs = BTreeSet<usize>;

/// Positions of the needed columns in each node's main output, in the order of the schema.
/// Of key-bys: what the sub-topology behind them needs, the key included.
#[must_use]
pub fn needed_columns(topology: &Topology) -> HashMap<NodeIndex, Vec<usize>> {
    let mut needs: HashMap<(NodeIndex, usize), Needs> = HashMap::new();
    for (nth, node) in topology.nodes.iter().enumerate().rev() {
        let index = NodeIndex(nth);
        match node {
            Node::Source(source) => {
                let own = needs.entry((index, 0)).or_default();
                own.extend(source.key);
                own.extend(source.time.column);
            }
            Node::Sink(sink) => {
                let input = needs.entry((sink.input.from, sink.input.port)).or_default();
                input.extend(&sink.columns);
                input.extend(sink.key);
            }
            Node::Operator(operator) => {
                let outputs: Vec<Needs> = (0..operator.ports.len().max(1))
                    .map(|port| needs.get(&(index, port)).cloned().unwrap_or_default())
                    .collect();
                let input = input_needs(operator, &outputs);
                if matches!(operator.kind, OperatorKind::KeyBy { .. }) {
                    needs.insert((index, 0), input.clone());
                }
                for edge in &operator.inputs {
                    needs
                        .entry((edge.from, edge.port))
                        .or_default()
                        .extend(&input);
                }
            }
        }
    }
    needs
        .into_iter()
        .filter(|((_, port), _)| *port == 0)
        .map(|((index, _), columns)| (index, columns.into_iter().collect()))
        .collect()
}

/// What an operator's input needs, given what its ports need.
fn input_needs(operator: &Operator, outputs: &[Needs]) -> Needs {
    let width = operator.input_schema.columns().len();
    let through = |port: usize| -> Needs {
        let all = outputs.get(port).into_iter().flatten();
        all.copied().filter(|column| *column < width).collect()
    };
    let mut needs: Needs = match &operator.kind {
        OperatorKind::Filter { condition } => {
            let mut needs = through(0);
            read_by(condition, &mut needs);
            needs
        }
        OperatorKind::Select { columns } => {
            let mut needs = Needs::new();
            for column in outputs.first().into_iter().flatten() {
                if let Some((_, expression)) = columns.get(*column) {
                    read_by(expression, &mut needs);
                }
            }
            needs
        }
        OperatorKind::KeyBy { column } => {
            let mut needs = through(0);
            needs.insert(*column);
            needs
        }
        OperatorKind::Rolling(rolling) => {
            let mut needs = through(0);
            needs.extend(rolling.columns.iter().filter_map(|column| column.of));
            needs
        }
        OperatorKind::Detect(detect) => {
            let mut needs = through(0);
            needs.extend(&detect.columns);
            needs
        }
        OperatorKind::Window(window) => {
            let mut needs: Needs = window.columns.iter().filter_map(of).collect();
            needs.extend(outputs.get(1).into_iter().flatten());
            needs
        }
        OperatorKind::Infer(infer) => {
            let mut needs = through(0);
            needs.extend(&infer.features);
            needs.extend(infer.log.map(|log| log.id));
            needs
        }
        OperatorKind::Route(route) => {
            let mut needs: Needs = (0..outputs.len()).flat_map(through).collect();
            for branch in &route.branches {
                read_by(&branch.condition, &mut needs);
            }
            needs
        }
        OperatorKind::Union => through(0),
        // It keeps whole rows.
        OperatorKind::Label(_) | OperatorKind::Alert(_) => (0..width).collect(),
        OperatorKind::Steward(steward) => {
            let own = [
                steward.score,
                steward.label,
                steward.version,
                steward.control,
            ];
            let slices = steward.slices.iter().map(|(_, at)| *at);
            own.into_iter().chain(slices).collect()
        }
        OperatorKind::Sketch(sketch) => sketch.columns.iter().map(|(_, at)| *at).collect(),
        OperatorKind::Watch(watch) => [watch.version, watch.sketch].into(),
    };
    needs.extend(operator.key);
    needs
}

fn of(column: &WindowColumn) -> Option<usize> {
    column.of
}

/// Adds the columns that an expression reads.
fn read_by(expression: &Expression, needs: &mut Needs) {
    match &expression.kind {
        ExpressionKind::Column(column) => {
            needs.insert(*column);
        }
        ExpressionKind::Literal(_) => {}
        ExpressionKind::Unary(_, inner)
        | ExpressionKind::Cast(inner)
        | ExpressionKind::IsNull { value: inner, .. } => read_by(inner, needs),
        ExpressionKind::Binary(_, left, right) => {
            read_by(left, needs);
            read_by(right, needs);
        }
        ExpressionKind::InList { value, list, .. } => {
            read_by(value, needs);
            list.iter().for_each(|item| read_by(item, needs));
        }
        ExpressionKind::Like { value, pattern, .. } => {
            read_by(value, needs);
            read_by(pattern, needs);
        }
        ExpressionKind::Case {
            branches,
            otherwise,
        } => {
            for branch in branches {
                read_by(&branch.when, needs);
                read_by(&branch.then, needs);
            }
            if let Some(otherwise) = otherwise {
                read_by(otherwise, needs);
            }
        }
        ExpressionKind::Call(_, arguments) => {
            arguments
                .iter()
                .for_each(|argument| read_by(argument, needs));
        }
    }
}
