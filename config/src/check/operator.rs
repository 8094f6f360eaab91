//! `[[operator]]`: each kind's settings against the rows that come in, and what goes out.

use super::flow::{Flow, FlowKey, Output, id_text, node_id};
use super::graph::Inflow;
use super::model::Model;
use super::source::key_column;
use super::{
    Context, alert, detect, infer, learning, rolling, route, select, sessions, union, watch, window,
};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::learning::columns::VERSION;
use crate::raw::{self, Settings};
use crate::{Edge, Node, Operator, OperatorKind, Port};

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
        (Settings::Union(_), _) => union::check(inputs, raw, cx),
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
            let (kind, out) =
                select::check(select, &flow, &id_text(&raw.id), raw.settings.span, cx);
            (kind, out.main())
        }
        Settings::KeyBy(key_by) => key_by_outputs(key_by, &flow, cx),
        Settings::Rolling(rolling) => {
            let (kind, out) = rolling::check(rolling, &flow, span, cx);
            (kind, out.main())
        }
        Settings::Window(window) => window::check(window, &flow, span, cx),
        Settings::Detect(detect) => {
            let (kind, out) = detect::check(detect, &flow, span, cx);
            (kind, out.main())
        }
        Settings::Infer(infer) => infer_outputs(infer, &flow, models, span, cx),
        Settings::Route(route) => route::check(route, &flow, cx),
        Settings::Union(_) => (Some(OperatorKind::Union), flow.clone().main()),
        Settings::Label(label) => learning::check_label(label, &flow, span, cx),
        Settings::Steward(steward) => learning::check_steward(steward, &flow, models, span, cx),
        Settings::Sketch(sketch) => watch::check_sketch(sketch, &flow, models, span, cx),
        Settings::Watch(raw) => watch::check_watch(raw, &flow, models, span, cx),
        Settings::Alert(_) => alert::check_operator(&flow, span, cx),
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
            key: match (settings, &flow.key) {
                // Its sessions are the versions, in each partition.
                (Settings::Sketch(_), _) => flow.schema.index_of(VERSION),
                (_, FlowKey::At(index)) => Some(*index),
                (_, FlowKey::None | FlowKey::Lost { .. } | FlowKey::Doubtful) => None,
            },
            hosting: sessions::check(settings, cx),
        }))
    })();
    (operator.filter(|_| flow.is_sure()), outputs)
}

/// The rows with a model's answers, and those of its feature log if it has one.
fn infer_outputs(
    infer: &raw::Infer,
    flow: &Flow,
    models: &[Model<'_>],
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let (mut kind, out) = infer::check(infer, flow, models, cx);
    let mut outputs = out.main();
    let name = infer.model.get().map(String::as_str);
    let model = models
        .iter()
        .find(|model| model.id.is_some() && model.id == name);
    if let Some(model) = model.filter(|model| model.is_logged) {
        let settings = model.settings.as_ref();
        let learning = settings.and_then(|settings| settings.learning.as_ref());
        outputs.push(learning::add_log_port(&mut kind, flow, learning, span, cx));
    }
    (kind, outputs)
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
