//! `[[monitor]]`: a detector over the errors of a model, or a watch over its features and answers.

use super::flow::node_id;
use super::model::Model;
use super::watch::watch;
use super::{Context, nodes};
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::nearest::suggest;
use crate::raw::{self, Key, Watched};
use crate::{Monitor, Watch};

/// What watches one model.
#[derive(Default)]
pub(crate) struct Monitors {
    /// Its errors.
    pub(crate) errors: Vec<Monitor>,
    /// Its features, answers and performance.
    pub(crate) watches: Vec<Watch>,
}

/// The monitors of one model.
pub(crate) fn monitors_of(
    model: Option<&str>,
    document: &raw::Document,
    cx: &Context<'_>,
) -> Monitors {
    let mut monitors = Monitors::default();
    let all = nodes(document.monitors.as_ref());
    for (span, raw) in
        all.filter(|(_, raw)| model.is_some() && raw.model.get().map(String::as_str) == model)
    {
        if watches_errors(raw) {
            monitors.errors.extend(of_errors(raw, span, cx));
        } else {
            monitors.watches.extend(watch(raw, cx));
        }
    }
    monitors
}

/// Whether it watches errors, for which labels are needed.
fn watches_errors(raw: &raw::Monitor) -> bool {
    match &raw.on {
        None => true,
        Some(on) => on.get() == Some(&Watched::Errors),
    }
}

fn of_errors(raw: &raw::Monitor, span: Span, cx: &Context<'_>) -> Option<Monitor> {
    let Some(detector) = &raw.detector else {
        let message = "a monitor of errors needs a detector";
        cx.report(
            Finding::at(span, Code::MISSING_KEY, message)
                .hint("write detector = \"adwin\", or on = \"features\""),
        );
        return None;
    };
    let set = raw.set.as_ref().and_then(Key::get);
    let parameters = set.into_iter().flat_map(raw::Named::iter);
    let monitor = Monitor {
        id: node_id(&raw.id)?,
        detector: detector.get()?.as_str().into(),
        parameters: parameters
            .filter_map(|(name, _, value)| Some((name.into(), *value.get()?)))
            .collect(),
    };
    if let Err(cause) = cx.models.monitor(&monitor) {
        let span = raw.set.as_ref().map_or(detector.span, |set| set.span);
        cx.report(
            Finding::at(span, Code::INVALID_VALUE, cause)
                .hint("`thalweg drift --list` shows the detectors and their parameters"),
        );
        return None;
    }
    Some(monitor)
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
        if model.settings.is_some() && !watches_errors(monitor) && !model.is_logged {
            let message = format!("model \"{name}\" has no feature log to watch");
            cx.report(
                Finding::at(monitor.model.span, Code::MISSING_KEY, message)
                    .hint("add [model.log] with the id of the rows"),
            );
        } else if model.settings.is_some() && watches_errors(monitor) && !model.is_labelled {
            let message = format!("model \"{name}\" has no labels, so its errors are not known");
            cx.report(
                Finding::at(monitor.model.span, Code::MISSING_KEY, message)
                    .hint("add [model.log] and [model.labels]"),
            );
        }
    }
}
