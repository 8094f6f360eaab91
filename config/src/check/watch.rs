//! `[[monitor]]` on features, predictions and performance, and the operators that it adds.

use super::Context;
use super::flow::{Flow, FlowKey, Found, Output, node_id};
use super::learning::{events_port, metrics_port, stewards_port};
use super::model::Model;
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::learning::columns::{CONTROL, MODEL, ROW, SHADOW, SKETCH, VERSION};
use crate::raw::{self, Key, Watched as On};
use crate::{
    Column, DataType, DriftLimits, Learning, OperatorKind, Schema, Sketch, Statistic, Watch,
    Watched, Watcher, defaults,
};

/// Sketches that make a window of the smallest watch, at least: how far windows may be too long.
const SKETCHES: u64 = 4;

/// A watch, if it can be; `None`: it watches errors, or something is reported.
pub(super) fn watch(raw: &raw::Monitor, cx: &Context<'_>) -> Option<Watch> {
    let on = match raw.on.as_ref()?.get()? {
        On::Errors => return None,
        On::Features => Watched::Features,
        On::Predictions => Watched::Predictions,
        On::Performance => Watched::Performance,
    };
    if let Some(detector) = &raw.detector {
        let message = "detectors watch errors, not windows";
        cx.report(
            Finding::at(detector.span, Code::CONFLICT, message)
                .hint("leave it out, or say on = \"errors\""),
        );
    }
    let whole = |key: &Option<Key<u64>>, least: u64, otherwise: u64| match key {
        Some(key) => cx.within(key, least, 10_000_000),
        None => Some(otherwise),
    };
    Some(Watch {
        id: node_id(&raw.id)?,
        on,
        columns: texts(raw.columns.as_ref()),
        window: whole(&raw.window, 100, defaults::DRIFT_WINDOW)?,
        sample: match &raw.sample {
            Some(key) => cx.within(key, 0.0001, 1.0)?,
            None => 1.0,
        },
        statistics: statistics(raw),
        limits: limits(raw, cx)?,
        season: match &raw.season {
            Some(key) => Some(span_of_time(key, 1_000, cx)?),
            None => None,
        },
        warm_up: whole(&raw.warm_up, 0, 0)?,
        cool_down: whole(&raw.cool_down, 0, defaults::DRIFT_COOL_DOWN)?,
        retrain: raw
            .retrain
            .as_ref()
            .is_some_and(|key| key.get() == Some(&true)),
    })
}

fn texts(list: Option<&Key<Vec<Key<String>>>>) -> Vec<std::sync::Arc<str>> {
    let items = list.and_then(Key::get).into_iter().flatten();
    items
        .filter_map(|item| Some(item.get()?.as_str().into()))
        .collect()
}

fn statistics(raw: &raw::Monitor) -> Vec<Statistic> {
    let Some(list) = raw.statistics.as_ref().and_then(Key::get) else {
        return vec![Statistic::KolmogorovSmirnov, Statistic::Psi];
    };
    let names = list.iter().filter_map(Key::get);
    names
        .map(|name| match name {
            raw::Statistic::KolmogorovSmirnov => Statistic::KolmogorovSmirnov,
            raw::Statistic::CramerVonMises => Statistic::CramerVonMises,
            raw::Statistic::ChiSquare => Statistic::ChiSquare,
            raw::Statistic::Psi => Statistic::Psi,
            raw::Statistic::JensenShannon => Statistic::JensenShannon,
            raw::Statistic::Hellinger => Statistic::Hellinger,
            raw::Statistic::Wasserstein => Statistic::Wasserstein,
        })
        .collect()
}

fn limits(raw: &raw::Monitor, cx: &Context<'_>) -> Option<DriftLimits> {
    let mut limits = defaults::DRIFT_LIMITS;
    let set = raw.set.as_ref().and_then(Key::get);
    for (name, span, value) in set.into_iter().flat_map(raw::Named::iter) {
        let (limit, most) = match name {
            "significance" => (&mut limits.significance, 0.5),
            "psi" => (&mut limits.psi, f64::MAX),
            "distance" => (&mut limits.distance, f64::MAX),
            "missing" => (&mut limits.missing, 1.0),
            "performance" => (&mut limits.performance, 1.0),
            _ => {
                let message = format!("there is no limit \"{name}\"");
                cx.report(
                    Finding::at(span, Code::INVALID_VALUE, message)
                        .hint("there are significance, psi, distance, missing, performance"),
                );
                return None;
            }
        };
        *limit = cx.within(value, 1e-9, most)?;
    }
    Some(limits)
}

