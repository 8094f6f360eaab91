//! `[[sink]]`: where rows go, and which columns of them.

use super::flow::{Flow, FlowKey, Found, node_id};
use super::graph::Inflow;
use super::{Context, format};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Key};
use crate::{DataType, Format, Node, Schema, Sink, SinkTarget};

/// Checks a sink.
pub(crate) fn check(
    raw: &raw::Sink,
    span: Span,
    inputs: &[Inflow],
    cx: &Context<'_>,
) -> Option<Node> {
    let input = inputs.first()?;
    let flow = &input.flow;
    let target = target(raw, span, cx);
    let format = format::read(raw.format.as_ref());
    let columns = columns(raw, flow, cx);
    if let (Some(columns), Some(format)) = (&columns, format) {
        let span = raw.format.as_ref().map_or(span, |key| key.span);
        check_columns(format, flow, columns, span, cx);
    }
    let key = match &raw.key {
        None => Some(None),
        Some(key) => key_column(key, flow, cx).map(Some),
    };
    let headers = match &raw.headers {
        None => Some(Vec::new()),
        Some(headers) => headers.get().and_then(|table| {
            table
                .iter()
                .map(|(name, _, value)| Some((name.to_owned(), value.get()?.clone())))
                .collect()
        }),
    };
    // 0 stands for the partitions of the input, which are known when the graph is cut.
    let partitions = match &raw.partitions {
        None => Some(0),
        Some(partitions) => cx.partitions(partitions),
    };
    let sink = Sink {
        id: node_id(&raw.id)?,
        input: input.edge?,
        input_schema: flow.schema.clone(),
        target: target?,
        format: format?,
        key: key?,
        columns: columns?,
        headers: headers?,
        partitions: partitions?,
    };
    flow.is_sure().then_some(Node::Sink(sink))
}

fn target(raw: &raw::Sink, span: Span, cx: &Context<'_>) -> Option<SinkTarget> {
    let stdout = raw.stdout.as_ref().filter(|key| key.get() != Some(&false));
    let given = [
        raw.topic.as_ref().map(|key| key.span),
        raw.file.as_ref().map(|key| key.span),
        stdout.map(|key| key.span),
    ];
    let mut given = given.into_iter().flatten();
    let hint = "give one of topic, file and stdout";
    if given.next().is_none() {
        let message = "the sink writes nowhere";
        cx.report(Finding::at(span, Code::MISSING_KEY, message).hint(hint));
        return None;
    }
    if let Some(second) = given.next() {
        let message = "the sink writes to several places";
        cx.report(Finding::at(second, Code::CONFLICT, message).hint(hint));
        return None;
    }
    if let Some(topic) = &raw.topic {
        return cx.topic(topic).map(SinkTarget::Topic);
    }
    if let Some(file) = &raw.file {
        return Some(SinkTarget::File(cx.resolve(file.get()?, file.span)));
    }
    stdout?.get().map(|_| SinkTarget::Stdout)
}

fn columns(raw: &raw::Sink, flow: &Flow, cx: &Context<'_>) -> Option<Vec<usize>> {
    let Some(key) = &raw.columns else {
        return Some((0..flow.schema.columns().len()).collect());
    };
    let list = key.get()?;
    if list.is_empty() {
        cx.report(Finding::at(
            key.span,
            Code::INVALID_VALUE,
            "the sink writes no column",
        ));
    }
    let mut columns: Option<Vec<usize>> = Some(Vec::new());
    for name in list {
        let found = flow.column(name, cx);
        let Some(Found::At(index, column)) = found else {
            columns = None;
            continue;
        };
        let Some(list) = &mut columns else {
            continue;
        };
        if list.contains(&index) {
            let message = format!("column \"{}\" is written twice", column.name);
            cx.report(
                Finding::at(name.span, Code::DUPLICATE_COLUMN, message).hint("leave one out"),
            );
        }
        list.push(index);
    }
    columns
}

/// Whether the format can carry the columns that are written.
fn check_columns(format: Format, flow: &Flow, columns: &[usize], span: Span, cx: &Context<'_>) {
    let written = columns
        .iter()
        .map(|index| flow.schema.columns()[*index].clone())
        .collect();
    let written = Flow {
        schema: Schema::new(written),
        doubtful: flow.doubtful.clone(),
        open: flow.open,
        key: FlowKey::None,
    };
    format::check(format, &written, span, cx);
}

fn key_column(key: &Key<String>, flow: &Flow, cx: &Context<'_>) -> Option<usize> {
    let Found::At(index, column) = flow.column(key, cx)? else {
        return None;
    };
    if let DataType::Vector { .. } = column.data_type {
        let message = format!(
            "\"{}\" is {}, which is no key",
            column.name, column.data_type
        );
        cx.report(
            Finding::at(key.span, Code::COLUMN_TYPE, message).hint("take a column of one value"),
        );
    }
    Some(index)
}
