//! `[[operator]]`: each kind's settings against the rows that come in, and what goes out.

use super::flow::{Flow, FlowKey, Output, id_text, node_id};
use super::graph::Inflow;
use super::model::Model;
use super::source::key_column;
use super::{Context, aggregate, infer, select};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Settings};
use crate::{Edge, Node, Operator, OperatorKind, Port, Route, RouteBranch};

/// Checks an operator; what flows out of it is known as far as it is right.
pub(crate) fn check(
    raw: &raw::Operator,
    inputs: &[Inflow],
    models: &[Model<'_>],
    cx: &Context<'_>,
) -> (Option<Node>, Vec<Output>) {
    let Some(settings) = raw.settings.get() else {
        return (None, Vec::new());
    };
    let unknown = Flow::unknown();
    let flow = match (settings, inputs) {
        (Settings::Union(_), _) => union_flow(inputs, raw, cx),
        (_, [one]) => one.flow.clone(),
        (_, _) => {
            let message = "this kind of operator has one input";
            cx.report(
                Finding::at(raw.input.span, Code::UNION, message).hint("put a union before it"),
            );
            unknown
        }
    };
    let span = raw.input.span;
    let (kind, outputs) = match settings {
        Settings::Filter(filter) => {
            let condition = flow.condition(&filter.condition, cx);
            let kind = condition.map(|condition| OperatorKind::Filter { condition });
            (kind, flow.clone().main())
        }
        Settings::Select(select) => {
            let (kind, out) = select::check(select, &flow, &id_text(&raw.id), cx);
            (kind, out.main())
        }
        Settings::KeyBy(key_by) => key_by_outputs(key_by, &flow, cx),
        Settings::Rolling(rolling) => {
            let (kind, out) = aggregate::rolling(rolling, &flow, span, cx);
            (kind, out.main())
        }
        Settings::Window(window) => aggregate::window(window, &flow, span, cx),
        Settings::Infer(infer) => {
            let (kind, out) = infer::check(infer, &flow, models, cx);
            (kind, out.main())
        }
        Settings::Route(route) => self::route(route, &flow, cx),
        Settings::Union(_) => (Some(OperatorKind::Union), flow.clone().main()),
    };
    let edges: Option<Vec<Edge>> = inputs.iter().map(|input| input.edge).collect();
    let operator = (|| {
        Some(Node::Operator(Operator {
            id: node_id(&raw.id)?,
            kind: kind?,
            inputs: edges?,
            input_schema: flow.schema.clone(),
            ports: outputs
                .iter()
                .map(|output| Port {
                    name: output.port.clone(),
                    schema: output.flow.schema.clone(),
                })
                .collect(),
            key: match flow.key {
                FlowKey::At(index) => Some(index),
                FlowKey::None | FlowKey::Lost { .. } | FlowKey::Doubtful => None,
            },
        }))
    })();
    (operator.filter(|_| flow.is_sure()), outputs)
}

fn key_by_outputs(
    key_by: &raw::KeyBy,
    flow: &Flow,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let column = key_column(flow, &key_by.key, cx);
    if let Some(partitions) = &key_by.partitions {
        cx.partitions(partitions);
    }
    let mut out = flow.clone();
    out.key = column.map_or(FlowKey::Doubtful, FlowKey::At);
    (
        column.map(|column| OperatorKind::KeyBy { column }),
        out.main(),
    )
}

/// Every branch has the rows of the input; `otherwise` comes last.
fn route(route: &raw::Route, flow: &Flow, cx: &Context<'_>) -> (Option<OperatorKind>, Vec<Output>) {
    let mut outputs: Vec<Output> = Vec::new();
    let mut branches: Option<Vec<RouteBranch>> = Some(Vec::new());
    let list = route.branches.get();
    if list.is_some_and(Vec::is_empty) {
        cx.report(Finding::at(
            route.branches.span,
            Code::INVALID_VALUE,
            "there is no branch",
        ));
    }
    for branch in list.into_iter().flatten() {
        let Some(branch) = branch.get() else {
            branches = None;
            continue;
        };
        let condition = flow.condition(&branch.condition, cx);
        let port = branch.port.get();
        if let Some(port) = port {
            check_port(port, branch.port.span, &outputs, cx);
            outputs.push(Output {
                port: port.as_str().into(),
                flow: flow.clone(),
            });
        }
        match (port, condition, &mut branches) {
            (Some(port), Some(condition), Some(branches)) => branches.push(RouteBranch {
                port: port.as_str().into(),
                condition,
            }),
            _ => branches = None,
        }
    }
    outputs.push(Output {
        port: OTHERWISE.into(),
        flow: flow.clone(),
    });
    let all_matches = route.all_matches.as_ref().and_then(raw::Key::get).copied();
    let kind = branches.filter(|_| list.is_some()).map(|branches| {
        OperatorKind::Route(Route {
            branches,
            all_matches: all_matches == Some(true),
        })
    });
    (kind, outputs)
}

/// The port of rows that no branch takes.
const OTHERWISE: &str = "otherwise";

fn check_port(port: &str, span: Span, before: &[Output], cx: &Context<'_>) {
    if crate::NodeId::parse(port).is_err() {
        let message = format!("\"{port}\" is not a port");
        cx.report(
            Finding::at(span, Code::INVALID_VALUE, message)
                .hint("ports are a lower-case letter, then letters, digits and '-'"),
        );
    } else if port == OTHERWISE || before.iter().any(|output| &*output.port == port) {
        let message = format!("there is a port \"{port}\" already");
        let hint = if port == OTHERWISE {
            "rows that no branch takes leave there"
        } else {
            "join the conditions with or"
        };
        cx.report(Finding::at(span, Code::DUPLICATE_ID, message).hint(hint));
    }
}

/// The rows of a union: all inputs have the same columns; the key stays if they have the same.
fn union_flow(inputs: &[Inflow], raw: &raw::Operator, cx: &Context<'_>) -> Flow {
    if inputs.len() < 2 && raw.input.get().is_some() {
        let message = "a union has at least two inputs";
        cx.report(
            Finding::at(raw.input.span, Code::UNION, message).hint("write input = [\"a\", \"b\"]"),
        );
    }
    if inputs.iter().any(|input| !input.flow.is_sure()) {
        return Flow::unknown();
    }
    let Some((first, rest)) = inputs.split_first() else {
        return Flow::unknown();
    };
    let mut flow = first.flow.clone();
    for other in rest {
        if let Some(difference) = difference(&first.flow, &other.flow) {
            cx.report(
                Finding::at(
                    other.span,
                    Code::UNION,
                    format!("the inputs differ: {difference}"),
                )
                .hint("a select before the union can make the columns the same"),
            );
        }
        if other.flow.key != flow.key {
            flow.key = FlowKey::None;
        }
    }
    flow
}

/// How the columns of two flows differ, if they do.
fn difference(a: &Flow, b: &Flow) -> Option<String> {
    let (a, b) = (a.schema.columns(), b.schema.columns());
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        if a.name != b.name {
            return Some(format!(
                "column {} is \"{}\" and \"{}\"",
                at + 1,
                a.name,
                b.name
            ));
        }
        if a.data_type != b.data_type || a.nullable != b.nullable {
            let text = |column: &crate::Column| {
                format!(
                    "{}{}",
                    column.data_type,
                    if column.nullable { "?" } else { "" }
                )
            };
            return Some(format!("\"{}\" is {} and {}", a.name, text(a), text(b)));
        }
    }
    (a.len() != b.len()).then(|| format!("{} and {} columns", a.len(), b.len()))
}
