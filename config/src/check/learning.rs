//! `[model.log]` and what hangs on it, `[[monitor]]`, and the operators of the loop.

use super::Context;
use super::flow::{Added, Flow, FlowKey, Found, Output};
use super::model::Model;
use super::monitor::Monitors;
use super::settings::span_of_time;
use super::tensor::row_width;
use crate::code::Code;
use crate::files::{Finding, Span};
use crate::learning::columns::{CONTROL, LABEL, ROW, VERSION};
use crate::nearest::suggest;
use crate::raw::{self, Key};
use crate::{
    Column, DataType, Gate, GateMetric, InferLog, Label, Learning, OperatorKind, Retrain, Rollout,
    Schema, Signature, Steward, defaults,
};

/// Checks how a model learns; `Some(None)`: it does not.
pub(crate) fn check(
    raw: &raw::Model,
    monitors: Monitors,
    cx: &Context<'_>,
) -> Option<Option<Learning>> {
    let Some(log) = &raw.log else {
        for (what, key) in [
            ("labels", raw.labels.as_ref().map(|key| key.span)),
            ("retrain", raw.retrain.as_ref().map(|key| key.span)),
            ("rollout", raw.rollout.as_ref().map(|key| key.span)),
        ] {
            if let Some(span) = key {
                let message = format!("\"{what}\" needs the feature log");
                cx.report(
                    Finding::at(span, Code::MISSING_KEY, message)
                        .hint("add [model.log] with the id of the rows"),
                );
            }
        }
        return Some(None);
    };
    let log = log.get()?;
    let labels = raw.labels.as_ref().and_then(Key::get);
    if let (Some(retrain), None) = (&raw.retrain, &raw.labels) {
        let message = "there is nothing to train on without labels";
        cx.report(Finding::at(retrain.span, Code::MISSING_KEY, message).hint("add [model.labels]"));
    }
    if let (Some(retrain), None) = (&raw.retrain, &raw.train) {
        let message = "nobody says how a new version is trained";
        cx.report(Finding::at(retrain.span, Code::MISSING_KEY, message).hint("add [model.train]"));
    }
    let threshold = labels.and_then(|labels| labels.threshold.as_ref());
    Some(Some(Learning {
        id: log.id.get()?.as_str().into(),
        sample: share(log.sample.as_ref(), cx).unwrap_or(1.0),
        threshold: threshold.and_then(|key| key.get().copied()).unwrap_or(0.5),
        monitors: monitors.errors,
        watches: monitors.watches,
        retrain: raw
            .retrain
            .as_ref()
            .and_then(|retrain| check_retrain(retrain.get()?, cx)),
        gate: check_gate(raw.gate.as_ref().and_then(Key::get), cx),
        rollout: check_rollout(raw.rollout.as_ref().and_then(Key::get), cx),
    }))
}

/// Training puts the features together by their names. A model without any version, which is about to be
/// trained for the first time, takes rows of any width.
pub(crate) fn check_features(raw: &raw::Model, signature: &Signature, cx: &Context<'_>) {
    let gate = raw.gate.as_ref().and_then(Key::get);
    let slices = gate.and_then(|gate| gate.slices.as_ref()?.get());
    for slice in slices.into_iter().flatten() {
        if let Some(name) = slice.get()
            && !signature.features.is_empty()
            && !signature.features.contains(name)
        {
            let known = signature.features.iter().map(String::as_str);
            let message = format!("the model has no feature \"{name}\" to slice by");
            cx.report(
                Finding::at(slice.span, Code::UNKNOWN_COLUMN, message).maybe_hint(suggest(
                    name,
                    "there are",
                    known,
                )),
            );
        }
    }
    let is_there = signature
        .inputs
        .iter()
        .any(|input| row_width(input).is_some());
    if let Some(retrain) = &raw.retrain
        && is_there
        && signature.features.is_empty()
    {
        let message = "the model does not name its features, which training needs";
        cx.report(
            Finding::at(retrain.span, Code::MODEL_FEATURES, message)
                .hint("write features = [\"…\"] in the model.toml of its version"),
        );
    }
}

fn check_retrain(raw: &raw::Retrain, cx: &Context<'_>) -> Option<Retrain> {
    let rows = |key: &Option<Key<u64>>| match key {
        None => Some(None),
        Some(key) => cx.within(key, 10, 10_000_000).map(Some),
    };
    let settings = defaults::RETRAIN;
    Some(Retrain {
        after: rows(&raw.after)?.unwrap_or(settings.after),
        window: rows(&raw.window)?.unwrap_or(settings.window),
        every: rows(&raw.every)?,
    })
}

