//! `infer`: features against the model's input, output columns against its outputs.

use super::flow::{Added, Flow, Found, column_name};
use super::model::Model;
use super::settings::span_of_time;
use super::tensor::{fits, row_width, width, word};
use super::{Context, output};
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::suggest;
use crate::raw::{self, Key};
use crate::{Column, DataType, Infer, InferOutput, ModelSettings, OperatorKind, Signature};

/// Checks an `infer`: the input's columns, then the model's outputs.
pub(crate) fn check(
    raw: &raw::Infer,
    flow: &Flow,
    models: &[Model<'_>],
    cx: &Context<'_>,
) -> (Option<OperatorKind>, Flow) {
    let model = model(&raw.model, models, cx);
    let signature = model.map(|(_, settings)| &settings.signature);
    let features = features(&raw.features, flow, signature, cx);
    let deadline = match &raw.deadline {
        None => Some(None),
        Some(deadline) => span_of_time(deadline, 1, cx).map(Some),
    };
    let mut outputs: Option<Vec<InferOutput>> = raw.outputs.get().map(|_| Vec::new());
    let mut added = Vec::new();
    for (name, span, value) in raw.outputs.get().into_iter().flat_map(|table| table.iter()) {
        let output = column_name(name, span, cx)
            .then(|| output::check(name, value, signature?, cx))
            .flatten();
        added.push(Added {
            name: name.into(),
            span,
            // Where a model fails there may be a fallback, or no row: a value is always there.
            column: output
                .as_ref()
                .map(|o| Column::new(name, o.data_type.clone(), false)),
        });
        outputs = outputs.zip(output).map(|(mut outputs, output)| {
            outputs.push(output);
            outputs
        });
    }
    let fallback = raw.fallback.as_ref().map(Key::get);
    let infer = (|| {
        Some(OperatorKind::Infer(Infer {
            model: model?.0,
            features: features?,
            outputs: outputs?,
            deadline: deadline?,
            fallback: match fallback {
                None => None,
                Some(value) => Some(*value?),
            },
            log: None,
        }))
    })();
    let mut out = flow.with(added, cx);
    out.open |= raw.outputs.get().is_none();
    (infer, out)
}

fn model<'m>(
    key: &Key<String>,
    models: &'m [Model<'_>],
    cx: &Context<'_>,
) -> Option<(usize, &'m ModelSettings)> {
    let name = key.get()?;
    let Some(index) = models.iter().position(|model| model.id == Some(name)) else {
        // A model whose id could not be read may be the one that is meant.
        if models.iter().all(|model| model.id.is_some()) {
            let names = models.iter().filter_map(|model| model.id);
            let hint = suggest(name, "there are", names)
                .unwrap_or_else(|| format!("add a [[model]] with id = \"{name}\""));
            let message = format!("no model has the id \"{name}\"");
            cx.report(Finding::at(key.span, Code::UNKNOWN_MODEL, message).hint(hint));
        }
        return None;
    };
    Some((index, models[index].settings.as_ref()?))
}

/// Positions of the feature columns, which together are a row of the model's one input.
fn features(
    key: &Key<Vec<Key<String>>>,
    flow: &Flow,
    signature: Option<&Signature>,
    cx: &Context<'_>,
) -> Option<Vec<usize>> {
    let names = key.get()?;
    let mut found: Vec<Option<(usize, &Column)>> = Vec::new();
    for name in names {
        found.push(match flow.column(name, cx) {
            Some(Found::At(index, column)) => Some((index, column)),
            Some(Found::Doubtful) | None => None,
        });
    }
    let signature = signature?;
    let report = |message: String, hint: String| {
        cx.report(Finding::at(key.span, Code::MODEL_FEATURES, message).hint(hint));
        None
    };
    let [input] = signature.inputs.as_slice() else {
        let message = format!("the model has {} inputs", signature.inputs.len());
        return report(message, "this version feeds models with one input".into());
    };
    for (name, column) in names.iter().zip(&found) {
        if let Some((_, column)) = column
            && !fits(&column.data_type, input.element)
        {
            let message = format!(
                "\"{}\" is {}, and the model's input \"{}\" takes {}",
                column.name,
                column.data_type,
                input.name,
                word(input.element)
            );
            let hint = "a select before can make a number of it";
            cx.report(Finding::at(name.span, Code::MODEL_FEATURES, message).hint(hint));
        }
    }
    let has_vectors = found
        .iter()
        .flatten()
        .any(|(_, column)| matches!(column.data_type, DataType::Vector { .. }));
    if !signature.features.is_empty() && !has_vectors {
        check_names(key, names, &signature.features, cx);
    } else if let Some(found) = found.iter().copied().collect::<Option<Vec<_>>>() {
        let given: usize = found
            .iter()
            .map(|(_, column)| width(&column.data_type))
            .sum();
        let wanted = row_width(input);
        if wanted.is_some_and(|wanted| wanted != given) {
            let message = format!(
                "{given} features, and the model takes {}",
                wanted.unwrap_or_default()
            );
            return report(
                message,
                format!("its input \"{}\" has that many columns", input.name),
            );
        }
    }
    found.into_iter().map(|column| Some(column?.0)).collect()
}

/// The names of the features are the model's, in its order.
fn check_names(
    key: &Key<Vec<Key<String>>>,
    names: &[Key<String>],
    wanted: &[String],
    cx: &Context<'_>,
) {
    if names.len() != wanted.len() {
        let message = format!(
            "{} features, and the model takes {}",
            names.len(),
            wanted.len()
        );
        cx.report(
            Finding::at(key.span, Code::MODEL_FEATURES, message)
                .hint(format!("they are: {}", crate::nearest::list(wanted))),
        );
        return;
    }
    for (at, (name, wanted)) in names.iter().zip(wanted).enumerate() {
        if let Some(given) = name.get()
            && given != wanted
        {
            let message = format!(
                "feature {} of the model is \"{wanted}\", not \"{given}\"",
                at + 1
            );
            cx.report(
                Finding::at(name.span, Code::MODEL_FEATURES, message)
                    .hint("features stand in the model's order, under its names"),
            );
        }
    }
}
