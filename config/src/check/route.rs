//! `route`: branches and their ports.

use super::Context;
use super::flow::{Flow, Output};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw;
use crate::{NodeId, OperatorKind, Route, RouteBranch};

/// Every branch has the rows of the input; `otherwise` comes last.
pub(crate) fn check(
    route: &raw::Route,
    flow: &Flow,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
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
    if NodeId::parse(port).is_err() {
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
