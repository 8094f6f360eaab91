//! `union`: several inputs that must be alike.

use super::Context;
use super::flow::{Flow, FlowKey};
use super::graph::Inflow;
use crate::Column;
use crate::code::Code;
use crate::files::Finding;
use crate::raw;

/// The rows of a union: all inputs have the same columns; the key stays if they have the same.
pub(crate) fn check(inputs: &[Inflow], raw: &raw::Operator, cx: &Context<'_>) -> Flow {
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
            let text = |column: &Column| {
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
