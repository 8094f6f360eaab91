//! `format` of sources and sinks, and which columns it can carry.

use super::Context;
use super::flow::Flow;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::raw::{self, Key};
use crate::{Column, DataType, Format};

/// The format, json where the file is silent.
pub(crate) fn read(key: Option<&Key<raw::Format>>) -> Option<Format> {
    let Some(key) = key else {
        return Some(Format::Json);
    };
    Some(match key.get()? {
        raw::Format::Json => Format::Json,
        raw::Format::Ndjson => Format::Ndjson,
        raw::Format::Csv => Format::Csv,
        raw::Format::Raw => Format::Raw,
    })
}

/// Whether a format can carry all columns of a flow.
pub(crate) fn check(format: Format, flow: &Flow, span: Span, cx: &Context<'_>) {
    let columns = flow.schema.columns();
    let finding = match format {
        Format::Json | Format::Ndjson => None,
        Format::Csv => columns
            .iter()
            .find(|column| matches!(column.data_type, DataType::Vector { .. } | DataType::Bytes))
            .map(|column| {
                let message = format!(
                    "csv cannot carry \"{}\", which is {}",
                    column.name, column.data_type
                );
                Finding::at(span, Code::FORMAT, message).hint("json can")
            }),
        Format::Raw => {
            let is_one =
                |column: &Column| matches!(column.data_type, DataType::Bytes | DataType::String);
            (flow.is_sure() && !matches!(columns, [one] if is_one(one))).then(|| {
                Finding::at(
                    span,
                    Code::FORMAT,
                    "raw carries one column of bytes or string",
                )
                .hint("leave one column, or take another format")
            })
        }
    };
    if let Some(finding) = finding {
        cx.report(finding);
    }
}
