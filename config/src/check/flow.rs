//! What is known of the rows on an arrow of the graph, however much of it was wrong.

use std::sync::Arc;

use super::Context;
use crate::code::Code;
use crate::expression::{Failure, Scope, parse_in};
use crate::files::{Finding, Span};
use crate::nearest::suggest;
use crate::raw::Key;
use crate::{Column, DataType, Expression, NodeId, Schema};

/// What is known of rows.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// Columns that are known.
    pub(crate) schema: Schema,
    /// Columns that are there, of a type nobody knows because of a problem that is reported.
    pub(crate) doubtful: Vec<Arc<str>>,
    /// Others may be there too.
    pub(crate) open: bool,
    /// By what the rows are partitioned.
    pub(crate) key: FlowKey,
}

/// By what rows are partitioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlowKey {
    /// By nothing that is declared.
    None,
    /// By the column at this position.
    At(usize),
    /// By a column that an operator did not keep.
    Lost {
        /// The column.
        column: Arc<str>,
        /// The operator.
        by: Arc<str>,
    },
    /// Nobody knows because of a problem that is reported.
    Doubtful,
}

/// A port of a node and what flows out of it.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    /// Empty for the main one.
    pub(crate) port: Arc<str>,
    pub(crate) flow: Flow,
}

/// A column that was looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found<'a> {
    /// At a position.
    At(usize, &'a Column),
    /// Its type is not known, or it may be there: no problem of its own.
    Doubtful,
}

impl Flow {
    /// Nothing is known, because of a problem that is reported.
    pub(crate) fn unknown() -> Self {
        Self {
            schema: Schema::default(),
            doubtful: Vec::new(),
            open: true,
            key: FlowKey::Doubtful,
        }
    }

    /// Whether everything is known.
    pub(crate) fn is_sure(&self) -> bool {
        self.is_sure_of_columns() && self.key != FlowKey::Doubtful
    }

    /// Whether every column is known.
    pub(crate) fn is_sure_of_columns(&self) -> bool {
        !self.open && self.doubtful.is_empty()
    }

    /// Looks a column up, and reports if it is not there.
    pub(crate) fn column(&self, key: &Key<String>, cx: &Context<'_>) -> Option<Found<'_>> {
        self.column_named(key.get()?, key.span, cx)
    }

    /// Looks a column up, and reports at `span` if it is not there.
    pub(crate) fn column_named(
        &self,
        name: &str,
        span: Span,
        cx: &Context<'_>,
    ) -> Option<Found<'_>> {
        if let Some(index) = self.schema.index_of(name) {
            return Some(Found::At(index, &self.schema.columns()[index]));
        }
        if self.open || self.doubtful.iter().any(|column| &**column == name) {
            return Some(Found::Doubtful);
        }
        let known = self.schema.columns().iter().map(|column| &*column.name);
        let names = known.chain(self.doubtful.iter().map(|column| &**column));
        cx.report(
            Finding::at(
                span,
                Code::UNKNOWN_COLUMN,
                format!("unknown column \"{name}\""),
            )
            .maybe_hint(suggest(name, "there are", names)),
        );
        None
    }

    /// Types an expression over these columns. `None`: something is or was reported.
    pub(crate) fn expression(&self, key: &Key<String>, cx: &Context<'_>) -> Option<Expression> {
        let text = key.get()?;
        let scope = Scope {
            schema: &self.schema,
            doubtful: &self.doubtful,
            open: self.open,
        };
        match parse_in(text, scope) {
            Ok(expression) => Some(expression),
            Err(Failure::Doubtful) => None,
            Err(Failure::Wrong(error)) => {
                let span = match content(cx.files.text(key.span), text) {
                    Some(offset) => key
                        .span
                        .part(&(offset + error.range.start..offset + error.range.end)),
                    None => key.span,
                };
                let code = Code(error.code);
                cx.report(Finding::at(span, code, error.message).maybe_hint(error.hint));
                None
            }
        }
    }