fn check_gate(raw: Option<&raw::Gate>, cx: &Context<'_>) -> Gate {
    let mut gate = defaults::GATE;
    let Some(raw) = raw else { return gate };
    if let Some(metric) = raw.metric.as_ref().and_then(Key::get) {
        gate.metric = match metric {
            raw::GateMetric::Accuracy => GateMetric::Accuracy,
            raw::GateMetric::AveragePrecision => GateMetric::AveragePrecision,
            raw::GateMetric::RocAuc => GateMetric::RocAuc,
            raw::GateMetric::LogLoss => GateMetric::LogLoss,
            raw::GateMetric::SquaredError => GateMetric::SquaredError,
        };
    }
    if let Some(holdout) = raw
        .holdout
        .as_ref()
        .and_then(|key| cx.within(key, 0.05, 0.9))
    {
        gate.holdout = holdout;
    }
    if let Some(margin) = raw
        .margin
        .as_ref()
        .and_then(|key| cx.within(key, -1.0, 1.0))
    {
        gate.margin = margin;
    }
    let slices = raw.slices.as_ref().and_then(Key::get);
    let names = slices.into_iter().flatten().filter_map(Key::get);
    gate.slices = names.map(|name| name.as_str().into()).collect();
    if let Some(tolerance) = raw
        .slice_tolerance
        .as_ref()
        .and_then(|key| cx.within(key, 0.0, 1e9))
    {
        gate.slice_tolerance = tolerance;
    }
    gate
}

fn check_rollout(raw: Option<&raw::Rollout>, cx: &Context<'_>) -> Rollout {
    let mut rollout = Rollout {
        steps: defaults::ROLLOUT_STEPS.to_vec(),
        rows: defaults::ROLLOUT_ROWS,
        failures: defaults::ROLLOUT_FAILURES,
    };
    let Some(raw) = raw else { return rollout };
    if let Some(key) = &raw.steps
        && let Some(list) = key.get()
    {
        let steps: Vec<f64> = list
            .iter()
            .filter_map(|step| cx.within(step, 0.0001, 1.0))
            .collect();
        let ascending = steps.windows(2).all(|pair| pair[0] < pair[1]);
        if steps.len() == list.len() && (!ascending || steps.last() != Some(&1.0)) {
            let message = "the steps of a rollout ascend to 1";
            cx.report(
                Finding::at(key.span, Code::INVALID_VALUE, message)
                    .hint("write steps = [0.05, 0.25, 1.0]"),
            );
        }
        rollout.steps = steps;
    }
    if let Some(rows) = raw
        .rows
        .as_ref()
        .and_then(|key| cx.within(key, 1, 10_000_000))
    {
        rollout.rows = rows;
    }
    if let Some(failures) = raw
        .failures
        .as_ref()
        .and_then(|key| cx.within(key, 1, 1_000))
    {
        rollout.failures = failures;
    }
    rollout
}

fn share(key: Option<&Key<f64>>, cx: &Context<'_>) -> Option<f64> {
    cx.within(key?, 0.0, 1.0)
}

/// Gives an `infer` its port `log`. `learning` is missing where the model is wrong.
pub(crate) fn add_log_port(
    kind: &mut Option<OperatorKind>,
    flow: &Flow,
    learning: Option<&Learning>,
    span: Span,
    cx: &Context<'_>,
) -> Output {
    let mut head = Flow {
        schema: Schema::new(vec![Column::new(ROW, DataType::String, false)]),
        doubtful: Vec::new(),
        open: false,
        key: FlowKey::At(0),
    };
    let mut added = Vec::new();
    let mut add = |name: &str, data_type: DataType, nullable: bool| {
        added.push(Added {
            name: name.into(),
            span,
            column: Some(Column::new(name, data_type, nullable)),
        });
    };
    match (kind, learning) {
        (Some(OperatorKind::Infer(infer)), Some(learning)) => {
            for feature in &infer.features {
                let column = &flow.schema.columns()[*feature];
                if matches!(column.data_type, DataType::Vector { .. }) {
                    let name = &column.name;
                    let message =
                        format!("\"{name}\" is a vector, which the feature log does not hold");
                    cx.report(
                        Finding::at(span, Code::COLUMN_TYPE, message).hint("give it scalars"),
                    );
                }
                add(&column.name, DataType::Float64, true);
            }
            for output in infer.outputs.iter().filter(|o| is_number(&o.data_type)) {
                add(&output.name, DataType::Float64, true);
            }
            let id = flow.column_named(&learning.id, span, cx);
            if let Some(Found::At(id, _)) = id {
                infer.log = Some(InferLog {
                    id,
                    sample: learning.sample,
                });
            } else {
                head.open = true;
            }
        }
        (Some(_) | None, _) => head.open = true,
    }
    add(VERSION, DataType::Int64, false);
    Output {
        port: "log".into(),
        flow: head.with(added, cx),
    }
}

