//! `[[monitor]]`: a detector over the errors of a model.

use super::flow::node_id;
use super::model::Model;
use super::{Context, nodes};
use crate::Monitor;
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::suggest;
use crate::raw::{self, Key};

/// The monitors of one model.
pub(crate) fn monitors_of(
    model: Option<&str>,
    document: &raw::Document,
    cx: &Context<'_>,
) -> Vec<Monitor> {
    let all = nodes(document.monitors.as_ref());
    all.filter(|(_, raw)| model.is_some() && raw.model.get().map(String::as_str) == model)
        .filter_map(|(_, raw)| {
            let set = raw.set.as_ref().and_then(Key::get);
            let parameters = set.into_iter().flat_map(raw::Named::iter);
            let monitor = Monitor {
                id: node_id(&raw.id)?,
                detector: raw.detector.get()?.as_str().into(),
                parameters: parameters
                    .filter_map(|(name, _, value)| Some((name.into(), *value.get()?)))
                    .collect(),
            };
            if let Err(cause) = cx.models.monitor(&monitor) {
                let span = raw.set.as_ref().map_or(raw.detector.span, |set| set.span);
                cx.report(
                    Finding::at(span, Code::INVALID_VALUE, cause)
                        .hint("`thalweg drift --list` shows the detectors and their parameters"),
                );
                return None;
            }
            Some(monitor)
        })
        .collect()
}

/// Reports monitors of models that do not exist or have no labels.
pub(crate) fn check_monitors(document: &raw::Document, models: &[Model<'_>], cx: &Context<'_>) {
    for (_, monitor) in nodes(document.monitors.as_ref()) {
        let Some(name) = monitor.model.get() else {
            continue;
        };
        let Some(model) = models.iter().find(|model| model.id == Some(name)) else {
            let names = models.iter().filter_map(|model| model.id);
            let message = format!("no model has the id \"{name}\"");
            cx.report(
                Finding::at(monitor.model.span, Code::UNKNOWN_MODEL, message).maybe_hint(suggest(
                    name,
                    "there are",
                    names,
                )),
            );
            continue;
        };
        if model.settings.is_some() && !model.is_labelled {
            let message = format!("model \"{name}\" has no labels, so its errors are not known");
            cx.report(
                Finding::at(monitor.model.span, Code::MISSING_KEY, message)
                    .hint("add [model.log] and [model.labels]"),
            );
        }
    }
}
