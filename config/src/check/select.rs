//! `select`: which columns stay, and which are computed.

use std::sync::Arc;

use super::Context;
use super::flow::{Flow, FlowKey, Found, column_name};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::nearest;
use crate::raw::{self, Key};
use crate::{Column, Expression, ExpressionKind, OperatorKind, Schema};

/// Output columns so far.
#[derive(Default)]
struct Out {
    columns: Vec<(Arc<str>, Expression)>,
    doubtful: Vec<Arc<str>>,
}

/// Checks a select: kept columns (minus dropped ones), then computed ones.
pub(crate) fn check(
    raw: &raw::Select,
    flow: &Flow,
    id: &Arc<str>,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Flow) {
    let mut out = Out::default();
    let mut open = keep(raw, flow, &mut out, cx);
    if let Some(columns) = &raw.columns {
        match columns.get() {
            Some(columns) => {
                for (name, span, expression) in columns.iter() {
                    compute(name, span, expression, flow, &mut out, cx);
                }
            }
            None => open = true,
        }
    }
    if out.columns.is_empty() && out.doubtful.is_empty() && !open {
        cx.report(
            Finding::at(span, Code::MISSING_KEY, "the select keeps no column")
                .hint("give columns, keep or drop"),
        );
    }
    let columns = out
        .columns
        .iter()
        .map(|(name, e)| Column::new(name, e.data_type.clone(), e.nullable))
        .collect();
    let after = Flow {
        schema: Schema::new(columns),
        key: key(flow, &out, id),
        open,
        doubtful: out.doubtful,
    };
    let kind = after.is_sure_of_columns().then_some(OperatorKind::Select {
        columns: out.columns,
    });
    (kind, after)
}

/// Adds the kept columns; whether others may be kept too.
fn keep(raw: &raw::Select, flow: &Flow, out: &mut Out, cx: &Context<'_>) -> bool {
    let mut dropped: Vec<&str> = Vec::new();
    for name in raw.drop.as_ref().and_then(Key::get).into_iter().flatten() {
        flow.column(name, cx);
        dropped.extend(name.get().map(String::as_str));
    }
    let all = || flow.schema.columns().iter().map(|column| &*column.name);
    let mut open = false;
    let mut kept: Vec<(&str, Span)> = Vec::new();
    match &raw.keep {
        Some(keep) => match keep.get() {
            Some(names) => {
                for name in names {
                    match name.get().map(String::as_str) {
                        Some("*") => {
                            kept.extend(all().map(|column| (column, name.span)));
                            out.doubtful.extend(flow.doubtful.iter().cloned());
                            open |= flow.open;
                        }
                        Some(column) => kept.push((column, name.span)),
                        None => open = true,
                    }
                }
            }
            None => open = true,
        },
        None if raw.drop.is_some() => {
            kept.extend(all().map(|column| (column, Span::default())));
            out.doubtful.extend(flow.doubtful.iter().cloned());
            open |= flow.open;
        }
        None => {}
    }
    for (name, span) in kept {
        if dropped.contains(&name) || out.has(name) {
            continue;
        }
        match flow.column_named(name, span, cx) {
            Some(Found::At(index, column)) => {
                let expression = Expression {
                    kind: ExpressionKind::Column(index),
                    data_type: column.data_type.clone(),
                    nullable: column.nullable,
                };
                out.columns.push((column.name.clone(), expression));
            }
            Some(Found::Doubtful) => out.doubtful.push(name.into()),
            // What was meant is used further down; those users are not to blame.
            None => out
                .doubtful
                .push(nearest(name, all()).unwrap_or(name).into()),
        }
    }
    out.doubtful.retain(|name| !dropped.contains(&&**name));
    open
}

/// Adds a computed column.
fn compute(
    name: &str,
    span: Span,
    expression: &Key<String>,
    flow: &Flow,
    out: &mut Out,
    cx: &Context<'_>,
) {
    let typed = flow.expression(expression, cx);
    if !column_name(name, span, cx) {
        return;
    }
    if out.has(name) {
        let message = format!("there is a column \"{name}\" already");
        cx.report(
            Finding::at(span, Code::DUPLICATE_COLUMN, message)
                .hint(format!("add drop = [\"{name}\"] to replace it")),
        );
        return;
    }
    match typed {
        Some(typed) => out.columns.push((name.into(), typed)),
        None => out.doubtful.push(name.into()),
    }
}

impl Out {
    fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(column, _)| &**column == name)
            || self.doubtful.iter().any(|column| &**column == name)
    }
}

/// The key stays where its column does, under whatever name; a computed column is another one.
fn key(flow: &Flow, out: &Out, id: &Arc<str>) -> FlowKey {
    let FlowKey::At(index) = flow.key else {
        return flow.key.clone();
    };
    let is_key = |(_, e): &(Arc<str>, Expression)| e.kind == ExpressionKind::Column(index);
    match out.columns.iter().position(is_key) {
        Some(at) => FlowKey::At(at),
        None if !out.doubtful.is_empty() => FlowKey::Doubtful,
        None => FlowKey::Lost {
            column: flow.schema.columns()[index].name.clone(),
            by: id.clone(),
        },
    }
}