    /// Types a condition. `None`: something is or was reported.
    pub(crate) fn condition(&self, key: &Key<String>, cx: &Context<'_>) -> Option<Expression> {
        let expression = self.expression(key, cx)?;
        if expression.data_type == DataType::Bool {
            return Some(expression);
        }
        let message = format!("a condition is a bool, not {}", expression.data_type);
        cx.report(
            Finding::at(key.span, Code::EXPRESSION_TYPE, message)
                .hint("compare it with something: amount > 0"),
        );
        None
    }

    /// Position of the key, for an operator that keeps state per key. `None`: something is or was reported.
    pub(crate) fn keyed(&self, what: &str, span: Span, cx: &Context<'_>) -> Option<usize> {
        match &self.key {
            FlowKey::At(index) => Some(*index),
            FlowKey::Doubtful => None,
            FlowKey::None => {
                let message = format!("{what} keeps state per key, and these rows have no key");
                cx.report(
                    Finding::at(span, Code::KEY_MISSING, message)
                        .hint("give the source a `key`, or put a key-by before"),
                );
                None
            }
            FlowKey::Lost { column, by } => {
                let message = format!(
                    "{what} needs the key column \"{column}\", which \"{by}\" does not keep"
                );
                cx.report(
                    Finding::at(span, Code::KEY_LOST, message)
                        .hint(format!("add \"{column}\" to `keep` of \"{by}\"")),
                );
                None
            }
        }
    }

    /// These rows with columns added. Names that are taken are reported.
    pub(crate) fn with(&self, added: Vec<Added>, cx: &Context<'_>) -> Self {
        let mut columns = self.schema.columns().to_vec();
        let mut doubtful = self.doubtful.clone();
        for Added { name, span, column } in added {
            if columns.iter().any(|column| *column.name == *name) {
                let message = format!("there is a column \"{name}\" already");
                cx.report(
                    Finding::at(span, Code::DUPLICATE_COLUMN, message)
                        .hint("choose another name, or drop the other in a select before"),
                );
                continue;
            }
            match column {
                Some(column) => columns.push(column),
                None => doubtful.push(name),
            }
        }
        Self {
            schema: Schema::new(columns),
            doubtful,
            open: self.open,
            key: self.key.clone(),
        }
    }

    /// This flow as the one output of a node.
    pub(crate) fn main(self) -> Vec<Output> {
        vec![Output {
            port: "".into(),
            flow: self,
        }]
    }
}

/// A column that an operator adds.
pub(crate) struct Added {
    pub(crate) name: Arc<str>,
    pub(crate) span: Span,
    /// `None`: wrong, and reported.
    pub(crate) column: Option<Column>,
}

/// Checks the name of a column that the file makes.
pub(crate) fn column_name(name: &str, span: Span, cx: &Context<'_>) -> bool {
    // A bound for headers and messages; no database allows more.
    let fits = (1..=128).contains(&name.len()) && !name.chars().any(char::is_control);
    if !fits {
        let message = format!("\"{name}\" is not a column name");
        cx.report(
            Finding::at(span, Code::INVALID_VALUE, message).hint("1 to 128 bytes, no line breaks"),
        );
    }
    fits
}

/// Id of a node for messages.
pub(crate) fn id_text(id: &Key<String>) -> Arc<str> {
    id.get().map_or("?", String::as_str).into()
}

/// Where the value of a TOML string begins in its source, if every byte of it stands there as it is.
pub(crate) fn content(source: &str, value: &str) -> Option<usize> {
    let offset = ["\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'", ""]
        .iter()
        .find(|quote| source.starts_with(**quote))?
        .len();
    source.get(offset..)?.starts_with(value).then_some(offset)
}

/// A node's checked id; reported elsewhere if it is none.
pub(crate) fn node_id(id: &Key<String>) -> Option<NodeId> {
    NodeId::parse(id.get()?).ok()
}