/// Reports columns of watches that the feature log does not have.
fn check_columns(learning: &Learning, names: &[&str], span: Span, cx: &Context<'_>) {
    for watch in &learning.watches {
        let mut unknown = watch.columns.iter();
        if let Some(column) = unknown.find(|column| !names.contains(&&***column)) {
            let (id, known) = (&watch.id, names.join(", "));
            let message = format!("monitor \"{id}\": the model has no column \"{column}\"");
            cx.report(
                Finding::at(span, Code::UNKNOWN_COLUMN, message).hint(format!("there are {known}")),
            );
        }
    }
}

/// Checks a `sketch`: behind the port `log` of an `infer`.
pub(crate) fn check_sketch(
    raw: &raw::Sketch,
    flow: &Flow,
    models: &[Model<'_>],
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let columns: Vec<(std::sync::Arc<str>, usize)> = (flow.schema.columns().iter().enumerate())
        .filter(|(_, column)| ![ROW, VERSION, SHADOW].contains(&&*column.name))
        .map(|(at, column)| (column.name.clone(), at))
        .collect();
    let kind = (|| {
        let (model, learning) = learning_of(&raw.model, models)?;
        let names: Vec<&str> = columns.iter().map(|(name, _)| &**name).collect();
        if flow.is_sure_of_columns() {
            check_columns(learning, &names, span, cx);
        }
        let score = raw.score.get()?;
        let smallest = learning.watches.iter().map(|watch| watch.window).min()?;
        let sample = learning.watches.iter().map(|watch| watch.sample);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the inverse of a share of at least 0.0001"
        )]
        let one_in = (1.0 / sample.fold(0.0001, f64::max)).round() as u64;
        Some(OperatorKind::Sketch(Sketch {
            model,
            score: names.iter().position(|name| name == score)?,
            threshold: learning.threshold,
            rows: (smallest / SKETCHES).max(1),
            one_in,
            columns: columns.clone(),
        }))
    })();
    let sketches = Schema::new(vec![
        Column::new(MODEL, DataType::String, false),
        Column::new(VERSION, DataType::Int64, false),
        Column::new("rows", DataType::Int64, false),
        Column::new(SKETCH, DataType::String, false),
    ]);
    let out = Output {
        port: "".into(),
        flow: Flow {
            schema: sketches,
            doubtful: Vec::new(),
            open: false,
            key: FlowKey::At(0),
        },
    };
    (kind, vec![out])
}

/// Checks a `watch`.
pub(crate) fn check_watch(
    raw: &raw::Watch,
    flow: &Flow,
    models: &[Model<'_>],
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let key = flow.keyed("watch", span, cx);
    let at = |name: &str| match flow.column_named(name, span, cx) {
        Some(Found::At(index, _)) => Some(index),
        Some(Found::Doubtful) | None => None,
    };
    let kind = (|| {
        key?;
        let (model, learning) = learning_of(&raw.model, models)?;
        Some(OperatorKind::Watch(Watcher {
            model,
            learning: Box::new(learning.clone()),
            features: usize::try_from(*raw.features.get()?).ok()?,
            version: at(VERSION)?,
            sketch: at(SKETCH)?,
        }))
    })();
    let control = [(CONTROL, DataType::String, false)];
    let control = stewards_port("control", flow, &control);
    (kind, vec![events_port(flow), metrics_port(flow), control])
}

fn learning_of<'m>(id: &Key<String>, models: &'m [Model<'_>]) -> Option<(usize, &'m Learning)> {
    let id = id.get()?;
    let model = models.iter().position(|model| model.id == Some(id))?;
    Some((model, models[model].settings.as_ref()?.learning.as_ref()?))
}