/// Whether the log holds it as a number.
pub(crate) fn is_number(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Float64 | DataType::Float32 | DataType::Int64 | DataType::Bool
    )
}

/// Checks a `label`: its input's columns come out of both ports.
pub(crate) fn check_label(
    raw: &raw::Label,
    flow: &Flow,
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let key = flow.keyed("label", span, cx);
    let label = match flow.column(&raw.label, cx) {
        Some(Found::At(index, _)) => Some(index),
        Some(Found::Doubtful) | None => None,
    };
    let horizon = match &raw.horizon {
        None => Some(defaults::LABEL_HORIZON),
        Some(horizon) => span_of_time(horizon, 1, cx),
    };
    let kind = (|| {
        key?;
        Some(OperatorKind::Label(Label {
            label: label?,
            horizon: horizon?,
        }))
    })();
    let port = |name: &str| Output {
        port: name.into(),
        flow: flow.clone(),
    };
    (kind, vec![port(""), port("unlabelled")])
}

/// Checks a `steward`.
pub(crate) fn check_steward(
    raw: &raw::Steward,
    flow: &Flow,
    models: &[Model<'_>],
    span: Span,
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Vec<Output>) {
    let key = flow.keyed("steward", span, cx);
    let at = |name: &str| match flow.column_named(name, span, cx) {
        Some(Found::At(index, _)) => Some(index),
        Some(Found::Doubtful) | None => None,
    };
    let kind = (|| {
        key?;
        let name = raw.model.get()?;
        let model = models.iter().position(|model| model.id == Some(name))?;
        let learning = models[model].settings.as_ref()?.learning.clone()?;
        let slices = learning.gate.slices.iter();
        let slices: Option<Vec<_>> = slices.map(|name| Some((name.clone(), at(name)?))).collect();
        Some(OperatorKind::Steward(Steward {
            model,
            learning: Box::new(learning),
            score: at(raw.score.get()?)?,
            label: at(LABEL)?,
            version: at(VERSION)?,
            control: at(CONTROL)?,
            slices: slices?,
        }))
    })();
    (kind, vec![events_port(flow), metrics_port(flow)])
}

pub(super) fn events_port(flow: &Flow) -> Output {
    stewards_port(
        "",
        flow,
        &[
            ("at", DataType::Timestamp, false),
            ("event", DataType::String, false),
            (VERSION, DataType::Int64, true),
            ("detail", DataType::String, false),
        ],
    )
}

pub(super) fn metrics_port(flow: &Flow) -> Output {
    stewards_port(
        "metrics",
        flow,
        &[
            ("at", DataType::Timestamp, false),
            (VERSION, DataType::Int64, false),
            ("rows", DataType::Int64, false),
            ("metric", DataType::String, false),
            ("value", DataType::Float64, true),
            ("slice", DataType::String, true),
            ("monitor", DataType::String, true),
            ("column", DataType::String, true),
            ("p", DataType::Float64, true),
            ("drifted", DataType::Bool, true),
        ],
    )
}

pub(super) fn stewards_port(port: &str, flow: &Flow, columns: &[(&str, DataType, bool)]) -> Output {
    let key = match flow.key {
        FlowKey::At(at) => flow.schema.columns().get(at).cloned(),
        FlowKey::None | FlowKey::Lost { .. } | FlowKey::Doubtful => None,
    };
    let known = key.is_some();
    let others = columns
        .iter()
        .map(|(name, data_type, nullable)| Column::new(name, data_type.clone(), *nullable));
    Output {
        port: port.into(),
        flow: Flow {
            schema: Schema::new(key.into_iter().chain(others).collect()),
            doubtful: Vec::new(),
            open: !known,
            key: if known {
                FlowKey::At(0)
            } else {
                FlowKey::Doubtful
            },
        },
    }
}
