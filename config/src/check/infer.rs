//! `infer`: features against the model's input, output columns against its outputs.

use super::Context;
use super::flow::{Added, Flow, Found, column_name};
use super::model::Model;
use super::settings::span_of_time;
use crate::code::Code;
use crate::files::Finding;
use crate::nearest::suggest;
use crate::raw::{self, Key};
use crate::{
    Column, DataType, Element, Infer, InferOutput, ModelSettings, OperatorKind, Signature,
    TensorSpec, VectorElement,
};

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
            .then(|| output(name, value, signature?, cx))
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

/// `"probabilities[1]"`, or a whole output.
fn output(
    name: &str,
    key: &Key<String>,
    signature: &Signature,
    cx: &Context<'_>,
) -> Option<InferOutput> {
    let text = key.get()?;
    let report = |message: String, hint: Option<String>| {
        cx.report(Finding::at(key.span, Code::MODEL_OUTPUT, message).maybe_hint(hint));
        None
    };
    let (tensor_name, index) = match text.strip_suffix(']').and_then(|t| t.rsplit_once('[')) {
        Some((tensor, index)) => match index.parse::<usize>() {
            Ok(index) => (tensor, Some(index)),
            Err(_) => {
                let message = format!("\"{index}\" is not a position");
                return report(
                    message,
                    Some("positions count from 0: probabilities[1]".into()),
                );
            }
        },
        None => (text.as_str(), None),
    };
    let outputs = &signature.outputs;
    let Some(tensor) = outputs.iter().position(|output| output.name == tensor_name) else {
        let names = outputs.iter().map(|output| output.name.as_str());
        let hint = suggest(tensor_name, "there are", names);
        return report(format!("the model has no output \"{tensor_name}\""), hint);
    };
    let spec = &outputs[tensor];
    let width = row_width(spec);
    if let (Some(index), Some(width)) = (index, width)
        && index >= width
    {
        let message = format!("\"{tensor_name}\" has {width} numbers a row: there is no [{index}]");
        return report(
            message,
            Some(format!("the last is [{}]", width.saturating_sub(1))),
        );
    }
    let data_type = match (index, width) {
        (Some(_), _) | (None, Some(1)) => scalar(spec.element),
        (None, Some(length)) => {
            let Some(element) = vector_element(spec.element) else {
                let message = format!("\"{tensor_name}\" is several {}", word(spec.element));
                return report(message, Some(format!("choose one: {tensor_name}[0]")));
            };
            DataType::Vector { element, length }
        }
        (None, None) => {
            let message = format!("the size of \"{tensor_name}\" is not fixed by the model");
            return report(
                message,
                Some(format!("choose one number: {tensor_name}[0]")),
            );
        }
    };
    Some(InferOutput {
        name: name.into(),
        tensor,
        index,
        data_type,
    })
}

/// Numbers of one row: all sizes but the batch's; `None` where one is free.
fn row_width(tensor: &TensorSpec) -> Option<usize> {
    tensor
        .shape
        .iter()
        .skip(1)
        .try_fold(1_usize, |width, size| width.checked_mul((*size)?))
}

fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Vector { length, .. } => *length,
        DataType::Bool
        | DataType::Int64
        | DataType::Float64
        | DataType::Float32
        | DataType::String
        | DataType::Timestamp
        | DataType::Bytes => 1,
    }
}

/// Whether a column can be a feature of a tensor: numbers of floats, whole numbers of integers.
fn fits(data_type: &DataType, element: Element) -> bool {
    let is_whole = match data_type {
        DataType::Int64 => true,
        DataType::Vector { element, .. } => *element == VectorElement::Int64,
        DataType::Bool
        | DataType::Float64
        | DataType::Float32
        | DataType::String
        | DataType::Timestamp
        | DataType::Bytes => false,
    };
    match element {
        Element::Float32 | Element::Float64 => {
            data_type.is_numeric() || matches!(data_type, DataType::Vector { .. })
        }
        Element::Int64 => is_whole,
        Element::String => *data_type == DataType::String,
        Element::Bool => *data_type == DataType::Bool,
    }
}

fn scalar(element: Element) -> DataType {
    match element {
        Element::Float32 => DataType::Float32,
        Element::Float64 => DataType::Float64,
        Element::Int64 => DataType::Int64,
        Element::String => DataType::String,
        Element::Bool => DataType::Bool,
    }
}

fn vector_element(element: Element) -> Option<VectorElement> {
    match element {
        Element::Float32 => Some(VectorElement::Float32),
        Element::Float64 => Some(VectorElement::Float64),
        Element::Int64 => Some(VectorElement::Int64),
        Element::String | Element::Bool => None,
    }
}

fn word(element: Element) -> &'static str {
    match element {
        Element::Float32 => "float32",
        Element::Float64 => "float64",
        Element::Int64 => "int64",
        Element::String => "string",
        Element::Bool => "bool",
    }
}
