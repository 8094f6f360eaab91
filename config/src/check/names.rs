//! Ids of nodes, and what an `input` names by them.

use std::collections::HashMap;

use super::Context;
use super::graph::Input;
use crate::NodeId;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::suggest;
use crate::raw::{self, Key};

/// Ids and what they name.
pub(crate) struct Names<'a> {
    by_id: HashMap<&'a str, usize>,
    /// Ids of nodes that have outputs, in the order of the file.
    feeding: Vec<&'a str>,
    /// Some node could not be read at all: an unknown id may be its.
    unsure: bool,
}

impl<'a> Names<'a> {
    /// Reads all ids, and reports those that are wrong or given twice. The first `feeding` of them
    /// are of nodes with outputs.
    pub(crate) fn new(
        ids: &[&'a Key<String>],
        feeding: usize,
        document: &raw::Document,
        cx: &Context<'_>,
    ) -> Self {
        let mut by_id = HashMap::new();
        let mut unsure = unreadable(document);
        for (at, id) in ids.iter().enumerate() {
            let Some(name) = id.get() else {
                unsure = true;
                continue;
            };
            // A wrong id names its node all the same, so that its users are not blamed.
            cx.name(id, NodeId::parse);
            if by_id.contains_key(name.as_str()) {
                let message = format!("there is a node \"{name}\" already");
                cx.report(
                    Finding::at(id.span, Code::DUPLICATE_ID, message)
                        .hint("ids are unique among sources, operators and sinks"),
                );
                continue;
            }
            by_id.insert(name.as_str(), at);
        }
        let feeding = ids[..feeding].iter().filter_map(|id| id.get());
        Self {
            by_id,
            feeding: feeding.map(String::as_str).collect(),
            unsure,
        }
    }

    /// What a key names.
    pub(crate) fn input(&self, key: &'a Key<String>, cx: &Context<'_>) -> Input<'a> {
        match key.get() {
            Some(text) => self.parse(text, key.span, cx),
            None => Input {
                node: None,
                port: "",
                span: key.span,
            },
        }
    }

    /// What a text names: `"id"` or `"id.port"`.
    pub(crate) fn parse(&self, text: &'a str, span: Span, cx: &Context<'_>) -> Input<'a> {
        let (id, port) = text.split_once('.').unwrap_or((text, ""));
        let node = self.by_id.get(id).copied();
        if node.is_none() && !self.unsure {
            let message = format!("no node has the id \"{id}\"");
            let hint = suggest(id, "there are", self.feeding.iter().copied());
            cx.report(Finding::at(span, Code::UNKNOWN_INPUT, message).maybe_hint(hint));
        } else if node.is_some() && !self.feeding.contains(&id) {
            let message = format!("\"{id}\" is a sink: nothing comes out of it");
            let hint = "take the node before it";
            cx.report(Finding::at(span, Code::UNKNOWN_INPUT, message).hint(hint));
            return Input {
                node: None,
                port,
                span,
            };
        }
        Input { node, port, span }
    }
}

/// Whether a node of some list could not be read, so that its id is not known.
fn unreadable(document: &raw::Document) -> bool {
    fn any<T>(list: Option<&Key<Vec<Key<T>>>>) -> bool {
        list.is_some_and(|list| match list.get() {
            Some(nodes) => nodes.iter().any(|node| node.get().is_none()),
            None => true,
        })
    }
    any(document.sources.as_ref())
        || any(document.operators.as_ref())
        || any(document.sinks.as_ref())
}
